"""Where everything is and how to reach it, as environment variables say; `.env.example` lists them.

Nothing is read at import. Does not belong here: which variables there are, and their faults
(`environment`).
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TypedDict

from pydantic import SecretStr

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.alerts.links import Links
from centra_whistl_dagster.centra.client import CentraConfig
from centra_whistl_dagster.config_files.configuration import Configuration, load_configuration
from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.environment import (
    Environment,
    InstallationEnvironment,
    LedgerEnvironment,
    ReceiverEnvironment,
    read_alert_addresses,
    read_environment,
    read_links,
    read_part,
)
from centra_whistl_dagster.ledger.engine import NO_KEYS
from centra_whistl_dagster.ledger.sealing import MasterKeys
from centra_whistl_dagster.whistl.client import WhistlConfig

_LONG_LAG = timedelta(minutes=15)
"""With a lag that is too short an order is sent twice; with one too long it waits."""


_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_files_private() -> None:
    """Let nobody but this user read what this process, and what it starts, writes from now on.

    However it was started: a service manager may forget to ask for it.
    """
    os.umask(_OTHERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """What opens the ledger: all that alerts need, whatever else is missing or wrong."""

    state_path: Path
    """The folder of everything that is kept; created when it is missing."""
    ledger_url: str = field(repr=False)
    """May hold a database password."""
    config_path: Path
    witness_path: Path
    """A small file by which an old copy of the ledger is recognised."""
    ledger_keys: MasterKeys = field(default=NO_KEYS, repr=False)
    """What the contents of orders are encrypted with; without any they are kept in clear."""

    def make_state_folder(self) -> None:
        """Create the folder of everything that is kept, unless it is there; only we can read it.

        Raises:
            ConfigError: it cannot be created.
        """
        keep_files_private()
        try:
            self.state_path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            detail = f"STATE_DIR names a folder that cannot be created: {error.strerror}"
            raise ConfigError("environment", [ConfigFault(line=None, detail=detail)]) from error

    def load_configuration(self) -> Configuration:
        """Read `config/` as it is now.

        Raises:
            ConfigError: a file is missing, or has faults; all faults of that file are listed.
        """
        return load_configuration(self.config_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings(LedgerSettings):
    """What the receiver of Centra's pushes needs; it calls nobody."""

    webhook_secret: str = field(repr=False)
    """What Centra signs its pushes with; blank where it pushes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationSettings(LedgerSettings):
    """Where everything is that is kept here; nothing that reaches another system."""

    published_path: Path
    archive_path: Path
    """Where stock snapshots are kept as they came, so that the history can be rebuilt."""
    history_memory: str
    """What DuckDB may take, e.g. 1GB."""
    history_threads: int
    order_number_prefix: str
    sends_shipping_email: bool
    keeps_archive_for: timedelta
    """How long stock is kept as it was read, once it is in the history."""
    briefs_path: Path
    """The folder of the daily and weekly briefs."""
    keeps_briefs_for: timedelta
    """How long a brief is kept."""
    desk_url: str
    """Where people open the desk; blank where nobody has said."""
    token_expires: date | None
    """When Centra's token expires; None where nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(InstallationSettings):
    """Where everything is and how to reach it."""

    centra: CentraConfig
    whistl: WhistlConfig
    history_path: Path
    look_up_lag: timedelta
    """How long Whistl may take to show an order it has accepted. Absence proves nothing before."""
    is_look_up_lag_stated: bool
    """False: nobody has said, and `look_up_lag` is long enough for almost any system."""
    look_ups_before_alarm: int
    parallel_calls: int
    """Orders sent to Whistl at the same time."""
    sends_order_comment: bool
    """Centra's order comment goes to Whistl as the delivery instructions."""
    webhook_secret: str = field(repr=False)
    """What Centra signs its pushes with; blank where it pushes nothing."""
    reads_events: bool
    """Centra's queue of events is read, once a minute."""
    allocates_demand: bool
    """Centra may allocate stock to units that have left and have none."""
    keeps_history_for: timedelta
    """How long the history file keeps stock; always longer than the archive."""
    keeps_contents_for: timedelta
    """How long the contents of an order are kept after it has ended."""
    keeps_tracking_for: timedelta
    """How long its tracking numbers are kept, and texts about it, which may name them."""
    alerts: AlertAddresses = field(default=AlertAddresses(), repr=False)
    """Where alerts go; without any, no alert is sent."""
    dead_mans_switch_url: str = field(default="", repr=False)
    """Who alerts people when no more signs of life come; blank: nobody. Holds a secret."""

    def unstated(self) -> list[str]:
        """Say what nobody has stated about the other systems, and what is assumed until then."""
        unstated = []
        if not self.is_look_up_lag_stated:
            minutes = self.look_up_lag.total_seconds() / 60
            unstated.append(
                f"WHISTL_LOOK_UP_LAG_SECONDS is not set, so {minutes:.0f} minutes are assumed: an "
                "order whose answer was lost, and that Whistl does not show, is sent again only "
                "after that. Ask Whistl how long a new order may take to show, and set it."
            )
        if self.whistl.zone is None:
            unstated.append(
                "WHISTL_TIME_ZONE is not set, so a time of Whistl's that names no zone cannot be "
                "read. Ask Whistl whether its times name one; if they do not, set it."
            )
        return unstated

    def unencrypted(self) -> list[str]:
        """Say what is kept in clear, and how to change that."""
        if self.ledger_keys.current is not None:
            return []
        advice = (
            "LEDGER_KEY is not set, so names, addresses and e-mails are in clear in the ledger and "
            "its backups. Make a key (openssl rand -base64 32), set it, and run "
            "`centra-whistl encrypt`."
        )
        return [advice]

    def readable_by_others(self) -> list[str]:
        """Say which files of an earlier release, or of another tool, other users can read."""
        open_files = [
            path.name
            for path in sorted(self.state_path.glob("*"))
            if path.is_file() and path.stat().st_mode & _OTHERS
        ]
        complaints = []
        if open_files:
            complaints.append(
                f"Other users of this machine can read in {self.state_path}: "
                f"{', '.join(open_files)}. Run: chmod -R go= {self.state_path}"
            )
        former = self.state_path / "published" / self.published_path.name
        if former.exists() and former != self.published_path:
            complaints.append(
                f"{former} is a published copy of an earlier release, and is not renewed. Let "
                f"analysts open {self.published_path}, and delete it; or set PUBLISHED_PATH to it."
            )
        return complaints


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read every setting from environment variables (`.env.example` names and explains them all).

    A secret may be given as `NAME_FILE`, the path of a file that holds it.

    Raises:
        ConfigError: naming every variable that is missing or cannot be used.
    """
    env = read_environment(environment)
    lag = env.WHISTL_LOOK_UP_LAG_SECONDS
    return Settings(
        centra=_centra(env),
        whistl=_whistl(env),
        **installation_of(env),
        history_path=env.HISTORY_PATH or env.STATE_DIR / "history.duckdb",
        look_up_lag=_LONG_LAG if lag is None else timedelta(seconds=lag),
        is_look_up_lag_stated=lag is not None,
        look_ups_before_alarm=env.WHISTL_LOOK_UPS_BEFORE_ALARM,
        parallel_calls=env.WHISTL_PARALLEL_CALLS,
        keeps_history_for=timedelta(days=max(env.KEEP_HISTORY_DAYS, env.KEEP_ARCHIVE_DAYS + 7)),
        keeps_contents_for=timedelta(days=env.KEEP_CONTENTS_DAYS),
        keeps_tracking_for=timedelta(days=env.KEEP_TRACKING_DAYS),
        sends_order_comment=env.SEND_ORDER_COMMENT,
        webhook_secret=env.CENTRA_WEBHOOK_SECRET.get_secret_value(),
        reads_events=env.CENTRA_EVENTS,
        allocates_demand=env.CENTRA_ALLOCATES_DEMAND,
        alerts=_alert_addresses(env.alert_addresses),
        dead_mans_switch_url=env.DEAD_MANS_SWITCH_URL.get_secret_value(),
    )


def load_ledger_settings(environment: Mapping[str, str]) -> LedgerSettings:
    """Read what opens the ledger, whatever else is missing or wrong.

    Raises:
        ConfigError: naming every variable of these that cannot be used.
    """
    env = read_part(LedgerEnvironment, environment)
    return LedgerSettings(**_of_the_ledger(env))


def load_receiver_settings(environment: Mapping[str, str]) -> ReceiverSettings:
    """Read what the receiver of pushes needs, whatever else is missing or wrong.

    Raises:
        ConfigError: naming every variable of these that cannot be used.
    """
    env = read_part(ReceiverEnvironment, environment)
    secret = env.CENTRA_WEBHOOK_SECRET.get_secret_value()
    return ReceiverSettings(**_of_the_ledger(env), webhook_secret=secret)


class _OfTheLedger(TypedDict):
    state_path: Path
    ledger_url: str
    ledger_keys: MasterKeys
    config_path: Path
    witness_path: Path


def _of_the_ledger(env: LedgerEnvironment) -> _OfTheLedger:
    return _OfTheLedger(
        state_path=env.STATE_DIR,
        ledger_url=_ledger_url(env),
        ledger_keys=_ledger_keys(env),
        config_path=env.CONFIG_DIR,
        witness_path=_witness_path(env),
    )


class InstallationFields(_OfTheLedger):
    """What `InstallationSettings` are made of."""

    published_path: Path
    archive_path: Path
    history_memory: str
    history_threads: int
    order_number_prefix: str
    sends_shipping_email: bool
    keeps_archive_for: timedelta
    briefs_path: Path
    keeps_briefs_for: timedelta
    desk_url: str
    token_expires: date | None


def installation_of(env: InstallationEnvironment) -> InstallationFields:
    """Return the part of the settings that is about what is kept here."""
    published_path = env.PUBLISHED_PATH or _beside(env.STATE_DIR) / "history.duckdb"
    return {
        **_of_the_ledger(env),
        "published_path": published_path,
        "archive_path": env.ARCHIVE_PATH or env.STATE_DIR / "archive",
        "history_memory": env.HISTORY_MEMORY,
        "history_threads": env.HISTORY_THREADS,
        "order_number_prefix": env.ORDER_NUMBER_PREFIX,
        "sends_shipping_email": env.SEND_SHIPPING_EMAIL,
        "keeps_archive_for": timedelta(days=env.KEEP_ARCHIVE_DAYS),
        "briefs_path": env.BRIEFS_PATH or published_path.parent / "briefs",
        "keeps_briefs_for": timedelta(days=env.KEEP_BRIEFS_DAYS),
        "desk_url": env.DESK_URL,
        "token_expires": env.CENTRA_TOKEN_EXPIRES,
    }


def load_alert_addresses(environment: Mapping[str, str]) -> AlertAddresses:
    """Read the addresses of alerts that can be used, whatever else is missing or wrong."""
    return _alert_addresses(read_alert_addresses(environment))


def load_links(environment: Mapping[str, str]) -> Links:
    """Read the pages that alerts link to, whatever else is missing or wrong."""
    pages = read_links(environment)
    return Links(desk=pages.DESK_URL, centra_order=pages.CENTRA_ADMIN_URL)


def _beside(state_path: Path) -> Path:
    """Return the folder for analysts, who cannot enter the one of what is kept."""
    # A path such as "." has no name of its own.
    named = state_path if state_path.name else state_path.resolve()
    return named.with_name(f"{named.name}-published")


def _ledger_url(env: LedgerEnvironment) -> str:
    return env.LEDGER_URL.get_secret_value() or f"sqlite:///{env.STATE_DIR / 'ledger.db'}"


def _witness_path(env: LedgerEnvironment) -> Path:
    return env.LEDGER_WITNESS_PATH or env.STATE_DIR / "ledger-witness.json"


def _ledger_keys(env: LedgerEnvironment) -> MasterKeys:
    current, former = (
        base64.b64decode(key.get_secret_value()) or None
        for key in (env.LEDGER_KEY, env.LEDGER_FORMER_KEY)
    )
    return MasterKeys(current=current, former=former)


def _centra(env: Environment) -> CentraConfig:
    return CentraConfig(
        base_url=env.CENTRA_BASE_URL,
        token=env.CENTRA_TOKEN.get_secret_value(),
        warehouse_id=env.CENTRA_WAREHOUSE_ID,
        plan=env.CENTRA_PLAN,
        quota_share=env.CENTRA_QUOTA_SHARE,
        pacing_file=env.STATE_DIR / "pacing_centra.db",
        captures_payment=env.CENTRA_CAPTURES_PAYMENT,
        marks_paid=env.CENTRA_MARKS_PAID,
    )


def _whistl(env: Environment) -> WhistlConfig:
    return WhistlConfig(
        base_url=env.WHISTL_BASE_URL,
        client_id=env.WHISTL_CLIENT_ID,
        client_secret=env.WHISTL_CLIENT_SECRET.get_secret_value(),
        static_token=env.WHISTL_TOKEN.get_secret_value(),
        client_code=env.WHISTL_CLIENT_CODE,
        site=env.WHISTL_SITE,
        zone=env.WHISTL_TIME_ZONE,
        requests_per_minute=env.WHISTL_REQUESTS_PER_MINUTE,
        quota_share=env.WHISTL_QUOTA_SHARE,
        pacing_file=env.STATE_DIR / "pacing_whistl.db",
        duplicate_codes=env.WHISTL_DUPLICATE_CODES,
        line_fields=env.WHISTL_LINE_FIELDS,
    )


def _alert_addresses(by_variable: Mapping[str, SecretStr]) -> AlertAddresses:
    by_channel = {
        name.removeprefix("ALERT_").removesuffix("_URL").lower(): address.get_secret_value()
        for name, address in by_variable.items()
    }
    return AlertAddresses(
        default=by_channel.pop("default", ""),
        fallback=by_channel.pop("fallback", ""),
        by_channel=by_channel,
    )
