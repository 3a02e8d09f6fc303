"""`config/exceptions.toml`: who fixes which kind of exception, by when, and how."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from centra_whistl_dagster.config_files.expected import TEXT, Expected, one_of, whole_number
from centra_whistl_dagster.config_files.reader import TomlDocument
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import (
    Owner,
    Responsibility,
    Severity,
)

_SETTINGS: dict[str, Expected[Any]] = {
    "owner": one_of(Owner),
    "severity": one_of(Severity),
    "channel": TEXT,
    "time_limit_minutes": whole_number(1),
    "title": TEXT,
    "instructions": TEXT,
}


@lru_cache(maxsize=1)  # sensors ask every few seconds, and the file seldom changes
def load_responsibilities(text: str, file_name: str) -> Mapping[ExceptionKind, Responsibility]:
    """Read the file.

    Raises:
        ConfigError: naming every kind without a table, every table that is not a kind, and every
            value that is missing or not one of those allowed.
    """
    document = TomlDocument(text, file_name)
    loaded: dict[ExceptionKind, Responsibility] = {}
    for name in document.values:
        if name not in list(ExceptionKind):
            detail = f"[{name}] is not a kind of exception that this project raises"
            document.faults.add(document.line_of("", name), detail)
        elif settings := document.table(name).settings(_SETTINGS, required=_SETTINGS):
            loaded[ExceptionKind(name)] = Responsibility(**settings)
    for kind in ExceptionKind:
        if kind not in document.values:
            document.faults.add(None, f"[{kind}] is missing; every kind needs an owner")
    document.faults.raise_if_any()
    return MappingProxyType(loaded)
