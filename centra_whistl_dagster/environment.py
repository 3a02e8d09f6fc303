"""The environment variables that are read: their names, types, defaults and faults.

Does not belong here: what a type allows (`variables`), what the variables become (`settings`), or
what is in `config/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.variables import (
    Address,
    AlertAddress,
    Count,
    Days,
    Header,
    Key,
    LedgerUrl,
    Memory,
    OrderPage,
    PageAddress,
    Pairs,
    Plan,
    ProxySecret,
    Roles,
    Seconds,
    Secret,
    Share,
    SignUrl,
    Text,
    Words,
    YesOrNo,
    Zone,
)

_ALERT = re.compile(r"(ALERT_\w+_URL)(_FILE)?")

Read = TypeVar("Read", bound=BaseModel)
Part = TypeVar("Part", bound="LedgerEnvironment")

_NONE = SecretStr("")
_ALERT_ADDRESS: TypeAdapter[SecretStr] = TypeAdapter(AlertAddress)


class LinkEnvironment(BaseModel):
    """The addresses of pages that alerts and other pages link to."""

    model_config = ConfigDict(frozen=True)

    DESK_URL: PageAddress = ""
    CENTRA_ADMIN_URL: OrderPage = ""


class LedgerEnvironment(BaseModel):
    """The variables without which the ledger cannot be opened."""

    model_config = ConfigDict(frozen=True)

    STATE_DIR: Path = Path("state")
    LEDGER_URL: LedgerUrl = _NONE
    LEDGER_KEY: Key = _NONE
    LEDGER_FORMER_KEY: Key = _NONE
    CONFIG_DIR: Path = Path("config")
    LEDGER_WITNESS_PATH: Path | None = None


class ReceiverEnvironment(LedgerEnvironment):
    """The variables of the process that receives Centra's pushes."""

    CENTRA_WEBHOOK_SECRET: Secret = _NONE


class InstallationEnvironment(LedgerEnvironment, LinkEnvironment):
    """The variables about what is kept here; none of them is a secret of another system."""

    ORDER_NUMBER_PREFIX: Text = "C"
    SEND_SHIPPING_EMAIL: YesOrNo = True
    PUBLISHED_PATH: Path | None = None
    HISTORY_MEMORY: Memory = "1GB"
    HISTORY_THREADS: Count = 2
    ARCHIVE_PATH: Path | None = None
    KEEP_ARCHIVE_DAYS: Days = 30
    BRIEFS_PATH: Path | None = None
    KEEP_BRIEFS_DAYS: Days = 400
    CENTRA_TOKEN_EXPIRES: date | None = None


class DeskEnvironment(InstallationEnvironment):
    """The variables of the desk's pages."""

    DESK_ROLES: Roles = {}
    DESK_PROXY_SECRET: ProxySecret = _NONE
    DESK_USER_HEADER: Header = "X-Forwarded-User"
    DESK_WHISTL_CONTACT: Text = ""


class Environment(InstallationEnvironment, ReceiverEnvironment):
    """Every variable but the desk's; `.env.example` explains them. A blank one is not set."""

    CENTRA_BASE_URL: Address
    CENTRA_TOKEN: Secret
    CENTRA_WAREHOUSE_ID: Annotated[int, Field(ge=1)] = 1
    CENTRA_PLAN: Plan = "growth"
    CENTRA_QUOTA_SHARE: Share = 0.5
    CENTRA_CAPTURES_PAYMENT: YesOrNo = False
    CENTRA_MARKS_PAID: YesOrNo = True
    CENTRA_ALLOCATES_DEMAND: YesOrNo = False
    CENTRA_EVENTS: YesOrNo = False
    WHISTL_BASE_URL: Address
    WHISTL_CLIENT_ID: Text = ""
    WHISTL_CLIENT_SECRET: Secret = _NONE
    WHISTL_TOKEN: Secret = _NONE
    WHISTL_CLIENT_CODE: Text
    WHISTL_SITE: Text
    WHISTL_TIME_ZONE: Zone = None
    WHISTL_REQUESTS_PER_MINUTE: Annotated[int, Field(ge=0)] = 120
    WHISTL_QUOTA_SHARE: Share = 0.8
    WHISTL_PARALLEL_CALLS: Count = 3
    WHISTL_LOOK_UP_LAG_SECONDS: Seconds | None = None
    WHISTL_LOOK_UPS_BEFORE_ALARM: Count = 4
    WHISTL_DUPLICATE_CODES: Words = frozenset()
    WHISTL_LINE_FIELDS: Pairs = {}
    SEND_ORDER_COMMENT: YesOrNo = True
    KEEP_CONTENTS_DAYS: Days = 30
    KEEP_TRACKING_DAYS: Days = 180
    HISTORY_PATH: Path | None = None
    KEEP_HISTORY_DAYS: Days = 400
    DEAD_MANS_SWITCH_URL: SignUrl = _NONE
    alert_addresses: dict[str, AlertAddress] = {}
    """By variable: every `ALERT_<CHANNEL>_URL`."""


_WORDS = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "greater_than_equal": "{ge:g} or more",
    "greater_than": "above {gt:g}",
    "less_than_equal": "{le:g} or less",
    "value_error": "{error}",
    "date_from_datetime_parsing": "a date such as 2026-12-24",
    "date_parsing": "a date such as 2026-12-24",
}
"""By pydantic's type of error: the rest of a sentence that begins "It must be"."""

_NAMES = [name for name in Environment.model_fields if name.isupper()]
_SECRETS = {
    name
    for model in (Environment, DeskEnvironment)
    for name, field in model.model_fields.items()
    if field.annotation is SecretStr
}


def read_environment(environment: Mapping[str, str]) -> Environment:
    """Read every variable. A secret may be in a file that `NAME_FILE` names.

    Raises:
        ConfigError: naming every variable that is missing or cannot be used. The value of a secret
            is never part of it.
    """
    details: dict[str, str] = {}
    alerts = _alert_names(environment)
    given = _given(environment, [*_NAMES, *sorted(alerts)], details)
    if "WHISTL_TOKEN" not in {**given, **details}:
        for name in {"WHISTL_CLIENT_ID", "WHISTL_CLIENT_SECRET"} - given.keys():
            details.setdefault(name, _not_set(name))
    addresses = {name: given.pop(name) for name in alerts & given.keys()}
    return _validated(Environment, {**given, "alert_addresses": addresses}, details)


def read_part(model: type[Part], environment: Mapping[str, str]) -> Part:
    """Read the variables of one model, whatever else is missing or wrong.

    Raises:
        ConfigError: as `read_environment` does, about these variables alone.
    """
    details: dict[str, str] = {}
    given = _given(environment, model.model_fields, details)
    return _validated(model, given, details)


def read_alert_addresses(environment: Mapping[str, str]) -> dict[str, SecretStr]:
    """Read every `ALERT_<CHANNEL>_URL` that can be used; a faulty one keeps no other from it."""
    usable = {}
    for name, text in _given(environment, _alert_names(environment), {}).items():
        with suppress(ValidationError):
            usable[name] = _ALERT_ADDRESS.validate_python(text)
    return usable


def read_links(environment: Mapping[str, str]) -> LinkEnvironment:
    """Read the pages that alerts link to; a faulty address counts as not set."""
    given = _given(environment, LinkEnvironment.model_fields, {})
    try:
        return LinkEnvironment.model_validate(given)
    except ValidationError as error:
        faulty = {fault["loc"][-1] for fault in error.errors()}
        return LinkEnvironment.model_validate(
            {name: text for name, text in given.items() if name not in faulty}
        )


def _alert_names(environment: Mapping[str, str]) -> set[str]:
    return {match[1] for name in environment if (match := _ALERT.fullmatch(name))}


def _validated(model: type[Read], given: Mapping[str, Any], details: dict[str, str]) -> Read:
    try:
        read = model.model_validate(given)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = str(fault["loc"][-1])
            details.setdefault(name, _detail(name, fault))
    if details:
        faults = [ConfigFault(line=None, detail=details[name]) for name in sorted(details)]
        raise ConfigError("environment", faults)
    return read


def _given(
    environment: Mapping[str, str], names: Iterable[str], details: dict[str, str]
) -> dict[str, Any]:
    """Return what is not blank of some variables, and note secrets whose file cannot be read."""
    given = {}
    for name in names:
        path = environment.get(f"{name}_FILE", "").strip() if _is_secret(name) else ""
        try:
            text = Path(path).read_text(encoding="utf-8") if path else environment.get(name, "")
        except OSError as error:
            details[name] = f"{name}_FILE names a file that cannot be read: {error.strerror}"
        except UnicodeDecodeError:
            details[name] = f"{name}_FILE names a file that is not UTF-8 text"
        else:
            if text.strip():
                given[name] = text.strip()
    return given


def _is_secret(name: str) -> bool:
    return name in _SECRETS or _ALERT.fullmatch(name) is not None


def _detail(name: str, fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return _not_set(name)
    is_hidden = _is_secret(name) or "@" in str(fault["input"])  # an address with a password in it
    shown = "; its value is not shown here" if is_hidden else f", not {fault['input']!r}"
    return f"{name} must be {_expected(fault)}{shown}"


def _not_set(name: str) -> str:
    return f"{name} is not set; .env.example says what it is"


def _expected(fault: ErrorDetails) -> str:
    words = _WORDS.get(fault["type"])
    return words.format(**fault.get("ctx", {})) if words else fault["msg"]
