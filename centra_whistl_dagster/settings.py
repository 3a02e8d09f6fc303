"""Where everything is and how to reach it (environment), and what operators own (`config/`).

Belongs here: names, types and defaults of settings, and one clear error that lists all that is
wrong. Does not belong here: the rules that use them. Nothing is read at import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.centra.client import CentraConfig
from centra_whistl_dagster.config_files.stock_policy import stock_policy
from centra_whistl_dagster.domain.configuration import ConfigError, ConfigFault
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import (
    Responsibility,
    load_responsibilities,
)
from centra_whistl_dagster.domain.orders.screening_policy import (
    ScreeningPolicy,
    load_screening_policy,
)
from centra_whistl_dagster.domain.orders.service_mapping import ServiceMapping, load_service_mapping
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.whistl.client import WhistlConfig

T = TypeVar("T")

MAPPING_FILE = "shipping_services.csv"
EXCEPTIONS_FILE = "exceptions.toml"
POLICY_FILE = "policy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The files operators own, read together."""

    services: ServiceMapping
    exception_kinds: Mapping[ExceptionKind, Responsibility]
    screening: ScreeningPolicy
    stock: StockPolicy
    fingerprint: str
    """Of everything in these files that a screening verdict depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the environment says."""

    centra: CentraConfig
    whistl: WhistlConfig
    state_path: Path
    """The folder of everything that is kept; made when it is not there."""
    ledger_url: str = field(repr=False)
    """May hold a database password."""
    history_path: Path
    published_path: Path
    archive_path: Path
    """Where stock snapshots are kept as they came, so that the history can be rebuilt."""
    history_memory: str
    """What DuckDB may take, e.g. 1GB."""
    history_threads: int
    config_path: Path
    order_number_prefix: str
    look_up_lag: timedelta
    """How long Whistl may take to show an order it has accepted. Absence proves nothing before."""
    look_ups_before_alarm: int
    parallel_calls: int
    """Orders sent to Whistl at the same time."""
    sends_shipping_email: bool
    keeps_archive_for: timedelta
    """How long stock is kept as it was read, once it is in the history."""
    keeps_contents_for: timedelta
    """How long the contents of an order are kept after it has ended."""
    alerts: AlertAddresses = field(default=AlertAddresses(), repr=False)
    """Where alerts go; nobody is told anything as long as there is none."""

    def load_configuration(self) -> Configuration:
        """Read `config/` as it is now.

        Raises:
            ConfigError: a file is missing, or has faults; all of one file's are listed.
        """
        texts = {
            name: _read(self.config_path / name)
            for name in (MAPPING_FILE, EXCEPTIONS_FILE, POLICY_FILE)
        }
        verdict_depends_on = (texts[MAPPING_FILE] + texts[POLICY_FILE]).encode()
        return Configuration(
            services=load_service_mapping(texts[MAPPING_FILE], MAPPING_FILE),
            exception_kinds=load_responsibilities(texts[EXCEPTIONS_FILE], EXCEPTIONS_FILE),
            screening=load_screening_policy(texts[POLICY_FILE], POLICY_FILE),
            stock=stock_policy(texts[POLICY_FILE], POLICY_FILE),
            fingerprint=sha256(verdict_depends_on).hexdigest(),
        )


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read every setting from environment variables (`.env.example` names and explains them all).

    A secret may be given as `NAME_FILE`, the path of a file that holds it.

    Raises:
        ConfigError: naming every variable that is missing or cannot be used.
    """
    reader = _Reader(environment)
    state = Path(reader.text("STATE_DIR", default="state"))
    settings = _settings(reader, state)
    reader.raise_faults()
    return settings


def _settings(env: _Reader, state: Path) -> Settings:
    client_id = env.text("WHISTL_CLIENT_ID", default="")
    static_token = env.secret("WHISTL_TOKEN", default="")
    needs_secret = not static_token
    centra = CentraConfig(
        base_url=env.text("CENTRA_BASE_URL"),
        token=env.secret("CENTRA_TOKEN"),
        warehouse_id=env.value("CENTRA_WAREHOUSE_ID", int, default="1"),
        plan=env.text("CENTRA_PLAN", default="growth"),
        quota_share=env.value("CENTRA_QUOTA_SHARE", float, default="0.5"),
        pacing_file=state / "pacing_centra.db",
        captures_payment=env.value("CENTRA_CAPTURES_PAYMENT", _yes_or_no, default="no"),
        marks_paid=env.value("CENTRA_MARKS_PAID", _yes_or_no, default="yes"),
    )
    whistl = WhistlConfig(
        base_url=env.text("WHISTL_BASE_URL"),
        client_id=client_id,
        client_secret=env.secret("WHISTL_CLIENT_SECRET", default=None if needs_secret else ""),
        static_token=static_token,
        client_code=env.text("WHISTL_CLIENT_CODE"),
        site=env.text("WHISTL_SITE"),
        requests_per_minute=env.value("WHISTL_REQUESTS_PER_MINUTE", int, default="120"),
        quota_share=env.value("WHISTL_QUOTA_SHARE", float, default="0.8"),
        pacing_file=state / "pacing_whistl.db",
    )
    return Settings(
        centra=centra,
        whistl=whistl,
        state_path=state,
        ledger_url=env.secret("LEDGER_URL", default=f"sqlite:///{state / 'ledger.db'}"),
        history_path=Path(env.text("HISTORY_PATH", default=str(state / "history.duckdb"))),
        published_path=Path(
            env.text("PUBLISHED_PATH", default=str(state / "published" / "history.duckdb"))
        ),
        archive_path=Path(env.text("ARCHIVE_PATH", default=str(state / "archive"))),
        history_memory=env.text("HISTORY_MEMORY", default="1GB"),
        history_threads=env.value("HISTORY_THREADS", int, default="2"),
        config_path=Path(env.text("CONFIG_DIR", default="config")),
        order_number_prefix=env.text("ORDER_NUMBER_PREFIX", default="C"),
        look_up_lag=timedelta(seconds=env.value("WHISTL_LOOK_UP_LAG_SECONDS", float, default="30")),
        look_ups_before_alarm=env.value("WHISTL_LOOK_UPS_BEFORE_ALARM", int, default="4"),
        parallel_calls=env.value("WHISTL_PARALLEL_CALLS", int, default="3"),
        keeps_archive_for=timedelta(days=env.value("KEEP_ARCHIVE_DAYS", float, default="30")),
        keeps_contents_for=timedelta(days=env.value("KEEP_CONTENTS_DAYS", float, default="30")),
        sends_shipping_email=env.value("SEND_SHIPPING_EMAIL", _yes_or_no, default="yes"),
        alerts=_alert_addresses(env),
    )


def _alert_addresses(env: _Reader) -> AlertAddresses:
    """Read `ALERT_<CHANNEL>_URL` for each channel that has one."""
    addresses = {
        name[1].lower(): env.secret(f"ALERT_{name[1]}_URL", default="")
        for name in env.names_like(r"ALERT_(\w+)_URL(_FILE)?")
    }
    given = {channel: address for channel, address in addresses.items() if address}
    return AlertAddresses(
        default=given.pop("default", ""), fallback=given.pop("fallback", ""), by_channel=given
    )


class _Reader:
    """Reads variables and gathers what is wrong, so that one start-up tells it all."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults: list[ConfigFault] = []

    def names_like(self, pattern: str) -> list[re.Match[str]]:
        found = (re.fullmatch(pattern, name) for name in sorted(self._environment))
        return [match for match in found if match]

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._environment.get(name, "").strip()
        if value:
            return value
        if default is None:
            self._fault(f"{name} is not set; .env.example says what it is")
        return default or ""

    def secret(self, name: str, *, default: str | None = None) -> str:
        path = self._environment.get(f"{name}_FILE", "").strip()
        if not path:
            return self.text(name, default=default)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            self._fault(f"{name}_FILE names a file that cannot be read: {error.strerror}")
            return ""

    def value(self, name: str, read: Callable[[str], T], *, default: str) -> T:
        given = self.text(name, default=default)
        try:
            return read(given)
        except ValueError:
            self._fault(f"{name} is {given!r}, which is no {read.__name__.strip('_')}")
            return read(default)

    def raise_faults(self) -> None:
        if self._faults:
            raise ConfigError("environment", self._faults)

    def _fault(self, detail: str) -> None:
        self._faults.append(ConfigFault(line=None, detail=detail))


def _yes_or_no(text: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    try:
        return answers[text.lower()]
    except KeyError as error:
        raise ValueError(text) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        fault = ConfigFault(
            line=None,
            detail=f"cannot be read: {error.strerror}. CONFIG_DIR says in which folder to look.",
        )
        raise ConfigError(path.name, [fault]) from error
    except UnicodeDecodeError as error:
        fault = ConfigFault(line=None, detail=f"is not UTF-8 text (byte {error.start})")
        raise ConfigError(path.name, [fault]) from error
