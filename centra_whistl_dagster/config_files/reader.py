"""Reading TOML and CSV files of `config/`: all faults of a file together, each with its line.

Does not belong here: what each file holds, which is in the module named after it.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from centra_whistl_dagster.config_files.expected import Expected

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFault:
    """One thing wrong in one place of a configuration file, or with one setting."""

    line: int | None
    """Counted from 1; None when something is absent, or has no line."""
    detail: str
    """What was found and what was expected."""


class ConfigError(ValueError):
    """A configuration file, or the environment, cannot be used. Lists every fault at once."""

    def __init__(self, file_name: str, faults: Sequence[ConfigFault]) -> None:
        self.file_name = file_name
        self.faults = tuple(faults)
        lines = "\n".join(
            f"  {file_name}{f', line {fault.line}' if fault.line else ''}: {fault.detail}"
            for fault in faults
        )
        super().__init__(
            f"{file_name} has {len(faults)} {'fault' if len(faults) == 1 else 'faults'}:\n{lines}"
        )


class Faults:
    """The faults of one file, gathered while it is read."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self._faults: list[ConfigFault] = []

    def add(self, line: int | None, detail: str) -> None:
        """Note a fault and go on."""
        self._faults.append(ConfigFault(line=line, detail=detail))

    def __len__(self) -> int:
        return len(self._faults)

    def raise_if_any(self) -> None:
        """End the reading of a file.

        Raises:
            ConfigError: there were faults. They are listed by line, absent things first.
        """
        if self._faults:
            by_line = sorted(self._faults, key=lambda fault: fault.line or 0)
            raise ConfigError(self.file_name, by_line)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        detail = f"cannot be read: {error.strerror}. CONFIG_DIR names the folder to look in."
        raise ConfigError(path.name, [ConfigFault(line=None, detail=detail)]) from error
    except UnicodeDecodeError as error:
        detail = f"is not UTF-8 text (byte {error.start})"
        raise ConfigError(path.name, [ConfigFault(line=None, detail=detail)]) from error


class Table:
    """One table of a TOML file. What is wrong in it is noted, not raised."""

    def __init__(
        self, document: TomlDocument, name: str, values: object, nth: int | None = None
    ) -> None:
        self._document = document
        self._name, self._nth = name, nth
        self._is_table = isinstance(values, dict)
        self._values: Mapping[str, Any] = values if isinstance(values, dict) else {}
        if not self._is_table:
            parent, _, key = name.rpartition(".")
            line = document.line_of(parent, key)
            document.faults.add(line, f"{name} must be a table, written [{name}]")

    def fault(self, key: str | None, detail: str) -> None:
        """Note a fault of the table, or of one key in it."""
        line = self._document.line_of(self._name, key, nth=self._nth or 0)
        written = self._name if self._nth is None else f"[{self._name}]"
        self._document.faults.add(line, f"[{written}] {detail}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Note every key that is not among the known ones."""
        for key in sorted(self._values.keys() - set(known)):
            self.fault(key, f"has no setting {key!r}; it has {', '.join(known)}")

    def table(self, key: str) -> Table:
        """Return a table inside this one, empty when it is not there."""
        return Table(self._document, f"{self._name}.{key}", self._values.get(key, {}))

    def tables(self, key: str) -> list[Table]:
        """Return a list of tables inside this one, written `[[name]]`."""
        name, value = f"{self._name}.{key}", self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault(key, f"{key} must be a list of tables, each written [[{name}]]")
            return []
        return [Table(self._document, name, one, nth) for nth, one in enumerate(value)]

    def _value(self, key: str, expected: Expected[T]) -> T | None:
        """Return a value; None, and a fault, when it is absent or wrong."""
        if key not in self._values:
            self.fault(key, f"{key} is missing; it must be {expected.words}")
            return None
        value = expected.read(self._values[key])
        if value is None:
            shown = _as_written(self._values[key])
            self.fault(key, f"{key} must be {expected.words}, not {shown}")
        return value

    def settings(
        self, expected: Mapping[str, Expected[Any]], *, required: Collection[str] = ()
    ) -> dict[str, Any] | None:
        """Return the values given; None when one is wrong or unknown, or absent and required."""
        if not self._is_table:
            return None
        before = len(self._document.faults)
        self.refuse_unknown(expected)
        values = {
            key: self._value(key, kind)
            for key, kind in expected.items()
            if key in required or key in self._values
        }
        return values if len(self._document.faults) == before else None


class TomlDocument:
    """A TOML file and its faults. Numbers with a point are read as `Decimal`."""

    def __init__(self, text: str, file_name: str) -> None:
        """Parse the text.

        Raises:
            ConfigError: the text is not TOML; the parser's own message names the line.
        """
        self._text = text
        self.faults = Faults(file_name)
        self.values: dict[str, Any] = {}
        try:
            self.values = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            self.faults.add(int(line[1]) if line else None, str(error))
            self.faults.raise_if_any()

    def table(self, name: str) -> Table:
        """Return a table of the file, empty when it is not there."""
        return Table(self, name, self.values.get(name, {}))

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Note every table that is not among the known ones."""
        for name in sorted(self.values.keys() - set(known)):
            detail = f"has no table [{name}]; it has {', '.join(known)}"
            self.faults.add(self.line_of("", name), detail)

    def line_of(self, table: str, key: str | None, *, nth: int = 0) -> int | None:
        """Return the line of a key, or else of its table, or else None.

        The parser keeps no positions. Tables written in one line and dotted keys are not looked
        for: the files have none, and such a fault is shown without its line.
        """
        tables_seen, line_of_table, is_inside = -1, None, not table
        inner_table = f"{table}.{key}" if table else key
        for number, line in enumerate(self._text.splitlines(), start=1):
            if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
                tables_seen += header[1] == table
                is_inside = header[1] == table and tables_seen == nth
                if is_inside or header[1] == inner_table:
                    line_of_table = line_of_table or number
            elif is_inside and key and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
                return number
        return line_of_table


def read_csv(text: str, columns: Sequence[str], faults: Faults) -> list[tuple[int, dict[str, str]]]:
    """Return each row's line and its cells by column, without white space around them.

    Lines that begin with `#` and empty lines are left out.

    Raises:
        ConfigError: the first row does not name the columns. Rows of another length are noted.
    """
    numbered = [
        (number, line)
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    header_line, header = numbered[0] if numbered else (None, "")
    if [cell.strip() for cell in next(csv.reader([header]), [])] != list(columns):
        faults.add(
            header_line,
            f"the first row must be {','.join(columns)} (separated by commas; a spreadsheet may "
            f"have saved semicolons), not {header.strip() or 'nothing'}",
        )
        faults.raise_if_any()
    rows = []
    for number, line in numbered[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if len(cells) == len(columns):
            rows.append((number, dict(zip(columns, cells, strict=True))))
        else:
            faults.add(
                number,
                f"has {len(cells)} cells, not {len(columns)}; put a note with a comma in quotes",
            )
    return rows


def _as_written(value: object) -> str:
    """Return a value as TOML writes it."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return repr(value)
