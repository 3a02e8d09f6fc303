"""Faults in the files that operators own, told all at once and with the line each is on.

Belongs here: the error that every loader of `config/` raises. Does not belong here: any one file's
rules, which sit beside what the file describes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFault:
    """One thing wrong in one place of a configuration file."""

    line: int | None
    """Counted from 1; None when the fault is that something is absent."""
    detail: str
    """What was found and what was expected, in plain words."""


class ConfigError(ValueError):
    """A configuration file cannot be used. Lists every fault, so that one edit mends them all."""

    def __init__(self, file_name: str, faults: list[ConfigFault]) -> None:
        self.file_name = file_name
        self.faults = tuple(faults)
        told = "\n".join(
            f"  {file_name}{f', line {fault.line}' if fault.line else ''}: {fault.detail}"
            for fault in faults
        )
        super().__init__(
            f"{file_name} has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}:\n{told}"
        )


def read_toml(text: str, file_name: str) -> dict[str, Any]:
    """Parse TOML text; numbers with a point become `Decimal`.

    Raises:
        ConfigError: when the text is not TOML; the parser's own words name the line.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise ConfigError(file_name, [ConfigFault(line=line, detail=str(error))]) from error


def line_of(text: str, table: str, key: str | None = None) -> int | None:
    """Return the line of `[table]`, or of `key = …` inside it, in TOML text; None when absent.

    The parser keeps no positions. Tables written in one line and dotted keys are not looked for:
    the shipped files have none, and a fault is then told without its line.
    """
    is_inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
            is_inside = header[1] == table
            if is_inside and key is None:
                return number
        elif is_inside and key is not None and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return None
