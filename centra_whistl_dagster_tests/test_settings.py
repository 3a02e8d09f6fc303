"""Settings list all faults at once, in words for the person who sets them, and show no secret."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from centra_whistl_dagster.alerts.links import Links
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.settings import load_links, load_settings

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


def details(error: ConfigError) -> list[str]:
    return [fault.detail for fault in error.faults]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "config", tmp_path / "config"))


def test_what_is_left_out_has_its_default() -> None:
    settings = load_settings(ENOUGH)

    assert settings.ledger_url == "sqlite:///state/ledger.db"
    assert settings.order_number_prefix == "C"
    assert settings.sends_order_comment is True
    assert settings.centra.quota_share == 0.5
    assert settings.sends_shipping_email is True


def test_a_look_up_lag_that_nobody_has_stated_is_long_and_is_named() -> None:
    unstated = load_settings(ENOUGH)
    stated = load_settings(ENOUGH | {"WHISTL_LOOK_UP_LAG_SECONDS": "30"})

    assert unstated.look_up_lag == timedelta(minutes=15)
    assert "WHISTL_LOOK_UP_LAG_SECONDS is not set" in unstated.unstated()[0]
    assert stated.look_up_lag == timedelta(seconds=30)
    assert not any("LOOK_UP_LAG" in each for each in stated.unstated())


def test_a_time_zone_of_whistls_that_nobody_has_stated_is_named() -> None:
    unstated = load_settings(ENOUGH | {"WHISTL_LOOK_UP_LAG_SECONDS": "30"})
    stated = load_settings(
        ENOUGH | {"WHISTL_LOOK_UP_LAG_SECONDS": "30", "WHISTL_TIME_ZONE": "Europe/London"}
    )

    assert [each.split(",")[0] for each in unstated.unstated()] == ["WHISTL_TIME_ZONE is not set"]
    assert stated.unstated() == []


def test_a_faulty_page_keeps_alerts_from_linking_to_that_page_alone() -> None:
    order_page = "https://shop.example/orders/{number}"

    assert load_links({"DESK_URL": "nowhere", "CENTRA_ADMIN_URL": order_page}) == Links(
        centra_order=order_page
    )
    assert load_links({}) == Links()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://desk.example/", "https://desk.example"),
        ("https://Desk.Example:443", "https://desk.example"),
        ("http://127.0.0.1:3001", "http://127.0.0.1:3001"),
        ("http://[::1]:3001", "http://[::1]:3001"),
    ],
)
def test_the_desk_s_address_is_kept_as_browsers_write_it(given: str, kept: str) -> None:
    """The desk compares it with the header Origin of each form."""
    assert load_links({"DESK_URL": given}) == Links(desk=kept)


def test_everything_that_is_missing_is_named_in_one_error() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({})

    for name in ("CENTRA_BASE_URL", "CENTRA_TOKEN", "WHISTL_CLIENT_SECRET", "WHISTL_SITE"):
        assert f"{name} is not set" in str(error.value)


FAULTS = [
    ("CENTRA_BASE_URL", "shop.example", "must be the address of a system"),
    ("CENTRA_BASE_URL", "http://shop.example", "shop.example needs https"),
    (
        "WHISTL_BASE_URL",
        "https://whistl.example?site=SW",
        "must not hold a user, password, query or fragment",
    ),
    ("CENTRA_WAREHOUSE_ID", "the first", "must be a whole number, not 'the first'"),
    ("CENTRA_WAREHOUSE_ID", "0", "must be 1 or more, not '0'"),
    ("CENTRA_PLAN", "platinum", "must be one of growth, enhanced,"),
    ("CENTRA_QUOTA_SHARE", "50", "must be 1 or less, not '50'"),
    ("CENTRA_QUOTA_SHARE", "0", "must be above 0, not '0'"),
    ("CENTRA_EVENTS", "sometimes", "must be yes or no, not 'sometimes'"),
    ("WHISTL_QUOTA_SHARE", "half", "must be a number, not 'half'"),
    ("WHISTL_LOOK_UP_LAG_SECONDS", "soon", "must be a number, not 'soon'"),
    ("WHISTL_LOOK_UP_LAG_SECONDS", "nan", "must be a number, not 'nan'"),
    ("WHISTL_LOOK_UP_LAG_SECONDS", "1e300", "must be 86400 or less, not '1e300'"),
    ("WHISTL_PARALLEL_CALLS", "2.5", "must be a whole number, not '2.5'"),
    ("WHISTL_PARALLEL_CALLS", "0", "must be 1 or more, not '0'"),
    ("WHISTL_REQUESTS_PER_MINUTE", "-1", "must be 0 or more, not '-1'"),
    ("WHISTL_TIME_ZONE", "Londinium", "must be a time zone such as Europe/London"),
    ("WHISTL_SITE", "SW\nNE", "must be one line of text"),
    ("SEND_SHIPPING_EMAIL", "perhaps", "must be yes or no, not 'perhaps'"),
    ("HISTORY_MEMORY", "lots", "such as 1GB or 800MB, or a share such as 50%, not 'lots'"),
    ("HISTORY_MEMORY", "0GB", "must be a number with a unit"),
    ("HISTORY_THREADS", "0", "must be 1 or more, not '0'"),
    ("KEEP_CONTENTS_DAYS", "-30", "must be 0 or more, not '-30'"),
    ("DEAD_MANS_SWITCH_URL", "http://signs.example/x", "signs of life to (signs.example needs"),
    ("DESK_URL", "desk.example.com", "must be an address without a path, such as https://desk."),
    ("DESK_URL", "https://desk.example.com/list", "must be an address without a path"),
    ("DESK_URL", "https://desk.example.com evil", "must be an address without a path"),
    ("CENTRA_ADMIN_URL", "https://shop.example/orders", "an https address with {number} in place"),
    ("CENTRA_ADMIN_URL", "http://shop.example/{number}", "an https address with {number} in"),
]


@pytest.mark.parametrize(("name", "value", "fault"), FAULTS)
def test_a_value_that_cannot_be_used_is_named_with_what_was_given_and_expected(
    name: str, value: str, fault: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(ENOUGH | {name: value})

    assert [detail.split()[0] for detail in details(error.value)] == [name]
    assert fault in details(error.value)[0]


def test_all_faults_of_the_environment_are_listed_at_once_one_message_each() -> None:
    given = {name: value for name, value, _ in FAULTS} | {"WHISTL_SITE": "", "CENTRA_TOKEN": "“x”"}

    with pytest.raises(ConfigError) as error:
        load_settings(ENOUGH | given)

    assert sorted(detail.split()[0] for detail in details(error.value)) == sorted(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CENTRA_TOKEN", "“pasted-with-quotes”"),
        ("CENTRA_TOKEN", "first-line\nsecond-line"),
        ("CENTRA_TOKEN", "Bearer abcdef"),
        ("CENTRA_WEBHOOK_SECRET", "two words"),
        ("WHISTL_CLIENT_SECRET", "pass\u00a0word"),
        ("WHISTL_TOKEN", "naïve-token"),
        ("LEDGER_KEY", "hunter2"),
        ("LEDGER_KEY", "aHVudGVyMmh1bnRlcjI="),
        ("LEDGER_FORMER_KEY", "“hunter2”"),
        ("LEDGER_URL", "mysql://user:hunter2@db/ledger"),
        ("LEDGER_URL", "postgresql://user:hunter2@db"),
        ("LEDGER_URL", "postgresql://user:hunter2@db:port/ledger"),
        ("LEDGER_URL", "state/hunter2.db"),
        ("ALERT_CX_URL", "hunter2@example.com"),
        ("ALERT_CX_URL", "mailtos://hunter2\n@example.com"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(ENOUGH | {name: value})

    [detail] = details(error.value)
    assert detail.startswith(f"{name} must be ")
    assert "its value is not shown here" in detail
    assert not any(part in detail for part in (value, "hunter2", "first-line", "quotes”", "abcdef"))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/the shop/ledger.db",
        "postgresql://user:p%40ss/word@db.example:5432/ledger",
        "postgresql://user@[::1]:5432/ledger",
        "postgresql:///ledger?host=/run/postgresql",
        "postgresql+psycopg2://db/ledger?sslmode=require",
    ],
)
def test_the_ledger_may_be_sqlite_or_postgresql(url: str) -> None:
    assert load_settings(ENOUGH | {"LEDGER_URL": url}).ledger_url == url


@pytest.mark.parametrize("memory", ["1GB", "1.5 GiB", "800mb", "2G", "50%"])
def test_the_memory_of_the_history_is_a_size_or_a_share_that_duckdb_reads(memory: str) -> None:
    with duckdb.connect(":memory:", config={"memory_limit": memory}) as con:
        assert con.execute("SELECT 1").fetchone() == (1,)

    assert load_settings(ENOUGH | {"HISTORY_MEMORY": memory}).history_memory == memory


def test_without_a_static_token_whistl_needs_a_client_and_its_secret() -> None:
    given = ENOUGH | {"WHISTL_CLIENT_ID": "", "WHISTL_CLIENT_SECRET": ""}

    with pytest.raises(ConfigError) as error:
        load_settings(given)

    assert [detail.split(";")[0] for detail in details(error.value)] == [
        "WHISTL_CLIENT_ID is not set",
        "WHISTL_CLIENT_SECRET is not set",
    ]


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

    with pytest.raises(ConfigError) as error:
        load_settings(given | {"CENTRA_TOKEN_FILE": str(tmp_path / "gone")})
    assert details(error.value) == [
        "CENTRA_TOKEN_FILE names a file that cannot be read: No such file or directory"
    ]


def test_a_token_file_that_cannot_be_read_is_the_only_fault_that_is_listed(tmp_path: Path) -> None:
    given = ENOUGH | {"WHISTL_CLIENT_ID": "", "WHISTL_TOKEN_FILE": str(tmp_path / "gone")}

    with pytest.raises(ConfigError) as error:
        load_settings(given)

    assert [detail.split()[0] for detail in details(error.value)] == ["WHISTL_TOKEN_FILE"]


def test_a_file_of_a_secret_that_is_not_text_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="CENTRA_TOKEN_FILE names a file that is not UTF-8 text"):
        load_settings(ENOUGH | {"CENTRA_TOKEN_FILE": str(secret)})


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
