"""Find the orders that Whistl has and that the ledger, after a gap, does not know as sent.

The list of what changed at Whistl since the ledger's last known point names them, those that are
locked in Centra and no longer listed there as well. Absence proves something only after Whistl's
lag, so the list is read again then. What an order of which nothing is known may still do is decided
by its look-up. Does not belong here: that look-up (`workflows.orders.claims`, `.look_up`), and when
there is a gap (`domain.generations`, `workflows.continuity`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.generations import IN_WORDS, Beginning
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.identity import is_of_same_sale, is_same_order
from centra_whistl_dagster.domain.orders.order import ARCHIVED, SHIPPED, Order, content_hash
from centra_whistl_dagster.domain.orders.states import UNSENT, OrderState
from centra_whistl_dagster.domain.orders.whistl_statuses import STOPPED, UNENDED
from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally
from centra_whistl_dagster.ledger import exceptions, generations, orders, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import GenerationRow, OrderRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import Refused
from centra_whistl_dagster.whistl.client import UnreadableOrderView, WhistlOrderView
from centra_whistl_dagster.whistl.mapping import identity_in_centra
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.lag import LOOKED_UP_EVERY, look_up_lag
from centra_whistl_dagster.workflows.orders.readings import apply_reading
from centra_whistl_dagster.workflows.orders.replacement import next_number, send_again
from centra_whistl_dagster.workflows.orders.statuses import apply_view
from centra_whistl_dagster.workflows.orders.submission import accept

_BEFORE_THE_GAP = timedelta(minutes=10)
"""Read from so long before the last known point: Whistl's clock is not ours."""
_LISTED = 20_000
"""Orders read from Whistl's list in one round."""
_TOGETHER = 100
"""Orders taken over from Centra in one round; the others follow in the next."""
_NOT_OURS = Skipped("not one of ours")
_REASON = "Whistl has it; the ledger did not know, after a gap"

_Views = dict[int, list[WhistlOrderView]]
"""By Centra's order number, under whichever numbers Whistl has it, the first number first."""


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
    _report(link, generation)
    if not is_due:
        return Tally()
    tally = Tally()
    if generation.sweep_due_at is not None:
        tally = _sweep(link, generation)
    _close_if_over(link)
    return tally


def _sweep(link: Link, generation: GenerationRow) -> Tally:
    began = link.now()
    if generation.reason is Beginning.NEW and _was_never_used(link):
        # Whistl has never had an order of ours: nothing was sent before this ledger.
        with link.ledger.transaction() as tx:
            generations.note_accounted_for(tx)
        return Tally()
    unknown = _unknown(link, _listed(link, generation))
    tally = Tally(read=len(unknown))
    taken = dict(islice(unknown.items(), _TOGETHER))
    tally.add(Skipped("left for the next round"), len(unknown) - len(taken))
    for number, order in _in_centra(link, taken):
        tally.add(_take_over(link, order, taken[number]) if order else _NOT_OURS)
    with link.ledger.transaction() as tx:
        proves_at = generations.gap_of(generation).absence_proves(look_up_lag(tx, link))
        is_over = began >= proves_at and len(unknown) == len(taken)
        again_at = min(proves_at, tx.now + LOOKED_UP_EVERY)
        due_at = None if is_over else max(again_at, tx.now)
        generations.note_swept(tx, due_at=due_at)
    return tally


def _listed(link: Link, generation: GenerationRow) -> _Views:
    """Return what Whistl shows under numbers of ours and has changed since the last known point."""
    since = generation.last_known_at
    if since is not None:
        views = link.whistl.orders_updated_since(since - _BEFORE_THE_GAP)
        return _by_number(link, islice(views, _LISTED))
    try:
        return _by_number(link, islice(link.whistl.orders_in_statuses(UNENDED), _LISTED))
    except Refused:
        return _by_number(link, islice(link.whistl.orders_updated_since(None), _LISTED))


def _was_never_used(link: Link) -> bool:
    """Say whether Whistl has never had an order of ours; one that cannot be read may be one."""
    views = list(islice(link.whistl.orders_updated_since(None), _LISTED))
    ours = _pattern(link)
    is_any = any(not view.order_number or ours.fullmatch(view.order_number) for view in views)
    return not is_any and len(views) < _LISTED


def _pattern(link: Link) -> re.Pattern[str]:
    return re.compile(re.escape(link.settings.order_number_prefix) + r"(\d+)(?:-(\d+))?")


def _by_number(link: Link, views: Iterable[WhistlOrderView | UnreadableOrderView]) -> _Views:
    ours = _pattern(link)
    found: dict[int, dict[int, WhistlOrderView]] = {}
    for view in views:
        match = ours.fullmatch(view.order_number)
        if match and isinstance(view, WhistlOrderView):
            found.setdefault(int(match[1]), {})[int(match[2] or 1)] = view
    return {number: [of[n] for n in sorted(of)] for number, of in found.items()}


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


def _in_centra(link: Link, wanted: _Views) -> Iterable[tuple[int, Order | None]]:
    """Read orders from Centra by their numbers: the open ones together, the others one by one."""
    if not wanted:
        return
    stamps = link.centra.all_open_order_stamps(link.now())
    ids = [stamp.centra_id for stamp in stamps if stamp.number in wanted]
    shown: Mapping[str, object] = {str(r.number): r for r in link.centra.orders_with_ids(ids)}
    for number in wanted:
        record = shown.get(str(number)) or link.centra.order_numbered(number)
        yield number, record if isinstance(record, Order) else None


def _take_over(link: Link, order: Order, views: list[WhistlOrderView]) -> Fate:
    """Take over one order as Whistl has it, number after number."""
    if any(not _is_of_this_sale(view, order) for view in views):
        # Whether it is ours all the same is for its own look-up, which compares the contents.
        return _NOT_OURS
    with link.ledger.transaction() as tx:
        for view in views:
            row = orders.find(tx, order.centra_id) or _added(tx, order, views[0].order_number)
            if row.whistl_number != view.order_number:
                if not _may_be_renumbered(tx, row, view):
                    continue
                send_again(tx, row, OrderState.RECEIVED, ended_at=row.state_since)
            _accept(tx, order, view)
        if order.status not in {SHIPPED, ARCHIVED}:
            apply_reading(tx, link, order)
        after = orders.find(tx, order.centra_id)
    is_known = after is not None and after.whistl_number == views[-1].order_number
    return Fate.WRITTEN if is_known else Failed("an earlier number goes on at Whistl")


def _is_of_this_sale(view: WhistlOrderView, order: Order) -> bool:
    ours = identity_in_centra(order)
    return is_of_same_sale(ours, view.identity) or is_same_order(ours, view.identity)


def _added(tx: Transaction, order: Order, whistl_number: str) -> OrderRow:
    orders.add(tx, order, whistl_number=whistl_number, state=OrderState.RECEIVED, reason=_REASON)
    row = orders.find(tx, order.centra_id)
    if row is None:
        raise LookupError(f"order {order.number} vanished from the ledger")
    return row


def _may_be_renumbered(tx: Transaction, row: OrderRow, view: WhistlOrderView) -> bool:
    is_ended = row.whistl_status in STOPPED and row.state in {
        OrderState.BLOCKED,
        OrderState.CANCELLED,
    }
    return is_ended and next_number(tx, row) == view.order_number


def _accept(tx: Transaction, order: Order, view: WhistlOrderView) -> None:
    """Note that Whistl has the order under its present number, as if that had been found there."""
    row = orders.find(tx, order.centra_id)
    if row is None:
        raise LookupError(f"order {order.number} vanished from the ledger")
    if row.submitted_at is None and row.state in {*UNSENT, OrderState.CANCELLED}:
        intent = submissions.open_intent(
            tx,
            centra_id=row.centra_id,
            whistl_number=row.whistl_number,
            payload_hash=view.payload_hash or "",
        )
        submissions.settle(tx, intent, SubmissionOutcome.FOUND, detail=view.status)
        orders.refresh(tx, order)
        accept(tx, row, view)
        is_same = is_same_order(identity_in_centra(order), view.identity)
        orders.update(
            tx,
            [row.centra_id],
            sent_hash=content_hash(order) if is_same else view.payload_hash or "not known",
            locked_at=tx.now if order.is_locked else None,
        )
    apply_view(tx, order.centra_id, view)


def _close_if_over(link: Link) -> None:
    """Note that the gap is accounted for, once nothing on its way may have been sent in it."""
    with link.ledger.reading() as tx:
        row = generations.unaccounted(tx)
        if row is None or row.sweep_due_at is not None or not generations.is_sweep_due(tx):
            return
    with link.ledger.transaction() as tx:
        generations.note_accounted_for(tx)
        exceptions.resolve_kind(tx, ExceptionKind.LEDGER_GAP, except_subjects=())


def _report(link: Link, generation: GenerationRow) -> None:
    """Let the data team know that orders wait, and why: nobody may have meant to cause a gap."""
    kind = ExceptionKind.LEDGER_GAP
    with link.ledger.reading() as tx:
        is_reported = str(generation.id) in exceptions.open_subjects(tx, kind)
    if is_reported or generation.reason is Beginning.NEW:
        return
    problem = Problem(
        kind=kind,
        subject_type=SubjectType.CONNECTION,
        subject=str(generation.id),
        field="ledger",
        value=generation.reason.value,
        message=(
            f"The ledger may not know everything that was sent: {IN_WORDS[generation.reason]} "
            f"({generation.began_at.astimezone(LONDON):%d %b %H:%M}, London time). Orders placed "
            "before that are looked up at Whistl before they are sent."
        ),
    )
    with link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [problem])
