"""GraphQL over the transport: our documents, Centra's quotas, and what its answers object to.

Belongs here: how any operation is sent and how its failure is told. Does not belong here: which
operations there are and what they return (`client`).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from centra_whistl_dagster.transport import CallKind, Judge, Quota, Reason, Refusal, Transport

SYSTEM = "Centra"
ACCESS_ADVICE = (
    "Renew the token in Centra's AMS, System > API Tokens (they expire, by default after 30 days), "
    "with the permissions docs/security.md lists"
)

COMPLEXITY_UNIT = 1_000
"""Complexity is counted in thousands: a whole page of orders costs tens of them."""

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
"""Quotas by plan (https://centra.dev/integration-api/api-rate-limits), shared by all who call one
environment. "unlimited" is for a Centra of one's own, such as the simulator."""

_STOCK_OPERATIONS = {"StockLevels", "SetStock"}
"""Reading and writing all stock takes many calls at once; an order must not wait behind them."""


def stock_lane(resource: str) -> str:
    """Return the name of the part of a quota that stock may take at most."""
    return f"{resource} for stock"


_GUESSED_COMPLEXITY = {"WholeOrders": 230, "ShipmentsOfOrders": 50}
"""Per record asked for, until an answer tells the true figure; an order read with its addresses is
documented at 229 (https://centra.dev/integration-api/examples/example-queries-dtc)."""
_GUESSED_READ = 20
_GUESSED_MUTATION = 150

_logger = logging.getLogger("centra_whistl_dagster.centra")


class GraphQL:
    """Sends the documents of `operations/`."""

    def __init__(self, transport: Transport, judge: Judge) -> None:
        self._transport = transport
        self._judge = judge
        self._complexity: dict[str, float] = {}
        """The highest per record asked for that an answer of the operation told."""

    def run(
        self, kind: CallKind, operation: str, variables: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Run one operation; return its `data` and Centra's warnings.

        Raises:
            IntegrationError: of any kind.
        """
        records = variables.get("limit", 1)
        is_read = kind is CallKind.READ
        guess = _GUESSED_COMPLEXITY.get(operation, _GUESSED_READ) if is_read else _GUESSED_MUTATION
        complexity = self._complexity.get(operation, guess) * records
        costs = {"requests": 1, "complexity": math.ceil(complexity / COMPLEXITY_UNIT)}
        if not is_read:
            costs["mutations"] = 1
        if operation in _STOCK_OPERATIONS:
            costs |= {stock_lane(resource): units for resource, units in costs.items()}
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
        )
        data = answer.body.get("data") if isinstance(answer.body, Mapping) else None
        if not isinstance(data, dict):
            raise self._judge.unreadable(kind, operation, "the answer has no data")
        told = _object(answer.body.get("extensions")).get("complexity")
        if isinstance(told, int):
            known = self._complexity.get(operation, 0.0)
            self._complexity[operation] = max(known, told / records)
        warnings = _messages(data, "userWarnings")
        if warnings:
            # Their number only: a sentence of Centra's may repeat what the customer typed.
            _logger.warning("%s: Centra gave %d warnings", operation, len(warnings))
        return data, tuple(warning.message for warning in warnings)

    def broken(self, kind: CallKind, operation: str, detail: str) -> Exception:
        """Return the error for an answer whose data is not what was agreed."""
        return self._judge.unreadable(kind, operation, detail)

    def left(self, resource: str) -> list[tuple[int, int]]:
        """Return, per rate of a quota, our share of it and what is left of that now."""
        return self._transport.left(resource)

    def close(self) -> None:
        """Close connections."""
        self._transport.close()


@cache
def document(operation: str) -> str:
    """Return the text of one of our operations."""
    source = files("centra_whistl_dagster.centra") / "operations" / f"{operation}.graphql"
    return source.read_text(encoding="utf-8")


def read_refusal(status: int, body: Any, kind: CallKind) -> Refusal | None:
    """Say what a GraphQL answer objects to.

    HTTP 200 is not success: `errors` means that something did not run, and non-empty `userErrors`
    that nothing was modified (https://centra.dev/integration-api/best-practices/handling-errors).
    """
    if not isinstance(body, Mapping):
        return None
    if errors := body.get("errors"):
        return _refusal_of_errors(status, errors, body, kind)
    data = body.get("data")
    reasons = _messages(data, "userErrors") if isinstance(data, Mapping) else ()
    return Refusal(reasons=reasons) if reasons else None


def _refusal_of_errors(
    status: int, errors: Any, body: Mapping[str, Any], kind: CallKind
) -> Refusal:
    listed = (
        [error for error in errors if isinstance(error, Mapping)]
        if isinstance(errors, list)
        else []
    )
    reasons = tuple(
        Reason("", _path(error.get("path")), str(error.get("message") or "no reason given"))
        for error in listed
    )
    is_about_access = any(
        _object(error.get("extensions")).get("category") == "authorization" for error in listed
    )
    # Without "data" nothing was begun (GraphQL specification, 7.1). With it, a mutation may have
    # taken effect and only its reading-back failed.
    may_have_run = status < 300 and "data" in body
    is_final = not may_have_run or (is_about_access and kind is CallKind.READ)
    return Refusal(reasons=reasons, is_about_access=is_about_access, is_final=is_final)


def _messages(data: Mapping[str, Any], name: str) -> tuple[Reason, ...]:
    return tuple(
        Reason("", _path(entry.get("path")), str(entry.get("message") or "no reason given"))
        for payload in data.values()
        if isinstance(payload, Mapping)
        for entry in payload.get(name) or ()
        if isinstance(entry, Mapping)
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _path(path: Any) -> str:
    return ".".join(str(step) for step in path) if isinstance(path, list) else ""
