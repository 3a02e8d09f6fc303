"""The states and outcomes that the ledger's rows can have, besides those of an order (`domain`)."""

from __future__ import annotations

from enum import StrEnum


class SubmissionOutcome(StrEnum):
    """What came of an intent to create an order at Whistl."""

    ACCEPTED = "accepted"  # Whistl has the order
    REFUSED = "refused"  # Whistl answered that it will not take it as it is
    NOT_SENT = "not_sent"  # the request provably never reached Whistl
    UNKNOWN = "unknown"  # the answer was lost; a look-up must tell
    LOOKED_UP_FIRST = "looked_up_first"  # no call was made: after a gap, a look-up must tell
    FOUND = "found"  # the look-up found the order there: it had been accepted
    ABSENT = "absent"  # the look-up, after the lag, did not find it: it had not been accepted
    CONFLICT = "conflict"  # the number is taken by another order


class MessageState(StrEnum):
    """What became of a message of a feed."""

    UNREADABLE = "unreadable"  # kept, parsed again and read again from the sender
    READ = "read"  # its contents wait to be applied
    SETTLED = "settled"  # applied, replaced by newer contents, or not about an order of ours


class DespatchState(StrEnum):
    """Where a despatch message stands."""

    RECEIVED = "received"  # stored, not applied yet
    APPLIED = "applied"  # its parcels are in the outbox
    UNMATCHED = "unmatched"  # about an order we do not know yet; tried again once we do
    NOT_OURS = "not_ours"  # about an order of another channel: its number is none of ours
    SUPERSEDED = "superseded"  # a newer version was applied, or its order has a newer number

    @classmethod
    def _missing_(cls, value: object) -> DespatchState | None:
        # Earlier releases kept messages about a former number of an order under a state of its own.
        return cls.SUPERSEDED if value == "held" else None


class ParcelState(StrEnum):
    """Where a parcel stands on its way into Centra."""

    OPEN = "open"  # to be written
    SENDING = "sending"  # an intent is written; the call may be under way
    IN_DOUBT = "in_doubt"  # the answer was lost: Centra is asked before anything is written again
    COMPLETED = "completed"  # Centra has it as a shipped shipment
    HELD = "held"  # Centra refused, and is asked again later; or it cannot be right
    ENDED = "ended"  # Centra wants none of it: an exception says what a person must do


FINISHED_PARCELS = frozenset({ParcelState.COMPLETED, ParcelState.ENDED})
"""Nothing more is written to Centra for them."""


class Verdict(StrEnum):
    """What was decided about a stock snapshot."""

    ACCEPTED = "accepted"  # may be reconciled and published
    REFUSED = "refused"  # kept in quarantine with its reason; never reaches Centra by itself


class WriteOutcome(StrEnum):
    """What came of writing one stock quantity to Centra."""

    WRITTEN = "written"  # Centra has it, as read back
    REFUSED = "refused"  # Centra answered that it will not take it
    NOT_TAKEN = "not_taken"  # Centra said yes and shows another figure
    NOT_SENT = "not_sent"  # the request provably never reached Centra
    UNKNOWN = "unknown"  # the answer was lost; the next sync reads and compares


class DeskAction(StrEnum):
    """What a person did at the desk."""

    TAKE = "take"  # works on an exception
    GIVE_BACK = "give_back"  # works on it no more
    NOTE = "note"
    SNOOZE = "snooze"  # out of sight for some time
    WAKE = "wake"  # in sight again
    RECHECK = "recheck"  # its orders are screened, or looked up, in the next round
    CLOSE = "close"  # only a person can know that it is over
    ASK_RELEASE = "ask_release"  # of a refused feed, which a second person confirms
    WITHDRAW_RELEASE = "withdraw_release"
    RELEASE = "release"


class DeskSubject(StrEnum):
    """What an action at the desk is about."""

    EXCEPTION = "exception"
    SNAPSHOT = "snapshot"
