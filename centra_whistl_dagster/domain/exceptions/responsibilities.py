"""Who mends which kind of problem, by when, and how: `config/exceptions.toml` as values.

Belongs here: the file's shape and its checks. Does not belong here: sending an alert, or the
register of open exceptions (`ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from centra_whistl_dagster.domain.configuration import (
    ConfigError,
    ConfigFault,
    line_of,
    read_toml,
)
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind


class Owner(StrEnum):
    """The teams that mend things."""

    CX = "cx"  # customer service: talks to the customer, corrects the order in Centra
    MERCHANDISING = "merchandising"  # products and SKUs
    ECOMMERCE = "ecommerce"  # the shop's set-up: shipping options, the mapping, order rules
    FULFILMENT = "fulfilment"  # the liaison with the warehouse
    DATA = "data"  # runs this project
    FINANCE = "finance"  # money and agreement of the books


class Severity(StrEnum):
    """How bad it is while it lasts."""

    URGENT = "urgent"  # wrong goods, lost goods or money at risk now
    BLOCKING = "blocking"  # an order waits
    WARNING = "warning"  # nothing waits; somebody should look


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsibility:
    """What `config/exceptions.toml` says of one kind."""

    owner: Owner
    severity: Severity
    channel: str
    """The name of an alert channel; its address is a setting, not in this file."""
    time_limit_minutes: int
    """From opening to escalation."""
    title: str
    """A few words for a heading."""
    instructions: str
    """What the owner does, in which system, so that the subject goes by itself afterwards."""


_KINDS = frozenset(str(kind) for kind in ExceptionKind)
_KEYS = tuple(each.name for each in fields(Responsibility))


def load_responsibilities(text: str, file_name: str) -> Mapping[ExceptionKind, Responsibility]:
    """Read `config/exceptions.toml`.

    Raises:
        ConfigError: naming every kind without an entry, every entry that is no kind, and every
            value that is missing or not one of those allowed.
    """
    document = read_toml(text, file_name)
    faults: list[ConfigFault] = []
    loaded: dict[ExceptionKind, Responsibility] = {}
    for name, entry in document.items():
        if name not in _KINDS:
            detail = f"[{name}] is no kind of exception that this project raises"
            faults.append(ConfigFault(line=line_of(text, name), detail=detail))
            continue
        entry_faults = _faults_of(name, entry, text)
        faults += entry_faults
        if not entry_faults:
            loaded[ExceptionKind(name)] = Responsibility(
                **entry | {"owner": Owner(entry["owner"]), "severity": Severity(entry["severity"])}
            )
    faults += [
        ConfigFault(line=None, detail=f"[{kind}] is missing; every kind needs an owner")
        for kind in ExceptionKind
        if kind not in document
    ]
    if faults:
        raise ConfigError(file_name, faults)
    return MappingProxyType(loaded)


def _faults_of(name: str, entry: Any, text: str) -> list[ConfigFault]:
    if not isinstance(entry, dict):
        return [ConfigFault(line=None, detail=f"{name} must be a table, written [{name}]")]
    faults = [
        ConfigFault(
            line=line_of(text, name, key), detail=f"[{name}] {key} is not one of {', '.join(_KEYS)}"
        )
        for key in entry
        if key not in _KEYS
    ]
    for key in _KEYS:
        if detail := _fault_of_value(key, entry.get(key)):
            line = line_of(text, name, key) or line_of(text, name)
            faults.append(ConfigFault(line=line, detail=f"[{name}] {key} {detail}"))
    return faults


def _fault_of_value(key: str, value: Any) -> str | None:
    if value is None:
        return "is missing"
    if key == "time_limit_minutes":
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return None if is_whole and value > 0 else f"must be a whole number above 0, not {value!r}"
    if not isinstance(value, str) or not value.strip():
        return f"must be text, not {value!r}"
    allowed = {"owner": Owner, "severity": Severity}.get(key)
    if allowed is not None and value not in list(allowed):
        return f"must be one of {', '.join(allowed)}, not {value!r}"
    return None
