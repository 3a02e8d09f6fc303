from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.domain.stock.policy import Sale, StockPolicy, policy_for

SHIPPED = Path(__file__).parents[2] / "config" / "policy.toml"

SALE = """
[stock.buffer]
risk = 0.02
[[stock.sku]]
pattern = "DRESS-*"
floor_units = 2
[[stock.sale]]
name = "Black Friday"
starts_at = 2026-11-27T00:00:00Z
ends_at = 2026-12-01T00:00:00Z
skus = ["DRESS-RED-*", "HAT"]
risk = 0.001
most_minutes = 1
"""


def read(text: str) -> StockPolicy:
    return load_policy(text, "policy.toml").stock


def faults(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        read(text)
    return str(error.value)


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    assert read(SHIPPED.read_text(encoding="utf-8")) == StockPolicy()


def test_what_is_left_out_has_its_default() -> None:
    assert read("") == StockPolicy()


def test_a_rule_for_some_skus_keeps_what_it_does_not_name() -> None:
    policy = read(SALE)
    before = datetime(2026, 11, 1, tzinfo=UTC)

    dress, hat = (policy_for(sku, before, policy).buffer for sku in ("DRESS-RED-M", "HAT"))

    assert (dress.risk, dress.floor_units) == (0.02, 2)
    assert (hat.risk, hat.floor_units) == (0.02, 0)


def test_a_sale_tightens_its_own_skus_and_returns_by_itself() -> None:
    policy = read(SALE)
    before, during, after = (
        datetime(2026, 11, 26, 23, 59, tzinfo=UTC),
        datetime(2026, 11, 27, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )

    assert isinstance(policy.sales[0], Sale)
    assert policy_for("DRESS-RED-M", during, policy).buffer.risk == 0.001
    assert policy_for("DRESS-RED-M", during, policy).buffer.floor_units == 2
    assert policy_for("DRESS-RED-M", during, policy).most_minutes == 1
    assert policy_for("DRESS-RED-M", during, policy).sale == "Black Friday"
    assert policy_for("DRESS-BLUE-M", during, policy) == policy_for("DRESS-BLUE-M", before, policy)
    assert policy_for("DRESS-RED-M", after, policy) == policy_for("DRESS-RED-M", before, policy)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[stock.bufer]\nrisk = 0.1", "[stock] has no setting 'bufer'"),
        ("[stock.buffer]\nrisks = 0.1", "line 2: [stock.buffer] has no setting 'risks'"),
        (
            "[stock.buffer]\nrisk = 2",
            "line 2: [stock.buffer] risk must be a number above 0 and below 1",
        ),
        (
            "[stock.buffer]\ncap_units = 1.5",
            "cap_units must be a whole number from 0, not 1.5",
        ),
        ("[stock.guard]\ndrop_share = true", "drop_share must be a number from 0, not true"),
        ("[stock.cadence]\nladder_minutes = [5, 1]", "a list of whole minutes, shortest first,"),
        (
            "[stock.convention]\navailable_clamped = 1",
            "available_clamped must be true or false, not 1",
        ),
        ("[[stock.sku]]\nrisk = 0.1", "line 1: [[stock.sku]] pattern is missing"),
        (
            "[[stock.sku]]\npattern = 'A*'\nrisk = 7",
            "line 3: [[stock.sku]] risk must be a number above 0",
        ),
        (
            SALE.replace("Z\nskus", "\nskus"),
            "line 10: [[stock.sale]] ends_at must be a time",
        ),
        (
            SALE.replace("2026-12-01", "2026-11-01"),
            "line 10: [[stock.sale]] ends_at must be later",
        ),
        (SALE + "[[stock.sale]]\nname = 3", "line 15: [[stock.sale]] name must be text, not 3"),
        ("stock = 3", "line 1: stock must be a table, written [stock]"),
        ("[stock]\nbuffer = 3", "line 2: stock.buffer must be a table, written [stock.buffer]"),
        ("[stock]\nsku = 3", "line 2: [stock] sku must be a list of tables"),
        ("[stock.guard]\ndrop_share = inf", "drop_share must be a number from 0, not Infinity"),
        (
            SALE.replace("most_minutes = 1", ""),
            "line 7: [[stock.sale]] most_minutes is missing",
        ),
    ],
)
def test_a_fault_names_the_setting_and_what_was_expected(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_all_faults_are_listed_at_once() -> None:
    listed = faults("[stock.buffer]\nrisk = 2\ncap_units = -1\n[stock.cadence]\nrisk = 'low'")

    assert listed.startswith("policy.toml has 3 faults")
