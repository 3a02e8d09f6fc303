"""`config/policy.toml`: each of its tables read into one value."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from centra_whistl_dagster.config_files.expected import (
    ABSENT_SKU,
    DAYS,
    LADDER,
    MOMENT,
    PERCENT,
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
from centra_whistl_dagster.domain.service_targets import ServiceTargets
from centra_whistl_dagster.domain.stock.availability import Convention
from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.cadence import CadencePolicy
from centra_whistl_dagster.domain.stock.guard_policy import GuardPolicy
from centra_whistl_dagster.domain.stock.policy import Sale, SkuRule, StockPolicy
from centra_whistl_dagster.domain.stock.velocity import Pooling
from centra_whistl_dagster.domain.volume import VolumePolicy

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_BY_TYPE: dict[str, Expected[Any]] = {
    "bool": YES_OR_NO,
    "int": whole_number(0),
    "float": number(0),
    "Decimal": amount(0),
    "tuple[int, ...]": LADDER,
    "tuple[date, ...]": DAYS,
    "tuple[str, ...]": TEXTS,
    "AbsentSku": ABSENT_SKU,
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
_SERVICE_TARGETS = {
    name: PERCENT if name.endswith("percent") else whole_number(1)
    for name in _settings_of(ServiceTargets)
}
_VOLUME = _settings_of(VolumePolicy)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the file decides, one value for each of its tables."""

    screening: ScreeningPolicy
    after_sending: AfterSendingPolicy
    despatches: DespatchPolicy
    service_targets: ServiceTargets
    volume: VolumePolicy
    stock: StockPolicy


def load_policy(text: str, file_name: str) -> Policy:
    """Read the file; what it leaves out keeps its default.

    Args:
        text: the whole file.
        file_name: for the faults.

    Raises:
        ConfigError: naming every unknown table or setting and every value out of bounds, with its
            line.
    """
    document = TomlDocument(text, file_name)
    document.refuse_unknown([field.name for field in fields(Policy)])
    screening = document.table("screening").settings(_SCREENING)
    after_sending = document.table("after_sending").settings(_AFTER_SENDING)
    despatches = document.table("despatches").settings(_DESPATCHES)
    targets = document.table("service_targets").settings(_SERVICE_TARGETS)
    volume = document.table("volume").settings(_VOLUME)
    stock = _stock(document.table("stock"))
    document.faults.raise_if_any()
    return Policy(
        screening=ScreeningPolicy(**screening or {}),
        after_sending=AfterSendingPolicy(**after_sending or {}),
        despatches=DespatchPolicy(**despatches or {}),
        service_targets=ServiceTargets(**targets or {}),
        volume=VolumePolicy(**volume or {}),
        stock=stock,
    )


def _stock(stock: Table) -> StockPolicy:
    """Read `[stock]` and the tables inside it."""
    stock.refuse_unknown([*_STOCK_PARTS, "sku", "sale"])
    parts = {
        name: stock.table(name).settings(expected) or {} for name, expected in _STOCK_PARTS.items()
    }
    buffer = BufferPolicy(**parts["buffer"])
    rules = [_sku_rule(table, buffer) for table in stock.tables("sku")]
    sales = [_sale(table) for table in stock.tables("sale")]
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
