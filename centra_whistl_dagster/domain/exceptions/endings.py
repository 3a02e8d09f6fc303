"""How each kind of exception ends: by which fact, or by which person's act.

The alerts, the handbook and `centra-whistl exceptions close` read this one table. A kind without
an entry fails a test. Does not belong here: who owns a kind and what to do (`responsibilities`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from centra_whistl_dagster.domain.exceptions.problems import ADVICE, ExceptionKind


class Ending(StrEnum):
    """What happens after the cause was corrected."""

    SENDS_AND_CLOSES = "sends_and_closes"  # the orders that waited go to Whistl
    CLOSES = "closes"  # nothing had to be sent, or it goes on being tried
    NEEDS_A_PERSON = "needs_a_person"  # the link does nothing more about it
    NOTHING_WAITS = "nothing_waits"  # advice on an order that was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a kind of exception ends."""

    ending: Ending
    when: str
    """Completes "it closes when …"."""
    may_be_closed_by_hand: bool = True
    """False where something waits as long as the cause lasts, and the cause is checked again and
    again: to close it would hide what is still so."""


def _automatic(when: str, *, by_hand: bool) -> End:
    return End(ending=Ending.CLOSES, when=when, may_be_closed_by_hand=by_hand)


def _person(also: str = "") -> End:
    when = "its owner has acted and closes it, at the desk or with `centra-whistl exceptions close`"
    return End(ending=Ending.NEEDS_A_PERSON, when=f"{also}; or when {when}" if also else when)


_BEFORE_SENDING = End(
    ending=Ending.SENDS_AND_CLOSES,
    when="the corrected order is screened again without this fault, or the order is cancelled",
    may_be_closed_by_hand=False,
)
_SHARED = End(
    ending=Ending.SENDS_AND_CLOSES,
    when=(
        "every order that waits for it has been screened again without this fault, or is cancelled"
    ),
    may_be_closed_by_hand=False,
)
_ADVICE = End(
    ending=Ending.NOTHING_WAITS,
    when=(
        "its time limit has passed after its owner was alerted; sooner when the order is corrected "
        "before it is sent, or cancelled"
    ),
)

UNREAD_ADVICE_LASTS = timedelta(days=7)
"""After its time limit, advice that nobody was alerted to, since no address is set, ends too."""

FOUND_BY_SCREENING = (
    ExceptionKind.ORDER_NUMBER_INVALID,
    ExceptionKind.ORDER_WITHOUT_LINES,
    ExceptionKind.TOO_MANY_LINES,
    ExceptionKind.QUANTITY_INVALID,
    ExceptionKind.LINE_VALUE_INVALID,
    ExceptionKind.ORDER_TOTAL_INVALID,
    ExceptionKind.CURRENCY_INVALID,
    ExceptionKind.ADDRESS_MISSING,
    ExceptionKind.ADDRESS_INCOMPLETE,
    ExceptionKind.ADDRESS_TOO_LONG,
    ExceptionKind.UNSUPPORTED_CHARACTER,
    ExceptionKind.POSTCODE_MALFORMED,
    ExceptionKind.COUNTRY_INVALID,
    ExceptionKind.PHONE_MISSING,
    ExceptionKind.PHONE_MALFORMED,
    ExceptionKind.EMAIL_MISSING,
    ExceptionKind.EMAIL_MALFORMED,
    ExceptionKind.ADDRESS_PLACEHOLDER,
    ExceptionKind.STATE_UNKNOWN,
    ExceptionKind.STATE_CONTRADICTS_POSTCODE,
    ExceptionKind.PHONE_NOT_MOBILE,
    ExceptionKind.SKU_MISSING,
    ExceptionKind.SKU_MALFORMED,
    ExceptionKind.SKU_NOT_A_PRODUCT,
    ExceptionKind.SKU_UNKNOWN,
    ExceptionKind.SKU_INACTIVE,
    ExceptionKind.SKU_COLLISION,
    ExceptionKind.SHIPPING_OPTION_MISSING,
    ExceptionKind.SERVICE_UNMAPPED,
    ExceptionKind.SERVICE_AMBIGUOUS,
    ExceptionKind.SERVICE_UNKNOWN,
    ExceptionKind.SERVICE_INACTIVE,
    ExceptionKind.SERVICE_NOT_OFFERED,
    ExceptionKind.SERVICE_TOO_HEAVY,
    ExceptionKind.CUSTOMS_DATA_MISSING,
    ExceptionKind.CUSTOMS_DATA_MALFORMED,
    ExceptionKind.CUSTOMS_VALUE_MISSING,
)

_SHARED_BY_ORDERS = (
    ExceptionKind.SKU_MALFORMED,
    ExceptionKind.SKU_NOT_A_PRODUCT,
    ExceptionKind.SKU_UNKNOWN,
    ExceptionKind.SKU_INACTIVE,
    ExceptionKind.SKU_COLLISION,
    ExceptionKind.SERVICE_UNMAPPED,
    ExceptionKind.SERVICE_AMBIGUOUS,
    ExceptionKind.SERVICE_UNKNOWN,
    ExceptionKind.SERVICE_INACTIVE,
    ExceptionKind.SERVICE_NOT_OFFERED,
    ExceptionKind.CUSTOMS_DATA_MISSING,
    ExceptionKind.CUSTOMS_DATA_MALFORMED,
)
"""Of a SKU or a shipping option: all orders with it wait for one exception."""

ENDS: Mapping[ExceptionKind, End] = MappingProxyType(
    {
        **dict.fromkeys(FOUND_BY_SCREENING, _BEFORE_SENDING),
        **dict.fromkeys(_SHARED_BY_ORDERS, _SHARED),
        **dict.fromkeys(ADVICE, _ADVICE),
        # ---- not Whistl's alone to send
        ExceptionKind.PARTLY_SHIPPED_ALREADY: _person("the order is cancelled in Centra"),
        ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE: End(
            ending=Ending.SENDS_AND_CLOSES,
            when="one warehouse alone has the order in Centra, or the order is cancelled",
            may_be_closed_by_hand=False,
        ),
        # ---- between the two systems
        ExceptionKind.WHISTL_REFUSED: End(
            ending=Ending.SENDS_AND_CLOSES,
            when="Whistl accepts the order, or the order is cancelled",
            may_be_closed_by_hand=False,
        ),
        ExceptionKind.ORDER_NUMBER_CONFLICT: _person("the order at Whistl proves to be ours"),
        ExceptionKind.ORDER_IN_DOUBT: _automatic(
            "a look-up at Whistl shows the order, or the order was sent once more and accepted",
            by_hand=False,
        ),
        ExceptionKind.CANCELLED_AFTER_SENDING: _person("Whistl stops the order after all"),
        ExceptionKind.EDITED_AFTER_SENDING: _person("Centra shows the order as it was sent"),
        ExceptionKind.HELD_AFTER_SENDING: _person("Centra releases the order, or Whistl stops it"),
        ExceptionKind.STOPPED_ORDER_SENT: _person(),
        ExceptionKind.LOCK_REFUSED: _automatic(
            "Centra locks the order, or Whistl has sent or ended it", by_hand=False
        ),
        ExceptionKind.UNLOCK_REFUSED: _automatic("Centra unlocks the order", by_hand=True),
        ExceptionKind.REFERENCE_STALE: _automatic("the catalogues are read again", by_hand=False),
        ExceptionKind.HELD_AT_WHISTL: _automatic("Whistl shows another status", by_hand=True),
        ExceptionKind.REJECTED_LATE: _person("the order is cancelled in Centra"),
        ExceptionKind.CANCELLED_AT_WHISTL: _person("the order is cancelled in Centra"),
        ExceptionKind.SHORT_PICK: _automatic(
            "the units are cancelled in Centra, or Whistl sends them after all", by_hand=True
        ),
        ExceptionKind.DESPATCH_WITHOUT_CARRIER: _automatic(
            "Whistl sends the despatch again with its carrier and tracking number, or somebody has "
            "shipped its units in Centra",
            by_hand=False,
        ),
        ExceptionKind.DESPATCH_UNMATCHED: _automatic(
            "its order becomes known here, or Whistl corrects its number", by_hand=True
        ),
        ExceptionKind.DESPATCH_NOT_APPLIED: _automatic("the message is applied", by_hand=False),
        ExceptionKind.DESPATCH_DIFFERS: _person(
            "a correction of the message agrees with the order, or somebody has shipped its units "
            "in Centra"
        ),
        ExceptionKind.DESPATCH_MISSING: _automatic("the despatch message arrives", by_hand=True),
        ExceptionKind.CORRECTS_ANOTHER_ORDER: _person(
            "Whistl sends the message again and it refers to a despatch of its own order"
        ),
        ExceptionKind.TRACKING_CORRECTED: _person("a correction restores the number"),
        ExceptionKind.SHIPMENT_REFUSED: _automatic("Centra has the parcel", by_hand=False),
        ExceptionKind.SHIPMENT_UNANSWERED: _automatic("Centra has the parcel", by_hand=False),
        ExceptionKind.SHIPMENT_WARNING: _person(),
        ExceptionKind.SHIPMENT_DIFFERS: _automatic(
            "the open shipment is deleted in Centra, and Centra has the parcel", by_hand=False
        ),
        ExceptionKind.ALREADY_SHIPPED: _person(),
        ExceptionKind.PAYMENT_NOT_CAPTURED: _automatic(
            "the payment is captured, or the shipment is marked as paid", by_hand=False
        ),
        ExceptionKind.SHIPPED_UNPAID: _person(),
        ExceptionKind.STOCK_NOT_ALLOCATED: _automatic(
            "stock is allocated to the order in Centra", by_hand=False
        ),
        ExceptionKind.PARCEL_NOT_WANTED: _person(),
        ExceptionKind.UNKNOWN_WHISTL_STATUS: _automatic(
            "Whistl shows a known status", by_hand=True
        ),
        # A record that is never corrected, or never shown again, gives no fact that could end it.
        ExceptionKind.UNREADABLE_RECORD: _automatic("the record can be read", by_hand=True),
        ExceptionKind.CREDENTIALS_REFUSED: _automatic(
            "the token is replaced, or the permission is granted and `centra-whistl access "
            "--granted` is run; for a whole step, when that step succeeds",
            by_hand=False,
        ),
        ExceptionKind.SYSTEM_UNREACHABLE: _automatic(
            "every step that did not get an answer succeeds", by_hand=True
        ),
        ExceptionKind.LEDGER_GAP: _automatic(
            "nothing that waits can have been sent in the gap any more", by_hand=False
        ),
        ExceptionKind.PUSHES_SILENT: _automatic(
            "Centra has announced three new orders in a row, or CENTRA_WEBHOOK_SECRET is removed",
            by_hand=True,
        ),
        ExceptionKind.STEP_FAILING: _automatic("the same step succeeds", by_hand=True),
        # ---- stock
        ExceptionKind.STOCK_SNAPSHOT_REFUSED: _automatic(
            "a later feed is accepted, or this one is released", by_hand=False
        ),
        # Read again at once. That files vanish is for a person to look into.
        ExceptionKind.STOCK_ARCHIVE_LOST: _person(),
        ExceptionKind.OVERSOLD: _automatic(
            "a stock sync finds that the stock suffices", by_hand=False
        ),
        ExceptionKind.SKU_ABSENT_FROM_SNAPSHOT: _automatic(
            "the SKU is in the feed again", by_hand=True
        ),
        ExceptionKind.ABSENT_SKU_SELLS: _automatic(
            "the SKU is in the feed again, or no order waits for it", by_hand=False
        ),
        ExceptionKind.SKU_ON_SEVERAL_SIZES: _automatic(
            "one size alone has the SKU in Centra", by_hand=False
        ),
        ExceptionKind.STOCK_WRITE_REFUSED: _automatic(
            "Centra accepts the SKU's stock level, or does not need another", by_hand=False
        ),
        ExceptionKind.STOCK_WRITE_NOT_TAKEN: _automatic(
            "Centra shows the level that is wanted", by_hand=False
        ),
        ExceptionKind.NEGATIVE_AVAILABLE: _automatic(
            "a feed shows no more allocated than there is", by_hand=False
        ),
    }
)

FOUND_BEFORE_SENDING: frozenset[ExceptionKind] = frozenset(
    {
        *FOUND_BY_SCREENING,
        *ADVICE,
        ExceptionKind.PARTLY_SHIPPED_ALREADY,
        ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE,
    }
)
"""What judging an order decides: each verdict replaces the verdict before."""

OVER_ONCE_CANCELLED: frozenset[ExceptionKind] = frozenset(
    {
        *FOUND_BEFORE_SENDING,
        ExceptionKind.WHISTL_REFUSED,
        ExceptionKind.ORDER_NUMBER_CONFLICT,
        ExceptionKind.ORDER_IN_DOUBT,
        ExceptionKind.CANCELLED_AFTER_SENDING,
        ExceptionKind.EDITED_AFTER_SENDING,
        ExceptionKind.HELD_AFTER_SENDING,
        ExceptionKind.HELD_AT_WHISTL,
        ExceptionKind.REJECTED_LATE,
        ExceptionKind.CANCELLED_AT_WHISTL,
        ExceptionKind.SHORT_PICK,
        ExceptionKind.UNKNOWN_WHISTL_STATUS,
        ExceptionKind.STEP_FAILING,
    }
)
"""What is wrong with an order no longer once it has ended without Whistl.

That Whistl went on with a stopped number is not among them: its goods leave all the same. Nor is
what is true of its lock, of a parcel or of a record at Whistl.
"""

PROVED_OVER_BY_ACCEPTANCE: frozenset[ExceptionKind] = frozenset(
    {
        *FOUND_BY_SCREENING,
        ExceptionKind.PARTLY_SHIPPED_ALREADY,
        ExceptionKind.SHARED_WITH_ANOTHER_WAREHOUSE,
        ExceptionKind.WHISTL_REFUSED,
        ExceptionKind.ORDER_NUMBER_CONFLICT,
        ExceptionKind.ORDER_IN_DOUBT,
        ExceptionKind.REJECTED_LATE,
        ExceptionKind.CANCELLED_AT_WHISTL,
        ExceptionKind.STEP_FAILING,
    }
)
"""What cannot be wrong any more once Whistl has accepted an order: it was sent whole, and is there.

Advice is not among them: an e-mail address that was left out is as wrong after sending as before.
"""
