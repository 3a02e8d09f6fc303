"""GraphQL over the transport: how any of our documents is sent, and what it costs of the quotas.

Does not belong here: the operations and what they return (`client`), the reading of failures
(`refusals`).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.resources import files

from centra_whistl_dagster.centra.partial import broken_field, mark
from centra_whistl_dagster.centra.refusals import SYSTEM, objects, reasons_in, reasons_of
from centra_whistl_dagster.transport import (
    LIST,
    ONE_RECORD,
    CallKind,
    HourOfCalls,
    Json,
    Judge,
    Lane,
    Quota,
    Transport,
)
from centra_whistl_dagster.transport.calls import LANE_PATIENCE_SECONDS
from centra_whistl_dagster.transport.errors import ContractBroken, IntegrationError

COMPLEXITY_UNIT = 1_000
"""The quota is counted in thousands: a full page of orders costs tens of thousands."""

_GROWTH = {
    "requests": (Quota(units=60, seconds=10), Quota(units=5_000, seconds=3600)),
    "mutations": (Quota(units=20, seconds=10), Quota(units=1_800, seconds=3600)),
    "complexity": (Quota(units=250, seconds=10), Quota(units=30_000, seconds=3600)),
}
PLANS: Mapping[str, Mapping[str, tuple[Quota, ...]]] = {
    "growth": _GROWTH,
    "enhanced": {
        "requests": (Quota(units=150, seconds=10), Quota(units=20_000, seconds=3600)),
        "mutations": (Quota(units=50, seconds=10), Quota(units=4_500, seconds=3600)),
        "complexity": (Quota(units=900, seconds=10), Quota(units=90_000, seconds=3600)),
    },
    "high_volume": {
        "requests": (Quota(units=450, seconds=10), Quota(units=40_000, seconds=3600)),
        "mutations": (Quota(units=150, seconds=10), Quota(units=7_000, seconds=3600)),
        "complexity": (Quota(units=1_800, seconds=10), Quota(units=180_000, seconds=3600)),
    },
    "enterprise": {
        "requests": (Quota(units=1_500, seconds=10), Quota(units=85_000, seconds=3600)),
        "mutations": (Quota(units=500, seconds=10), Quota(units=25_000, seconds=3600)),
        "complexity": (Quota(units=4_000, seconds=10), Quota(units=400_000, seconds=3600)),
    },
    "unlimited": {},
}
"""Quotas by plan (https://centra.dev/integration-api/api-rate-limits), shared by everything
that calls one environment. "unlimited" is for a Centra without limits, such as the simulator."""

_IN_THE_STOCK_LANE = {"StockLevels", "SetStock", "ProductSizes"}
"""They take many calls at once; an order must not wait behind them."""

_GUESSED_COMPLEXITY = {"WholeOrders": 230, "ShippingOrders": 60}
"""Per record asked for, until an answer gives the true figure; an order read with its addresses is
documented at 229 (https://centra.dev/integration-api/examples/example-queries-dtc)."""
_GUESSED_READ = 20
_GUESSED_MUTATION = 150

_MOST_CLOCK_LAG = timedelta(days=1)

_logger = logging.getLogger("centra_whistl_dagster.centra")


class RecordsBroken(ContractBroken):
    """Centra could not give a list because a field of one of its records fails."""

    def __init__(self, operation: str, field: str) -> None:
        super().__init__(
            system=SYSTEM,
            operation=operation,
            detail=f"a list could not be read, because {field} of a record fails",
            advice="Ask Centra what is wrong with the record",
        )
        self.field = field


class GraphQL:
    """Sends the documents of `operations/`."""

    def __init__(self, transport: Transport, judge: Judge, *, now: Callable[[], datetime]) -> None:
        self._transport = transport
        self._judge = judge
        self._now = now
        self.clock_ahead: timedelta | None = None
        """By how much our clock was ahead of Centra's in its last answer; None: no time in it."""
        self.clock_behind = timedelta(0)
        """By how much Centra's clock was behind ours in its last answer; never negative."""
        self._complexity: dict[str, float] = {}
        """By operation, the highest complexity per record that an answer has reported."""

    def run(
        self,
        kind: CallKind,
        operation: str,
        variables: Mapping[str, object],
        *,
        records: int = 1,
        patience_seconds: float = LANE_PATIENCE_SECONDS,
        within_seconds: float | None = None,
    ) -> dict[str, Json]:
        """Run one operation and return its `data`; Centra's warnings are logged.

        Records of a list whose fields Centra could not give are marked: `Fields` refuses them.

        Args:
            kind: decides what is repeated.
            operation: the name of the document.
            variables: as it declares them.
            records: how many it asks for at most; the complexity grows with them.
            patience_seconds: how long it may wait for its turn in the lane of stock.
            within_seconds: a shorter deadline, for a call whose caller can ask again later.

        Raises:
            IntegrationError: of any kind.
        """
        is_read = kind is CallKind.READ
        guess = _GUESSED_COMPLEXITY.get(operation, _GUESSED_READ) if is_read else _GUESSED_MUTATION
        complexity = self._complexity.get(operation, guess) * records
        costs = {"requests": 1, "complexity": math.ceil(complexity / COMPLEXITY_UNIT)}
        if not is_read:
            costs["mutations"] = 1
        answer = self._transport.request(
            kind,
            operation,
            "POST",
            "graphql",
            json={
                "query": document(operation),
                "operationName": operation,
                "variables": dict(variables),
            },
            costs=costs,
            lane=Lane.STOCK if operation in _IN_THE_STOCK_LANE else Lane.ORDERS,
            patience_seconds=patience_seconds,
            within_seconds=within_seconds,
            limits=LIST if records > 1 else ONE_RECORD,
        )
        date, now = answer.headers.get("date", ""), self._now()
        self.clock_ahead, self.clock_behind = ahead_of(date, now=now), lag_of(date, now=now)
        body = answer.body if isinstance(answer.body, dict) else {}
        data = body.get("data")
        if data is None and (field := broken_field(objects(body.get("errors")))):
            raise RecordsBroken(operation, field)
        if not isinstance(data, dict):
            raise self._judge.unreadable(kind, operation, "the answer has no data")
        self._learn_complexity(operation, body.get("extensions"), records)
        if errors := body.get("errors"):
            mark(data, objects(errors))
            reasons = ", ".join(map(str, reasons_of(errors)))
            _logger.warning("%s: Centra could not give some fields: %s", operation, reasons)
        if warnings := reasons_in(data, "userWarnings"):
            # Codes and fields only: a sentence of Centra's may repeat what the customer typed.
            _logger.warning(
                "%s: Centra gave %d warnings: %s",
                operation,
                len(warnings),
                ", ".join(map(str, warnings)),
            )
        return data

    def _learn_complexity(self, operation: str, extensions: Json, records: int) -> None:
        complexity = extensions.get("complexity") if isinstance(extensions, dict) else None
        if isinstance(complexity, int):
            known = self._complexity.get(operation, 0.0)
            self._complexity[operation] = max(known, complexity / records)

    def broken(self, kind: CallKind, operation: str, detail: str) -> IntegrationError:
        """Return the error for an answer whose data does not match the schema."""
        return self._judge.unreadable(kind, operation, detail)

    def left(self, resource: str, lane: Lane = Lane.ORDERS) -> list[tuple[int, int]]:
        """Return, per rate of a quota, a lane's share of it and what is left of that now."""
        return self._transport.left(resource, lane)

    def allow(self, quotas: Mapping[str, Sequence[Quota]]) -> None:
        """Go by these quotas from now on.

        Raises:
            OSError: the file that counts our calls cannot be used.
        """
        self._transport.allow(quotas)

    def take_counts(self) -> list[HourOfCalls]:
        """Return the calls counted since the last time."""
        return self._transport.take_counts()

    def close(self) -> None:
        """Close connections."""
        self._transport.close()


def lag_of(date: str, *, now: datetime) -> timedelta:
    """Return by how much the clock behind a `Date` header is behind `now`; zero for no lag.

    A header that cannot be read, or is off by more than a day, says nothing about a clock.
    """
    lag = ahead_of(date, now=now)
    if lag is None or not timedelta(0) < lag <= _MOST_CLOCK_LAG:
        return timedelta(0)
    return lag


def ahead_of(date: str, *, now: datetime) -> timedelta | None:
    """Return by how much `now` is ahead of a `Date` header; None where that cannot be read."""
    try:
        shown = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # a year of eleven digits
        return None
    return now - (shown if shown.tzinfo else shown.replace(tzinfo=UTC))


@cache
def document(operation: str) -> str:
    """Return the text of one of our operations."""
    source = files("centra_whistl_dagster.centra") / "operations" / f"{operation}.graphql"
    return source.read_text(encoding="utf-8")
