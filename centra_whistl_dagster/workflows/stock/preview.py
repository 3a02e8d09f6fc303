"""What a change of the stock policy would withhold from sale, and what overselling it would avoid.

Both policies are worked out with the last good snapshot, Centra's levels as last read and the
ledger as it is now. Nothing is written. Does not belong here: what a change consists of
(`domain.stock.policy_change`), how it is shown (`cli.stock_preview`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches

import numpy as np
import pandas as pd

from centra_whistl_dagster.domain.stock.arrays import Floats, Ints
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.domain.stock.policy_change import matching
from centra_whistl_dagster.domain.stock.shortfall import shortfall
from centra_whistl_dagster.ledger import order_contents, stock
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.stock.reconciliation import (
    NothingToReconcile,
    Reconciliation,
    reconcile_with,
)

_MINUTES_OF_A_DAY = 24 * 60
_FEW = 8
"""Of more SKUs a message names the first."""


class UnknownSkus(ValueError):
    """A change names SKUs that one system or both do not have, so it would do nothing for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """One SKU of which the change holds back more units, or fewer."""

    sku: str
    for_sale_now: int
    for_sale_then: int
    withheld_now: int
    withheld_then: int
    chance_now: float
    """That unseen demand between two syncs exceeds what is withheld."""
    chance_then: float
    oversold_a_day_now: float
    """Units oversold a day on average, once the shop has sold all that it offers."""
    oversold_a_day_then: float
    price: Decimal | None
    """In the order it was sold in last; None: no order has it."""
    currency: str

    @property
    def more(self) -> int:
        """Units that the change withholds in addition."""
        return self.withheld_then - self.withheld_now

    @property
    def value(self) -> Decimal | None:
        """What those units sell for."""
        return None if self.price is None else self.price * self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPreview:
    """What a change would do, summed over all SKUs and for each that it concerns."""

    at: datetime
    taken_at: datetime
    """When Whistl took the stock it is worked out with."""
    is_demand_measured: bool
    """Where false, nothing is known of demand, and only floors hold anything back."""
    skus: int
    """That both systems have."""
    withheld_now: int
    withheld_then: int
    oversold_a_day_now: float
    oversold_a_day_then: float
    changed: tuple[Withheld, ...]
    """The SKUs for which anything changes, the largest change first."""
    without_effect: tuple[str, ...] = ()
    """Patterns of the proposed policy that match no SKU."""

    def value_by_currency(self) -> dict[str, Decimal]:
        """Return what the units withheld in addition sell for, where a price is known."""
        sums: dict[str, Decimal] = {}
        for line in self.changed:
            if line.value is not None:
                sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.value
        return sums


def preview_policy(
    link: Link, proposed: StockPolicy, *, named: Sequence[str] = ()
) -> PolicyPreview:
    """Work out what a proposed policy would change; nothing is written.

    Args:
        link: the connection; its policy is the present one, and its clock says for which moment.
        proposed: the policy to compare with.
        named: SKUs or patterns that must each match SKUs of both systems.

    Raises:
        NothingToReconcile: no usable snapshot was read yet, or Centra's stock never was.
        UnknownSkus: naming every SKU and pattern that matches nothing, and what was likely meant.
    """
    with link.ledger.reading() as tx:
        snapshot, at = stock.latest_accepted(tx), tx.now
        prices = order_contents.latest_prices(tx)
    if snapshot is None:
        raise NothingToReconcile("No usable stock snapshot has been read from Whistl yet.")
    now = reconcile_with(link, snapshot)
    _refuse_unknown(named, now)
    configuration = replace(link.configuration, stock=proposed)
    then = reconcile_with(replace(link, configuration=configuration), snapshot)
    frame = _side_by_side(now, then)
    return PolicyPreview(
        at=at,
        taken_at=snapshot.taken_at,
        is_demand_measured=bool(now.demand.per_hour.any()),
        skus=len(frame),
        withheld_now=int(frame["withheld_now"].sum()),
        withheld_then=int(frame["withheld_then"].sum()),
        oversold_a_day_now=float(frame["oversold_a_day_now"].sum()),
        oversold_a_day_then=float(frame["oversold_a_day_then"].sum()),
        changed=tuple(_changed(frame, prices)),
        without_effect=tuple(_without_effect(proposed, frame["sku"].tolist())),
    )


def _side_by_side(now: Reconciliation, then: Reconciliation) -> pd.DataFrame:
    """Return both outcomes for every SKU that both systems have."""
    frame = pd.DataFrame({"sku": pd.Series(now.skus, dtype="str")})
    for name, side in (("now", now), ("then", then)):
        steps = side.catalogue.steps
        minutes = side.demand.exposure.between(side.demand.minutes)
        chance, units = _risk(side, steps.buffer_used)
        frame[f"withheld_{name}"] = steps.buffer_used
        frame[f"for_sale_{name}"] = np.maximum(steps.physical - steps.centra.allocated, 0)
        frame[f"chance_{name}"] = chance
        # Of what is not for sale the shop cannot sell too much.
        is_for_sale = steps.physical > steps.centra.allocated
        frame[f"oversold_a_day_{name}"] = np.where(
            is_for_sale, units * _MINUTES_OF_A_DAY / minutes, 0.0
        )
    return frame[now.catalogue.in_whistl & now.catalogue.in_centra]


def _risk(side: Reconciliation, held_back: Ints) -> tuple[Floats, Floats]:
    demand = side.demand
    hours = demand.exposure_minutes / 60 * demand.busyness
    beyond = shortfall(demand.unseen_clumps, hours, held_back)
    return beyond.chance, beyond.units


def _changed(frame: pd.DataFrame, prices: dict[str, tuple[Decimal, str]]) -> list[Withheld]:
    is_other = frame["withheld_now"] != frame["withheld_then"]
    lines = []
    for row in frame[is_other].to_dict("records"):
        cells = {str(name): value for name, value in row.items()}
        price, currency = prices.get(cells["sku"], (None, ""))
        lines.append(Withheld(**cells, price=price, currency=currency))
    return sorted(lines, key=lambda line: (-abs(line.more), line.sku))


def _refuse_unknown(named: Sequence[str], now: Reconciliation) -> None:
    in_whistl = [now.skus[at] for at in np.flatnonzero(now.catalogue.in_whistl).tolist()]
    in_centra = [now.skus[at] for at in np.flatnonzero(now.catalogue.in_centra).tolist()]
    both = sorted(set(in_whistl) & set(in_centra))
    faults = [
        _fault(pattern, in_whistl, in_centra, both)
        for pattern in named
        if not matching(pattern, both)
    ]
    if faults:
        raise UnknownSkus("\n".join(faults))


def _fault(
    pattern: str, in_whistl: Sequence[str], in_centra: Sequence[str], both: Sequence[str]
) -> str:
    if any(sign in pattern for sign in "*?["):
        return f"{pattern} matches no SKU that both systems have."
    if pattern in in_whistl:
        return f"{pattern} is in Whistl's stock and not in Centra's: there is nothing to withhold."
    if pattern in in_centra:
        return f"{pattern} is in Centra's stock and not in Whistl's snapshot: its stock is unknown."
    likely = get_close_matches(pattern.upper(), [sku.upper() for sku in both], n=3)
    spelled = [sku for sku in both if sku.upper() in likely][:_FEW]
    meant = f" Did you mean {' or '.join(spelled)}?" if spelled else ""
    return f"{pattern} is a SKU of neither system.{meant}"


def _without_effect(proposed: StockPolicy, skus: Sequence[str]) -> list[str]:
    patterns = [rule.pattern for rule in proposed.sku_rules]
    patterns += [pattern for sale in proposed.sales for pattern in sale.skus]
    return [pattern for pattern in dict.fromkeys(patterns) if not matching(pattern, skus)]
