"""`config/policy.toml`: its tables, each read into one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from centra_whistl_dagster.config_files.expected import (
    LADDER,
    MOMENT,
    PROBABILITY,
    TEXT,
    TEXTS,
    YES_OR_NO,
    Expected,
    amount,
    number,
    one_of,
    some_of,
    whole_number,
)
from centra_whistl_dagster.config_files.reader import Table, TomlDocument
from centra_whistl_dagster.domain.orders.after_sending_policy import (
    AfterSendingPolicy,
    OnEdit,
    OnPause,
)
from centra_whistl_dagster.domain.orders.despatches import DespatchPolicy
from centra_whistl_dagster.domain.orders.postcodes import Territory
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.skus import Ignored
from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.guards import GuardPolicy
from centra_whistl_dagster.domain.stock.policy import Sale, SkuRule, StockPolicy
from centra_whistl_dagster.domain.stock.velocity import Pooling

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_BY_TYPE: dict[str, Expected[Any]] = {
    "bool": YES_OR_NO,
    "int": whole_number(0),
    "float": number(0),
    "Decimal": amount(0),
    "tuple[int, ...]": LADDER,
    "tuple[str, ...]": TEXTS,
    "OnEdit": one_of(OnEdit),
    "OnPause": one_of(OnPause),
    "frozenset[Territory]": some_of(Territory),
    "frozenset[skus.Ignored]": some_of(Ignored),
}


def _settings_of(
    kind: type[DataclassInstance], **special: Expected[Any]
) -> dict[str, Expected[Any]]:
    """Return what each field of a policy must be: by its type, unless it is `special`."""
    return {
        field.name: special.get(field.name) or _BY_TYPE[str(field.type)] for field in fields(kind)
    }


_SCREENING = {
    # A limit of none would block every order.
    name: whole_number(1) if expected is _BY_TYPE["int"] else expected
    for name, expected in _settings_of(ScreeningPolicy).items()
}
_AFTER_SENDING = _settings_of(
    AfterSendingPolicy,
    # Asked no time, Whistl would stop nothing.
    stop_attempts=whole_number(1),
    stop_follow_up_minutes=whole_number(1),
)
_DESPATCHES = _settings_of(DespatchPolicy)
_BUFFER = _settings_of(BufferPolicy, risk=PROBABILITY)
_STOCK_PARTS = {
    "buffer": _BUFFER,
    "cadence": _settings_of(CadencePolicy, risk=PROBABILITY),
    "guard": _settings_of(GuardPolicy),
    "velocity": _settings_of(Pooling),
    "convention": _settings_of(Convention),
}
_SALE: dict[str, Expected[Any]] = {
    "name": TEXT,
    "starts_at": MOMENT,
    "ends_at": MOMENT,
    "skus": TEXTS,
    "risk": PROBABILITY,
    "most_minutes": whole_number(1),
}


def _settings(
    text: str, file_name: str, table: str, expected: Mapping[str, Expected[Any]]
) -> dict[str, Any]:
    """Read one table of `policy.toml`; what it leaves out keeps its default.

    Args:
        text: the whole file.
        file_name: for the faults.
        table: its name.
        expected: its settings by name.

    Raises:
        ConfigError: naming every unknown setting and every value out of bounds, with its line.
    """
    document = TomlDocument(text, file_name)
    settings = document.table(table).settings(expected)
    document.faults.raise_if_any()
    return dict(settings or {})


def load_screening_policy(text: str, file_name: str) -> ScreeningPolicy:
    """Read the `[screening]` table of `policy.toml`, as `_settings` does."""
    return ScreeningPolicy(**_settings(text, file_name, "screening", _SCREENING))


def load_after_sending_policy(text: str, file_name: str) -> AfterSendingPolicy:
    """Read the `[after_sending]` table of `policy.toml`, as `_settings` does."""
    return AfterSendingPolicy(**_settings(text, file_name, "after_sending", _AFTER_SENDING))


def load_despatch_policy(text: str, file_name: str) -> DespatchPolicy:
    """Read the `[despatches]` table of `policy.toml`, as `_settings` does."""
    return DespatchPolicy(**_settings(text, file_name, "despatches", _DESPATCHES))


def load_stock_policy(text: str, file_name: str) -> StockPolicy:
    """Read the `[stock]` tables of `policy.toml`; what they leave out keeps its default.

    Args:
        text: the whole file.
        file_name: for the faults.

    Raises:
        ConfigError: naming every unknown setting and every value out of bounds, with its line.
    """
    document = TomlDocument(text, file_name)
    stock = document.table("stock")
    stock.refuse_unknown([*_STOCK_PARTS, "sku", "sale"])
    parts = {
        name: stock.table(name).settings(expected) or {} for name, expected in _STOCK_PARTS.items()
    }
    buffer = BufferPolicy(**parts["buffer"])
    rules = [_sku_rule(table, buffer) for table in stock.tables("sku")]
    sales = [_sale(table) for table in stock.tables("sale")]
    document.faults.raise_if_any()
    return StockPolicy(
        buffer=buffer,
        cadence=CadencePolicy(**parts["cadence"]),
        guard=GuardPolicy(**parts["guard"]),
        pooling=Pooling(**parts["velocity"]),
        convention=Convention(**parts["convention"]),
        sku_rules=tuple(rule for rule in rules if rule is not None),
        sales=tuple(sale for sale in sales if sale is not None),
    )


def _sku_rule(table: Table, buffer: BufferPolicy) -> SkuRule | None:
    """Read one `[[stock.sku]]`: a pattern, and what its buffer has of its own."""
    own = table.settings({"pattern": TEXT, **_BUFFER}, required=("pattern",))
    if own is None:
        return None
    return SkuRule(pattern=own.pop("pattern"), buffer=replace(buffer, **own))


def _sale(table: Table) -> Sale | None:
    """Read one `[[stock.sale]]`."""
    settings = table.settings(_SALE, required=_SALE)
    if settings is None:
        return None
    sale = Sale(**settings)
    if sale.ends_at <= sale.starts_at:
        table.fault("ends_at", "ends_at must be later than starts_at")
        return None
    return sale
