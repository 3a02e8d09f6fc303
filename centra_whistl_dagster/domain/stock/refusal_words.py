"""Why a stock snapshot was refused, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from centra_whistl_dagster.domain.stock.guards import RefusalReason

IN_WORDS: Mapping[RefusalReason, str] = MappingProxyType(
    {
        RefusalReason.NOT_COMPLETE: "Whistl says that it is not finished",
        RefusalReason.ROWS_MISSING: "it has another number of rows than Whistl announced",
        RefusalReason.EMPTY: "it is empty",
        RefusalReason.OLDER_THAN_LAST: "a later one was used already",
        RefusalReason.TOO_OLD: "it is too old",
        RefusalReason.FROM_THE_FUTURE: "its time is in the future",
        RefusalReason.BAD_ROWS: "too many rows cannot be used",
        RefusalReason.FEW_ROWS: "it has far fewer rows than the last good one",
        RefusalReason.FEW_KNOWN_SKUS: "many SKUs of the last good one are missing",
        RefusalReason.MANY_TO_ZERO: "unusually many SKUs sold out",
        RefusalReason.LARGE_DROP: "unusually many units are gone",
        RefusalReason.LARGE_RISE: "unusually many units were added without an announcement",
        RefusalReason.MANY_CHANGES: "more SKUs changed than sales and goods-in explain",
        RefusalReason.MANY_NEW_SKUS: "unusually many SKUs are new",
        RefusalReason.OUR_ORDERS_UNDONE: "units that our orders took are back",
        RefusalReason.OUR_UNITS_NOT_ALLOCATED: "units of our orders are no longer allocated",
    }
)


def in_words(reasons: Iterable[str]) -> str:
    """Return reasons as one phrase; one that an earlier release gave, as it is."""
    known = {str(reason): words for reason, words in IN_WORDS.items()}
    return "; ".join(known.get(reason, reason) for reason in dict.fromkeys(reasons))
