"""Find the orders that Whistl has and that the ledger, after a gap, does not know as sent.

The list of what changed at Whistl since the ledger's last known point names them, those that are
locked in Centra and no longer listed there as well. Absence proves something only after Whistl's
lag, so the list is read again then. What an order of which nothing is known may still do is decided
by its look-up. Does not belong here: that look-up (`workflows.orders.claims`, `.look_up`), what
taking over one order changes (`.found_after_gap`), and when there is a gap (`domain.generations`,
`workflows.continuity`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from centra_whistl_dagster.centra.client import UnreadableOrder
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.generations import IN_WORDS, Beginning
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import UNENDED
from centra_whistl_dagster.domain.tally import Failed, Skipped, Tally
from centra_whistl_dagster.ledger import (
    exceptions,
    generations,
    orders,
    state,
    unreadable,
)
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import GenerationRow
from centra_whistl_dagster.ledger.unreadable import NAMELESS, Source
from centra_whistl_dagster.transport import Refused
from centra_whistl_dagster.whistl.client import UnreadableOrderView, WhistlOrderView
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.found_after_gap import NOT_STORED, take_over
from centra_whistl_dagster.workflows.orders.lag import LOOKED_UP_EVERY, look_up_lag

_BEFORE_THE_GAP = timedelta(minutes=10)
"""Read from so long before the last known point: Whistl's clock is not ours."""
_TOGETHER = 100
"""Orders taken over from Centra in one round; the others follow in the next."""
_NOT_STORED_TRIED_AGAIN = timedelta(minutes=10)

_Views = dict[int, list[WhistlOrderView]]
"""By Centra's order number, under whichever numbers Whistl has it, the first number first."""
_UNREADABLE = Failed("cannot be read at Whistl")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """What Whistl lists under numbers of ours."""

    views: _Views
    unreadable: list[UnreadableOrderView]
    """One without a number may be ours too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sweep:
    """One sweep over all unknown orders, in as many rounds as it takes."""

    began_at: datetime
    tried_up_to: int = 0
    """Centra's order number. Without it, orders that cannot be taken over keep the others out."""
    has_failed: bool = False
    """An order could not be stored, or not be read at Whistl."""


_STORED = TypeAdapter(_Sweep)


def account_for_gap(link: Link) -> Tally:
    """Take over from Whistl what the ledger does not know, until nothing can be hidden any more.

    Raises:
        IntegrationError: Whistl or Centra could not be read; it is tried again in the next round.
    """
    with link.ledger.reading() as tx:
        generation = generations.unaccounted(tx)
        is_due = generations.is_sweep_due(tx)
    if generation is None:
        return Tally()
    if generation.reason is Beginning.NEW and not _is_reported(link, generation):
        if not is_due:
            return Tally()
        if _was_never_used(link):
            # Nothing was sent before this ledger.
            with link.ledger.transaction() as tx:
                generations.note_accounted_for(tx)
            return Tally()
    _report(link, generation)
    if not is_due:
        return Tally()
    tally = Tally()
    if generation.sweep_due_at is not None:
        tally = _sweep(link, generation)
    _close_if_over(link)
    return tally


def _sweep(link: Link, generation: GenerationRow) -> Tally:
    sweep = _sweep_under_way(link, generation) or _Sweep(began_at=link.now())
    listed = _listed(link, generation)
    damaged = _report_unreadable(link, listed.unreadable)
    unknown = _unknown(link, listed.views)
    # An order with a number that cannot be read is not taken over in part.
    left = sorted(n for n in unknown if n > sweep.tried_up_to and str(n) not in damaged)
    taken = {number: unknown[number] for number in left[:_TOGETHER]}
    tally = Tally(read=len(left) + len(damaged))
    tally.add(_UNREADABLE, len(damaged))
    tally.add(Skipped("left for the next round"), len(left) - len(taken))
    for number, record in _in_centra(link, taken):
        tally.add(take_over(link, record, taken[number]))
    with link.ledger.transaction() as tx:
        is_incomplete = bool(damaged) or tally.failed[NOT_STORED.reason] > 0
        has_failed = sweep.has_failed or is_incomplete
        if len(left) > len(taken):
            note = replace(sweep, tried_up_to=max(taken), has_failed=has_failed)
            state.set_to(tx, state.GAP_SWEEP, _STORED.dump_json(note).decode())
            generations.note_swept(tx, due_at=tx.now)
            return tally
        state.forget(tx, state.GAP_SWEEP)
        due_at = _swept_again_at(tx, link, generation, sweep.began_at)
        if due_at is None and has_failed:
            due_at = tx.now + _NOT_STORED_TRIED_AGAIN
        generations.note_swept(tx, due_at=due_at)
    return tally


def _swept_again_at(
    tx: Transaction, link: Link, generation: GenerationRow, began_at: datetime
) -> datetime | None:
    """Return when a sweep is due after one that began then; None where its absences are proof."""
    proves_at = generations.gap_of(generation).absence_proves(look_up_lag(tx, link))
    if began_at >= proves_at:
        return None
    return max(min(proves_at, tx.now + LOOKED_UP_EVERY), tx.now)


def _sweep_under_way(link: Link, generation: GenerationRow) -> _Sweep | None:
    with link.ledger.reading() as tx:
        stored = state.read(tx, state.GAP_SWEEP)
    sweep = _STORED.validate_json(stored) if stored else None
    return sweep if sweep is not None and sweep.began_at >= generation.began_at else None


def _listed(link: Link, generation: GenerationRow) -> _Listed:
    """Return what Whistl shows under numbers of ours and has changed since the last known point.

    To the end: what a shorter list leaves out would count as never sent.
    """
    since = generation.last_known_at
    if since is not None:
        return _by_number(link, link.whistl.orders_updated_since(since - _BEFORE_THE_GAP))
    try:
        return _by_number(link, link.whistl.orders_in_statuses(UNENDED))
    except Refused:
        return _by_number(link, link.whistl.orders_updated_since(None))


def _was_never_used(link: Link) -> bool:
    """Say whether Whistl has never had an order of ours; one that cannot be read may be one."""
    ours = _pattern(link)
    return not any(
        not view.order_number or ours.fullmatch(view.order_number)
        for view in link.whistl.orders_updated_since(None)
    )


def _pattern(link: Link) -> re.Pattern[str]:
    return re.compile(re.escape(link.settings.order_number_prefix) + r"(\d+)(?:-(\d+))?")


def _by_number(link: Link, views: Iterable[WhistlOrderView | UnreadableOrderView]) -> _Listed:
    ours = _pattern(link)
    found: dict[int, dict[int, WhistlOrderView]] = {}
    damaged: list[UnreadableOrderView] = []
    for view in views:
        match = ours.fullmatch(view.order_number)
        if isinstance(view, UnreadableOrderView):
            if match or not view.order_number:
                damaged.append(view)
        elif match:
            found.setdefault(int(match[1]), {})[int(match[2] or 1)] = view
    in_order = {number: [of[n] for n in sorted(of)] for number, of in found.items()}
    return _Listed(views=in_order, unreadable=damaged)


def _report_unreadable(link: Link, views: Sequence[UnreadableOrderView]) -> set[str]:
    """Report orders that the ledger does not know as sent; return Centra's numbers of them."""
    reported: set[str] = set()
    if not views:
        return reported
    ours = _pattern(link)
    with link.ledger.transaction() as tx:
        for view in views:
            match = ours.fullmatch(view.order_number)
            if match is None or _is_unknown(tx, view.order_number):
                number = str(int(match[1])) if match else NAMELESS
                unreadable.report(tx, Source.WHISTL, number, field=view.field, detail=view.detail)
                reported.add(number)
    return reported


def _unknown(link: Link, listed: _Views) -> _Views:
    """Return the orders that have, at Whistl, a number which the ledger does not know as sent."""
    unknown: _Views = {}
    with link.ledger.reading() as tx:
        for number, views in listed.items():
            if any(_is_unknown(tx, view.order_number) for view in views):
                unknown[number] = views
    return unknown


def _is_unknown(tx: Transaction, whistl_number: str) -> bool:
    row = orders.find_by_whistl_number(tx, whistl_number)
    if row is None:
        return True
    is_unsent = row.submitted_at is None and row.state in {*UNSENT, OrderState.CANCELLED}
    return row.whistl_number == whistl_number and is_unsent


def _in_centra(link: Link, wanted: _Views) -> Iterable[tuple[int, Order | UnreadableOrder | None]]:
    """Read orders from Centra by their numbers: the open ones together, the others one by one."""
    if not wanted:
        return
    stamps = link.centra.all_open_order_stamps(link.now()).open
    ids = [stamp.centra_id for stamp in stamps if stamp.number in wanted]
    shown = {str(record.number): record for record in link.centra.orders_with_ids(ids)}
    for number in wanted:
        yield number, shown.get(str(number)) or link.centra.order_numbered(number)


def _close_if_over(link: Link) -> None:
    """Note that the gap is accounted for, once nothing on its way may have been sent in it."""
    with link.ledger.reading() as tx:
        row = generations.unaccounted(tx)
        if row is None or row.sweep_due_at is not None or not generations.is_sweep_due(tx):
            return
    with link.ledger.transaction() as tx:
        generations.note_accounted_for(tx)
        exceptions.resolve_kind(tx, ExceptionKind.LEDGER_GAP, except_subjects=())
        # Of an order that turned out not to be ours, or that Whistl lists no longer.
        for number in unreadable.subjects(tx, Source.WHISTL, tried_since=row.began_at):
            if number != NAMELESS and orders.find_by_number(tx, int(number)) is None:
                unreadable.resolve(tx, Source.WHISTL, number)


def _is_reported(link: Link, generation: GenerationRow) -> bool:
    with link.ledger.reading() as tx:
        return str(generation.id) in exceptions.open_subjects(tx, ExceptionKind.LEDGER_GAP)


def _report(link: Link, generation: GenerationRow) -> None:
    """Report that orders wait, and why: nobody may have meant to cause a gap."""
    if _is_reported(link, generation):
        return
    why = IN_WORDS[generation.reason]
    if generation.reason is Beginning.NEW:
        why = "the ledger was empty, and Whistl already had orders of this shop"
    problem = Problem(
        kind=ExceptionKind.LEDGER_GAP,
        subject_type=SubjectType.CONNECTION,
        subject=str(generation.id),
        field="ledger",
        value=generation.reason.value,
        message=(
            f"The ledger may not know everything that was sent: {why} "
            f"({generation.began_at.astimezone(LONDON):%d %b %H:%M}, London time). Orders placed "
            "before that are looked up at Whistl before they are sent."
        ),
    )
    with link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [problem])
