"""How long Whistl may take to show an order that it has accepted, and how long it has taken.

Until then the absence of an order proves nothing. What is stated in the settings counts; what is
seen may only lengthen it. One accepted order at a time is looked up, until it shows, every ten
minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from centra_whistl_dagster.ledger import state, submissions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import SubmissionRow
from centra_whistl_dagster.ledger.states import SubmissionOutcome
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.link import Link

FIRST_LOOK_UP = timedelta(seconds=30)
"""After a lost answer, if the lag is longer."""
LOOKED_UP_EVERY = timedelta(minutes=2)
"""Until the lag has passed."""
_SAMPLED_EVERY = timedelta(minutes=10)
_SAMPLED_FOR = timedelta(hours=1)
_SPREAD = timedelta(minutes=1)
"""Added to a lag that was only seen to be longer than so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The accepted order by which the lag is measured now."""

    whistl_number: str
    accepted_at: datetime
    absent_at: datetime | None = None
    """When it was looked up last and was not shown."""
    is_shown: bool = False


_ADAPTER = TypeAdapter(Sample)


def look_up_lag(tx: Transaction, link: Link) -> timedelta:
    """Return the time after which an order that Whistl does not show was not accepted."""
    return max(link.settings.look_up_lag, submissions.longest_lag(tx))


def note_shown_late(tx: Transaction, attempts: list[SubmissionRow]) -> None:
    """Learn from an order that Whistl turns out to have had: its last look-up came too early."""
    absent = [one for one in attempts if one.outcome is SubmissionOutcome.ABSENT and one.settled_at]
    if absent and absent[-1].settled_at is not None:
        submissions.note_lag(tx, _at_most(absent[-1].settled_at - absent[-1].intent_at))


def sample_lag(link: Link) -> None:
    """Look up the sampled order once more, or sample another one when that is due."""
    with link.ledger.reading() as tx:
        sample = _sample_due(tx)
    if sample is None:
        return
    try:
        is_shown = link.whistl.find_order(sample.whistl_number) is not None
    except IntegrationError:
        return  # the next round asks again; nothing depends on this one
    with link.ledger.transaction() as tx:
        if is_shown and sample.absent_at is not None:
            least = sample.absent_at - sample.accepted_at
            submissions.note_lag(tx, min(tx.now - sample.accepted_at, _at_most(least)))
        after = Sample(
            whistl_number=sample.whistl_number,
            accepted_at=sample.accepted_at,
            absent_at=sample.absent_at if is_shown else tx.now,
            is_shown=is_shown,
        )
        state.set_to(tx, state.LAG_SAMPLE, _ADAPTER.dump_json(after).decode())


def _sample_due(tx: Transaction) -> Sample | None:
    kept = state.read(tx, state.LAG_SAMPLE)
    sample = _ADAPTER.validate_json(kept) if kept else None
    if sample is not None:
        age = tx.now - sample.accepted_at
        if not sample.is_shown and age <= _SAMPLED_FOR:
            return sample
        if age < _SAMPLED_EVERY:
            return None
    newest = submissions.newest_accepted(tx)
    if newest is None or newest.settled_at is None or tx.now - newest.settled_at > _SPREAD:
        return None
    return Sample(whistl_number=newest.whistl_number, accepted_at=newest.settled_at)


def _at_most(at_least: timedelta) -> timedelta:
    """Return what is taken for the lag when it is known only to be longer than so much."""
    return 2 * at_least + _SPREAD
