"""What screening has found and nobody has fixed yet, for the asset checks in Dagster."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.exception_news import open_of_kinds
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.screening.rule import Check
from centra_whistl_dagster.screening.rules import CHECKS
from centra_whistl_dagster.workflows.link import Link

_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFindings:
    """What screening has found, in this round or an earlier one, and nobody has fixed yet."""

    count: int
    kinds: Set[ExceptionKind]
    first: list[ExceptionRow]
    """The most overdue of them."""


def open_findings(link: Link) -> dict[Check, OpenFindings]:
    """Return by asset check what keeps it red."""
    found = {}
    with link.ledger.reading() as tx:
        counts = exceptions.counts_by_kind(tx, only_open=True)
        for check in Check:
            kinds = {
                kind for kind, of_kind in CHECKS.items() if of_kind is check and kind in counts
            }
            found[check] = OpenFindings(
                count=sum(counts[kind] for kind in kinds),
                kinds=kinds,
                first=open_of_kinds(tx, kinds, limit=_SHOWN) if kinds else [],
            )
    return found
