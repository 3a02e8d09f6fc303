"""Which refusals of Whistl's may pass without anybody changing the order, and when to try again.

Of the codes of Whistl's `validation_failed`, a few are about Whistl's own records or state rather
than about the order: a product created minutes ago that its order intake does not know yet, a
service being set up. Screening has checked the same against Whistl's catalogue, so the refusal is
Whistl's mistake.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

MAY_PASS = frozenset(
    {
        "unknown_sku",
        "inactive_sku",
        "unknown_service",
        "internal_error",
        "processing_error",
        "service_unavailable",
        "temporarily_unavailable",
        "try_again_later",
        "order_locked",
    }
)
_PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(days=1),
)


def pause_before_retry(codes: Collection[str], refused_before: int) -> timedelta | None:
    """Return how long to wait before a refused order is sent again; None where that is pointless.

    Args:
        codes: every reason that Whistl gave.
        refused_before: times that Whistl has refused the order already. From the fifth on, it is
            tried once a day.
    """
    if not codes or not MAY_PASS.issuperset(codes):
        return None
    return _PAUSES[min(refused_before, len(_PAUSES) - 1)]
