"""The files operators own: the shipped ones load, and a fault is shown with its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.config_files.shipping_services import load_service_mapping
from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner, Severity
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.skus import Ignored

CONFIG = Path(__file__).parents[2] / "config"
EXCEPTIONS = (CONFIG / "exceptions.toml").read_text(encoding="utf-8")


def faults_of(text: str) -> dict[str, int | None]:
    with pytest.raises(ConfigError) as caught:
        load_responsibilities(text, "exceptions.toml")
    return {fault.detail: fault.line for fault in caught.value.faults}


def test_the_files_load() -> None:
    policy = (CONFIG / "policy.toml").read_text(encoding="utf-8")
    mapping = (CONFIG / "shipping_services.csv").read_text(encoding="utf-8")

    assert isinstance(load_policy(policy, "policy.toml").screening, ScreeningPolicy)
    assert load_policy("", "policy.toml").screening == ScreeningPolicy()
    assert load_service_mapping(mapping, "shipping_services.csv").rows is not None
    assert set(load_responsibilities(EXCEPTIONS, "exceptions.toml")) == set(ExceptionKind)


def test_the_examples_in_the_shipped_mapping_are_rows_that_load() -> None:
    lines = (CONFIG / "shipping_services.csv").read_text(encoding="utf-8").splitlines()
    header = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    examples = [line.removeprefix("# ") for line in lines[header + 1 :]]

    loaded = load_service_mapping("\n".join([lines[header], *examples]), "examples")

    assert len(loaded.rows) == len(examples) > 0
    assert all(row.service.carrier_code.startswith("EXAMPLE") for row in loaded.rows)


def test_only_advice_blocks_nothing() -> None:
    loaded = load_responsibilities(EXCEPTIONS, "exceptions.toml")
    kinds = list(ExceptionKind)
    of_screening = kinds[: kinds.index(ExceptionKind.WEIGHT_UNKNOWN) + 1]

    for kind in of_screening:
        assert (loaded[kind].severity is Severity.WARNING) is (kind in ADVICE), kind


def test_customer_service_owns_what_only_the_customer_can_say() -> None:
    loaded = load_responsibilities(EXCEPTIONS, "exceptions.toml")

    assert loaded[ExceptionKind.PHONE_MISSING].owner is Owner.CX
    assert loaded[ExceptionKind.SKU_UNKNOWN].owner is Owner.MERCHANDISING
    assert loaded[ExceptionKind.SERVICE_UNMAPPED].owner is Owner.ECOMMERCE


def test_a_kind_without_an_entry_is_refused() -> None:
    text = EXCEPTIONS.replace("[oversold]", "[over_sold]")

    found = faults_of(text)

    line = EXCEPTIONS.splitlines().index("[oversold]") + 1
    assert found == {
        "[over_sold] is not a kind of exception that this project raises": line,
        "[oversold] is missing; every kind needs an owner": None,
    }


def test_a_wrong_value_is_shown_with_its_line() -> None:
    text = EXCEPTIONS.replace('owner = "finance"', 'owner = "nobody"').replace(
        "time_limit_minutes = 15", "time_limit_minutes = 0"
    )

    lines = [line for line in faults_of(text).values() if line]

    assert {text.splitlines()[line - 1] for line in lines} == {
        'owner = "nobody"',
        "time_limit_minutes = 0",
    }


def test_a_missing_and_an_unknown_setting_are_named() -> None:
    text = EXCEPTIONS.replace('title = "More sold than in stock"', 'heading = "More sold"')

    found = faults_of(text)

    assert [detail.partition(";")[0] for detail in found] == [
        "[oversold] title is missing",
        "[oversold] has no setting 'heading'",
    ]


def test_an_entry_that_is_not_a_table_is_one_fault_with_its_line() -> None:
    text = "oversold = 3\nsold_out = 4\n" + EXCEPTIONS.replace(
        "[oversold]", "[order_in_doubt.more]"
    )

    listed = faults_of(text)

    assert listed["oversold must be a table, written [oversold]"] == 1
    assert listed["[sold_out] is not a kind of exception that this project raises"] == 2
    assert not any("[oversold] owner" in detail for detail in listed)


def test_text_that_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"policy\.toml, line 2"):
        load_policy("[screening]\nsku_characters = = 24\n", "policy.toml")


@pytest.mark.parametrize(
    ("table", "setting"),
    [("after-sending", 'on_hold = "ask"'), ("screenings", "sku_characters = 24")],
)
def test_a_table_that_the_policy_does_not_have_is_refused_with_its_line(
    table: str, setting: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policy(f"[screening]\n\n[{table}]\n{setting}\n", "policy.toml")

    (fault,) = caught.value.faults
    assert fault.line == 3
    assert f"has no table [{table}]; it has screening, after_sending" in fault.detail


def test_faults_of_all_tables_of_the_policy_are_listed_together() -> None:
    text = "on_hold = 3\n[screening]\nsku_characters = 0\n[stock.buffer]\nrisk = 2\n"

    with pytest.raises(ConfigError) as caught:
        load_policy(text, "policy.toml")

    assert [fault.line for fault in caught.value.faults] == [1, 3, 5]


def test_policy_values_are_read_in_their_types() -> None:
    lines = [
        "[screening]",
        "packaging_kg = 0.35",
        'sku_collisions_ignore = ["case"]',
        "not_product_skus = []",
    ]

    policy = load_policy("\n".join(lines), "policy.toml").screening

    assert policy.packaging_kg == Decimal("0.35")
    assert policy.sku_collisions_ignore == {Ignored.CASE}
    assert policy.not_product_skus == ()


@pytest.mark.parametrize(
    "line",
    [
        "sku_charactres = 24",
        "sku_characters = 0",
        "sku_characters = true",
        'sku_characters = "24"',
        "packaging_kg = -1",
        "packaging_kg = nan",
        'customs_territories = ["atlantis"]',
        'not_product_skus = "post"',
    ],
)
def test_an_invalid_policy_value_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policy(f"[stock]\n\n[screening]\n{line}\n", "policy.toml")

    assert [fault.line for fault in caught.value.faults] == [4]


def test_quiet_days_are_days() -> None:
    text = "[volume]\nquiet_days = [2026-12-24, 2026-12-31]\n"

    assert load_policy(text, "policy.toml").volume.quiet_days == (
        date(2026, 12, 24),
        date(2026, 12, 31),
    )
    for wrong in ('["2026-12-24"]', "[2026-12-24T09:00:00Z]", "2026-12-24"):
        with pytest.raises(ConfigError, match=r"quiet_days .*a list of days"):
            load_policy(f"[volume]\nquiet_days = {wrong}\n", "policy.toml")
