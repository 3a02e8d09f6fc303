"""Settings say all that is wrong at once, in words for the person who sets them, and no secret."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from centra_whistl_dagster.domain.configuration import ConfigError
from centra_whistl_dagster.settings import load_settings

PROJECT = Path(__file__).parents[1]

ENOUGH = {
    "CENTRA_BASE_URL": "https://shop.example",
    "CENTRA_TOKEN": "centra-secret",
    "WHISTL_BASE_URL": "https://whistl.example",
    "WHISTL_CLIENT_ID": "brand",
    "WHISTL_CLIENT_SECRET": "whistl-secret",
    "WHISTL_CLIENT_CODE": "ACME",
    "WHISTL_SITE": "SW",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "config", tmp_path / "config"))


def test_what_is_left_out_has_its_default() -> None:
    settings = load_settings(ENOUGH)

    assert settings.ledger_url == "sqlite:///state/ledger.db"
    assert settings.order_number_prefix == "C"
    assert settings.look_up_lag == timedelta(seconds=30)
    assert settings.centra.quota_share == 0.5
    assert settings.sends_shipping_email is True


def test_everything_that_is_missing_is_named_in_one_error() -> None:
    with pytest.raises(ConfigError) as told:
        load_settings({})

    for name in ("CENTRA_BASE_URL", "CENTRA_TOKEN", "WHISTL_CLIENT_SECRET", "WHISTL_SITE"):
        assert f"{name} is not set" in str(told.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CENTRA_WAREHOUSE_ID", "the first"),
        ("WHISTL_LOOK_UP_LAG_SECONDS", "soon"),
        ("SEND_SHIPPING_EMAIL", "perhaps"),
        ("WHISTL_PARALLEL_CALLS", "2.5"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_was_given(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as told:
        load_settings(ENOUGH | {name: value})

    assert value in str(told.value)


def test_a_static_token_needs_no_client_secret() -> None:
    given = {name: value for name, value in ENOUGH.items() if name != "WHISTL_CLIENT_SECRET"}

    settings = load_settings(given | {"WHISTL_TOKEN": "static"})

    assert settings.whistl.static_token == "static"


def test_a_secret_can_come_from_a_file_and_a_missing_file_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    given = {name: value for name, value in ENOUGH.items() if name != "CENTRA_TOKEN"}

    settings = load_settings(given | {"CENTRA_TOKEN_FILE": str(secret)})
    assert settings.centra.token == "from-a-file"

    with pytest.raises(ConfigError, match="CENTRA_TOKEN_FILE names a file that cannot be read"):
        load_settings(given | {"CENTRA_TOKEN_FILE": str(tmp_path / "gone")})


def test_no_secret_is_shown_when_settings_are() -> None:
    url = "postgresql://user:ledger-secret@db/ledger"
    settings = load_settings(
        ENOUGH | {"LEDGER_URL": url, "ALERT_DEFAULT_URL": "slack://alert-secret"}
    )

    assert "secret" not in repr(settings).replace("client_secret", "")
    assert settings.ledger_url == url


def test_the_shipped_configuration_can_be_read(config: Path) -> None:
    configuration = load_settings(ENOUGH | {"CONFIG_DIR": str(config)}).load_configuration()

    assert configuration.exception_kinds
    assert configuration.stock.guard.oldest_minutes > 0


def test_a_missing_file_is_named_with_where_to_look(config: Path) -> None:
    (config / "policy.toml").unlink()

    with pytest.raises(ConfigError, match=r"policy\.toml.*\n.*CONFIG_DIR"):
        load_settings(ENOUGH | {"CONFIG_DIR": str(config)}).load_configuration()


@pytest.mark.parametrize(
    ("file", "matters"),
    [("shipping_services.csv", True), ("policy.toml", True), ("exceptions.toml", False)],
)
def test_the_fingerprint_follows_what_a_verdict_rests_on(
    config: Path, file: str, matters: bool
) -> None:
    settings = load_settings(ENOUGH | {"CONFIG_DIR": str(config)})
    before = settings.load_configuration().fingerprint
    path = config / file
    path.write_text(path.read_text() + "\n# a line more\n" * (file != "shipping_services.csv"))
    if file == "shipping_services.csv":
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *rows[:-1]]) + "\n")

    after = settings.load_configuration().fingerprint

    assert (before != after) is matters
