"""The `[stock]` part of `config/policy.toml`, read into one value.

Belongs here: the keys, their types and their faults. Does not belong here: what a setting does
(`domain`), or opening the file (`settings`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from centra_whistl_dagster.domain.configuration import ConfigError, ConfigFault, line_of, read_toml
from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.guards import GuardPolicy
from centra_whistl_dagster.domain.stock.policy import Sale, SkuRule, StockPolicy
from centra_whistl_dagster.domain.stock.velocity import Pooling

T = TypeVar("T")

_PARTS: dict[str, type[Any]] = {
    "buffer": BufferPolicy,
    "cadence": CadencePolicy,
    "guard": GuardPolicy,
    "velocity": Pooling,
    "convention": Convention,
}
_FIELD_OF_PART = {"velocity": "pooling"}
_LISTS = {"sku", "sale"}


def stock_policy(text: str, file_name: str) -> StockPolicy:
    """Read what operators set for stock; whatever they leave out has its default.

    Args:
        text: the whole of `policy.toml`. Only its `[stock]` tables are read.
        file_name: for the faults.

    Raises:
        ConfigError: naming every fault in the `[stock]` tables.
    """
    table = read_toml(text, file_name).get("stock", {})
    reader = _Reader(text)
    reader.refuse_unknown("stock", table, known={*_PARTS, *_LISTS})
    parts = {
        _FIELD_OF_PART.get(name, name): reader.record(kind, table.get(name, {}), f"stock.{name}")
        for name, kind in _PARTS.items()
    }
    rules = [reader.sku_rule(each, table.get("buffer", {})) for each in table.get("sku", [])]
    sales = [reader.sale(each) for each in table.get("sale", [])]
    if reader.faults:
        raise ConfigError(file_name, reader.faults)
    return StockPolicy(
        **{name: part for name, part in parts.items() if part is not None},
        sku_rules=tuple(rule for rule in rules if rule is not None),
        sales=tuple(sale for sale in sales if sale is not None),
    )


class _Reader:
    """Reads tables into records and remembers what was wrong with them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.faults: list[ConfigFault] = []

    def fault(self, table: str, key: str | None, detail: str) -> None:
        self.faults.append(ConfigFault(line=line_of(self.text, table, key), detail=detail))

    def refuse_unknown(self, name: str, table: Mapping[str, Any], known: set[str]) -> None:
        for key in sorted(table.keys() - known):
            self.fault(
                name, key, f"[{name}] has no setting {key!r}; it has {', '.join(sorted(known))}"
            )

    def record(self, kind: type[T], table: Mapping[str, Any], name: str) -> T | None:
        """Read a table into a record whose defaults say what type each setting has."""
        fields = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type]  # every kind in _PARTS is a dataclass
        self.refuse_unknown(name, table, known=set(fields))
        before = len(self.faults)
        values = {}
        for key in table:
            if key not in fields:
                continue
            read = self._like(fields[key].default, table[key], name, key)
            if read is not None:
                values[key] = read
        return kind(**values) if len(self.faults) == before else None

    def _like(self, default: object, value: object, table: str, key: str) -> Any:
        """Return the value if it is of its default's type and in its range, else note a fault."""
        wanted, is_right, convert = _EXPECTATIONS[type(default)]
        if not is_right(value):
            self.fault(table, key, f"[{table}] {key} is {_told(value)}; {wanted} was expected")
            return None
        read = convert(value)
        if key == "risk" and not 0 < read < 1:
            self.fault(table, key, f"[{table}] risk is {_told(value)}; it lies between 0 and 1")
            return None
        return read

    def sku_rule(self, table: Mapping[str, Any], defaults: Mapping[str, Any]) -> SkuRule | None:
        """Read one `[[stock.sku]]`: a pattern, and what its buffer has of its own."""
        pattern = table.get("pattern")
        if not isinstance(pattern, str) or not pattern:
            self.fault("stock.sku", None, "each [[stock.sku]] needs a pattern, as in 'DRESS-*'")
            return None
        own = {key: value for key, value in table.items() if key != "pattern"}
        buffer = self.record(BufferPolicy, {**defaults, **own}, f"stock.sku {pattern!r}")
        return SkuRule(pattern=pattern, buffer=buffer) if buffer else None

    def sale(self, table: Mapping[str, Any]) -> Sale | None:
        """Read one `[[stock.sale]]`."""
        name = f"stock.sale {table.get('name')!r}"
        self.refuse_unknown(name, table, known={each.name for each in dataclasses.fields(Sale)})
        before = len(self.faults)
        for key, (wanted, is_right) in _SALE_KEYS.items():
            if not is_right(table.get(key)):
                told = _told(table.get(key))
                self.fault(name, key, f"[{name}] {key} is {told}; {wanted} was expected")
        if len(self.faults) == before and table["ends_at"] <= table["starts_at"]:
            self.fault(name, "ends_at", f"[{name}] ends before it starts")
        if len(self.faults) > before:
            return None
        return Sale(**{**table, "skus": tuple(table["skus"]), "risk": float(table["risk"])})


def _told(value: object) -> str:
    return "missing" if value is None else repr(float(value) if type(value) is Decimal else value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and type(value) is not bool and value >= 0


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_ladder(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(_is_whole(each) and each > 0 for each in value)
        and value == sorted(set(value))
        and value[-1] <= 24 * 60
    )


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


_EXPECTATIONS: dict[type, tuple[str, Callable[[Any], bool], Callable[[Any], Any]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool), bool),
    int: ("a whole number, not below zero,", _is_whole, int),
    float: ("a number, not below zero,", _is_number, float),
    tuple: ("a list of minutes, shortest first, of a day at most,", _is_ladder, tuple),
}

_SALE_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a name", lambda value: isinstance(value, str) and bool(value)),
    "starts_at": ("a time with its zone, as in 2026-11-27T00:00:00Z,", _is_moment),
    "ends_at": ("a time with its zone", _is_moment),
    "skus": (
        "a list of SKUs or patterns",
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    ),
    "risk": ("a number between 0 and 1", lambda value: _is_number(value) and 0 < value < 1),
    "most_minutes": ("a whole number of minutes", lambda value: _is_whole(value) and value > 0),
}
