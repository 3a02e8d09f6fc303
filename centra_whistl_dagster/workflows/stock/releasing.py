"""Release a refused stock feed at the desk: with a reason, and by two people where much changes.

Does not belong here: what releasing means for later feeds (`workflows.stock.quarantine`).
"""

from __future__ import annotations

from dataclasses import dataclass

from centra_whistl_dagster.domain.desk_roles import Person
from centra_whistl_dagster.domain.exceptions.problems import SubjectType
from centra_whistl_dagster.domain.stock.refusal_words import in_words
from centra_whistl_dagster.ledger import desk_actions, exceptions, release_requests
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import DeskActionRow, ReleaseRequestRow
from centra_whistl_dagster.ledger.states import DeskAction, DeskSubject
from centra_whistl_dagster.workflows.exceptions.working import CannotAct, checked_note
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.stock import quarantine
from centra_whistl_dagster.workflows.stock.quarantine import (
    NotInQuarantine,
    Quarantined,
    WouldDo,
)
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile
from centra_whistl_dagster.workflows.stock.snapshot_exceptions import LATEST
from centra_whistl_dagster.workflows.stock.snapshots import reasons_in


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFeed:
    """One refused feed, and who has asked for its release."""

    feed: Quarantined
    why: str
    """Why it was refused, as precisely as is known."""
    request: ReleaseRequestRow | None
    actions: tuple[DeskActionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPreview:
    """What releasing a feed would change in Centra, and whether one person may release it."""

    would: WouldDo | None
    """None where it cannot be worked out; `problem` then says why."""
    problem: str
    units: int
    limit: int

    @property
    def takes_two(self) -> bool:
        """Whether a second person has to confirm the release. Unknown changes take two."""
        return self.would is None or self.units > self.limit

    @property
    def shown(self) -> str:
        """What a form sends back, so that nobody releases something other than they saw."""
        return "unknown" if self.would is None else str(self.units)


def refused_feeds(installation: Installation) -> list[RefusedFeed]:
    """Return the refused feeds that are still kept, newest first."""
    feeds = quarantine.quarantined(installation)
    with installation.ledger.reading() as tx:
        done = desk_actions.about(tx, DeskSubject.SNAPSHOT, [each.snapshot_id for each in feeds])
        # The newest refused feed has an exception, with the figures.
        reported = {
            row.value: row.message
            for row in exceptions.open_about(tx, SubjectType.SNAPSHOT, LATEST)
        }
        return [
            RefusedFeed(
                feed=each,
                why=reported.get(each.snapshot_id)
                or f"Refused because {in_words(reasons_in(each.reason))}.",
                request=release_requests.find(tx, each.snapshot_id),
                actions=tuple(done.get(each.snapshot_id, ())),
            )
            for each in feeds
        ]


def preview_feed(installation: Installation, snapshot_id: str) -> FeedPreview:
    """Work out what releasing a feed would change; nothing is written."""
    limit = installation.configuration.stock.guard.second_person_units
    try:
        would = quarantine.what_it_would_do(installation, snapshot_id)
    except (NotInQuarantine, NothingToReconcile) as error:
        return FeedPreview(would=None, problem=f"{error}", units=0, limit=limit)
    units = would.preview.units_added + would.preview.units_removed
    return FeedPreview(would=would, problem="", units=units, limit=limit)


def ask_for_release(
    installation: Installation, snapshot_id: str, person: Person, reason: str, *, shown: str
) -> str:
    """Release a feed, or ask a second person to where it changes much; return what followed.

    Args:
        installation: the ledger and the readings.
        snapshot_id: of the feed.
        person: who asks.
        reason: why the feed is right.
        shown: `FeedPreview.shown` of the preview that the person saw.

    Raises:
        CannotAct: the person's role or the reason does not do, it was asked for already, the feed
            cannot be used, or releasing it would now change something else than was shown.
    """
    _refuse_without_role(person)
    kept = checked_note(reason)
    seen = preview_feed(installation, snapshot_id)
    with installation.ledger.transaction() as tx:
        if release_requests.find(tx, snapshot_id) is not None:
            raise CannotAct("Its release was asked for already: a second person confirms it.")
        _refuse_more_than_shown(seen, shown)
        if not seen.takes_two:
            return _release(tx, installation, snapshot_id, person, kept)
        _must_be_usable(tx, installation, snapshot_id)
        release_requests.ask(tx, snapshot_id, who=person.name, reason=kept)
        result = "A second person has to confirm the release."
        _record(tx, person, DeskAction.ASK_RELEASE, snapshot_id, note=kept, result=result)
        return result


def confirm_release(
    installation: Installation, snapshot_id: str, person: Person, *, shown: str
) -> str:
    """Release a feed whose release somebody else has asked for.

    Args:
        installation: the ledger and the readings.
        snapshot_id: of the feed.
        person: who confirms.
        shown: `FeedPreview.shown` of the preview that the person saw.

    Raises:
        CannotAct: nobody has asked, or this person has; the feed cannot be used; or releasing it
            would now change something else than was shown.
    """
    _refuse_without_role(person)
    seen = preview_feed(installation, snapshot_id)
    with installation.ledger.transaction() as tx:
        request = _request(tx, snapshot_id)
        if request.asked_by == person.name:
            raise CannotAct("You asked for it yourself: another person has to confirm it.")
        _refuse_more_than_shown(seen, shown)
        note = f"asked for by {request.asked_by}: {request.reason}"
        return _release(tx, installation, snapshot_id, person, note)


def withdraw_release(installation: Installation, snapshot_id: str, person: Person) -> str:
    """Take a request back, or turn it down.

    Raises:
        CannotAct: nobody has asked.
    """
    _refuse_without_role(person)
    with installation.ledger.transaction() as tx:
        _request(tx, snapshot_id)
        release_requests.end(tx, snapshot_id)
        result = "The release is not asked for any more."
        _record(tx, person, DeskAction.WITHDRAW_RELEASE, snapshot_id, note="", result=result)
        return result


def _refuse_without_role(person: Person) -> None:
    if not person.role.may_release:
        raise CannotAct("Your role does not release stock feeds: DESK_ROLES must say releaser.")


def _refuse_more_than_shown(seen: FeedPreview, shown: str) -> None:
    if shown != seen.shown:
        raise CannotAct("What the release would change has changed: load the page again.")


def _request(tx: Transaction, snapshot_id: str) -> ReleaseRequestRow:
    request = release_requests.find(tx, snapshot_id)
    if request is None:
        raise CannotAct("Nobody has asked for its release.")
    return request


def _must_be_usable(tx: Transaction, installation: Installation, snapshot_id: str) -> None:
    try:
        quarantine.usable(tx, installation, snapshot_id)
    except NotInQuarantine as error:
        raise CannotAct(str(error)) from error


def _release(
    tx: Transaction, installation: Installation, snapshot_id: str, person: Person, note: str
) -> str:
    try:
        quarantine.release_in(tx, installation, snapshot_id)
    except NotInQuarantine as error:
        raise CannotAct(str(error)) from error
    result = "Released: the next stock sync uses it, unless there is a newer valid feed by then."
    _record(tx, person, DeskAction.RELEASE, snapshot_id, note=note, result=result)
    return result


def _record(
    tx: Transaction,
    person: Person,
    action: DeskAction,
    snapshot_id: str,
    *,
    note: str,
    result: str,
) -> None:
    desk_actions.record(
        tx, person, action, DeskSubject.SNAPSHOT, snapshot_id, note=note, result=result
    )
