"""What waits for people at this moment, as the ledger's register has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Severity, team_name
from centra_whistl_dagster.domain.exceptions.stakes import ConcernedOrder, Stake, stake_of
from centra_whistl_dagster.domain.health import Area, Condition
from centra_whistl_dagster.ledger import exception_news, worklist
from centra_whistl_dagster.ledger.rows import ExceptionRow
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.upkeep.health import examine_health

SUBJECTS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The open exceptions of one kind, which one team fixes.

    Of an exception it holds the subject and the field, never the value or the sentence: a brief is
    kept and mailed for longer than those may be.
    """

    owner: str
    team: str
    kind: str
    title: str
    instructions: str
    is_urgent: bool
    count: int
    overdue: int
    due_at: datetime
    """When the first of them is, or was, due."""
    subjects: tuple[str, ...]
    """The first of the orders, SKUs, options, despatches or feeds that they are about."""
    more_subjects: int
    stake: Stake


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What is open now."""

    groups: Sequence[Group]
    """What needs a person first comes first: urgent, then overdue, then by time limit."""
    blocked: int
    """Orders that are not sent, each counted once."""
    blocked_value: Mapping[str, Decimal]
    """By currency."""
    troubles: Sequence[Area]
    """Areas of the connection that are not well."""
    red: Sequence[tuple[str, str]]
    """Title and owner of every check, job and sensor that fails."""

    @property
    def first(self) -> list[Group]:
        """What needs a person before everything else."""
        return [group for group in self.groups if group.is_urgent or group.overdue]

    @property
    def open(self) -> int:
        """Open exceptions."""
        return sum(group.count for group in self.groups)

    @property
    def overdue(self) -> int:
        """Open exceptions that are past their time limit."""
        return sum(group.overdue for group in self.groups)


def read_register(installation: Installation) -> Register:
    """Read what is open now."""
    with installation.ledger.reading() as tx:
        rows = exception_news.listed(tx)
        concerned = exception_news.orders_concerned(tx, rows)
        by_cause: dict[tuple[str, ExceptionKind], list[ExceptionRow]] = {}
        for row in rows:
            by_cause.setdefault((row.owner, row.kind), []).append(row)
        groups = []
        for (owner, kind), members in by_cause.items():
            orders = [order for row in members for order in concerned.get(row.id, ())]
            responsibility = tx.responsibilities[kind]
            title, instructions = responsibility.title, responsibility.instructions
            groups.append(_group(owner, kind, title, instructions, members, orders, tx.now))
        blocked, worth = worklist.blocked_orders(tx)
    health = examine_health(installation)
    return Register(
        groups=sorted(groups, key=_by_need),
        blocked=blocked,
        blocked_value=worth,
        troubles=[area for area in health.areas if area.condition is not Condition.GOOD],
        red=health.red,
    )


def _group(
    owner: str,
    kind: ExceptionKind,
    title: str,
    instructions: str,
    rows: Sequence[ExceptionRow],
    orders: Sequence[ConcernedOrder],
    now: datetime,
) -> Group:
    subjects = list(dict.fromkeys(row.subject for row in rows))
    return Group(
        owner=owner,
        team=team_name(owner),
        kind=kind,
        title=title,
        instructions=instructions,
        is_urgent=any(row.severity == Severity.URGENT for row in rows),
        count=len(rows),
        overdue=sum(row.due_at < now for row in rows),
        due_at=min(row.due_at for row in rows),
        subjects=tuple(subjects[:SUBJECTS_SHOWN]),
        more_subjects=max(0, len(subjects) - SUBJECTS_SHOWN),
        stake=stake_of(orders),
    )


def _by_need(group: Group) -> tuple[bool, bool, datetime, str]:
    return not group.is_urgent, not group.overdue, group.due_at, group.kind
