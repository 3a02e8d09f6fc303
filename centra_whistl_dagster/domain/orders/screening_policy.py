"""The screening rules that are the client's choice: `[screening]` of `config/policy.toml`.

The defaults follow the columns of one Whistl site's software, as published with its tools
(Whistl-Fulfilment-South-West/TAFIE and TLAImport); the client's own account may differ.

Belongs here: values, their bounds, and reading them. Does not belong here: the rules that use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from centra_whistl_dagster.domain.configuration import (
    ConfigError,
    ConfigFault,
    line_of,
    read_toml,
)
from centra_whistl_dagster.domain.orders import skus
from centra_whistl_dagster.domain.orders.postcodes import Territory


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningPolicy:
    """Limits in characters, pieces, the order's currency or kilograms, as each name says."""

    order_number_characters: int = 12
    name_characters: int = 35
    company_characters: int = 35
    address_line_characters: int = 35
    address_line_advised_characters: int = 32
    city_characters: int = 35
    county_characters: int = 35
    postcode_characters: int = 10
    phone_digits: int = 12
    email_advised_characters: int = 35
    sku_characters: int = 24
    lines_per_order: int = 200
    pieces_per_line: int = 99_999
    value_per_line: Decimal = Decimal(99_999)
    value_per_order: Decimal = Decimal(9_999_999)
    packaging_kg: Decimal = Decimal("0.2")
    customs_territories: frozenset[Territory] = frozenset(
        {
            Territory.NORTHERN_IRELAND,
            Territory.CHANNEL_ISLANDS,
            Territory.ISLE_OF_MAN,
            Territory.ABROAD,
        }
    )
    sku_collisions_ignore: frozenset[skus.Ignored] = skus.EVERYTHING
    """Which differences between two SKUs do not keep them apart; empty switches the rule off."""
    not_product_skus: tuple[str, ...] = (
        *("post", "postage", "dot", "carriage", "shipping*"),
        *("bank charges", "amazonfee", "c2", "m", "d", "s"),
        *("gift_*", "giftcard*", "gift-card*", "voucher*"),
    )
    """Patterns such as `gift_*`, letter case ignored."""


def load_screening_policy(text: str, file_name: str) -> ScreeningPolicy:
    """Read the `[screening]` table; what it leaves out keeps its default.

    Raises:
        ConfigError: naming every unknown key and every value out of bounds, with its line.
    """
    table = read_toml(text, file_name).get("screening", {})
    if not isinstance(table, dict):
        detail = "screening must be a table, written [screening]"
        raise ConfigError(file_name, [ConfigFault(line=None, detail=detail)])
    values: dict[str, Any] = {}
    faults: list[ConfigFault] = []
    for key, raw in table.items():
        try:
            values[key] = _READERS[key](raw)
        except KeyError:
            detail = f"[screening] {key} is no setting; there are {', '.join(_READERS)}"
            faults.append(ConfigFault(line=line_of(text, "screening", key), detail=detail))
        except ValueError as error:
            detail = f"[screening] {key} {error}"
            faults.append(ConfigFault(line=line_of(text, "screening", key), detail=detail))
    if faults:
        raise ConfigError(file_name, faults)
    return ScreeningPolicy(**values)


def _count(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 1:
        raise ValueError(f"must be a whole number from 1, not {raw!r}")
    return raw


def _amount(raw: Any) -> Decimal:
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        amount = Decimal(raw)
        if amount.is_finite() and amount >= 0:
            return amount
    raise ValueError(f"must be a number from 0, not {raw}")


def _texts(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(each, str) and each for each in raw):
        raise ValueError(f"must be a list of texts, not {raw!r}")
    return tuple(raw)


def _territories(raw: Any) -> frozenset[Territory]:
    return frozenset(Territory(each) for each in _members(raw, [*Territory]))


def _ignored(raw: Any) -> frozenset[skus.Ignored]:
    return frozenset(skus.Ignored(each) for each in _members(raw, [*skus.Ignored]))


def _members(raw: Any, allowed: list[Any]) -> tuple[str, ...]:
    texts = _texts(raw)
    if wrong := [each for each in texts if each not in allowed]:
        raise ValueError(f"must hold only {', '.join(allowed)}, not {', '.join(wrong)}")
    return texts


_BY_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "int": _count,
    "Decimal": _amount,
    "frozenset[Territory]": _territories,
    "frozenset[skus.Ignored]": _ignored,
    "tuple[str, ...]": _texts,
}
_READERS = {each.name: _BY_TYPE[str(each.type)] for each in fields(ScreeningPolicy)}
