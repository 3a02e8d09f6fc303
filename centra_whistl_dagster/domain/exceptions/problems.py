"""What can be wrong with a record, as one value that screening, exceptions and alerts all share.

Who owns a kind and what to do about it is in `config/exceptions.toml` (`responsibilities`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SubjectType(StrEnum):
    """What an exception is about."""

    ORDER = "order"
    SKU = "sku"
    SHIPPING_OPTION = "shipping_option"
    DESPATCH = "despatch"
    SNAPSHOT = "snapshot"
    CONNECTION = "connection"
    STEP = "step"  # one asset's run, a sensor or a schedule


class ExceptionKind(StrEnum):
    """Every kind of problem that any part of this project can raise.

    A kind without a table in `config/exceptions.toml` is a fault when that file is read, so that no
    exception is ever raised without an owner.
    """

    # ---- the order as a whole
    ORDER_NUMBER_INVALID = (
        "order_number_invalid"  # too long for Whistl, or with characters it refuses
    )
    ORDER_WITHOUT_LINES = "order_without_lines"  # nothing left to pick
    TOO_MANY_LINES = "too_many_lines"  # more lines than Whistl takes in one order
    QUANTITY_INVALID = "quantity_invalid"  # not between 1 and Whistl's most
    LINE_VALUE_INVALID = "line_value_invalid"  # negative, or above Whistl's most
    ORDER_TOTAL_INVALID = "order_total_invalid"  # a negative or impossible amount
    CURRENCY_INVALID = "currency_invalid"  # not three capital letters

    # ---- delivery address and contact
    ADDRESS_MISSING = "address_missing"  # no delivery address at all
    ADDRESS_INCOMPLETE = "address_incomplete"  # a part that the destination needs is blank
    ADDRESS_PLACEHOLDER = "address_placeholder"  # `-`, `N/A`, `test` in a part that is needed
    ADDRESS_TOO_LONG = "address_too_long"  # Whistl would cut it, and cut house numbers off
    UNSUPPORTED_CHARACTER = "unsupported_character"  # the warehouse's systems cannot hold it
    POSTCODE_MALFORMED = "postcode_malformed"  # not valid in the destination's country
    COUNTRY_INVALID = "country_invalid"  # no such country code
    STATE_UNKNOWN = "state_unknown"  # no state or province of the destination country
    STATE_CONTRADICTS_POSTCODE = "state_contradicts_postcode"  # one of the two is wrong
    PHONE_MISSING = "phone_missing"  # the service needs one
    PHONE_MALFORMED = "phone_malformed"  # the service needs one, and this is not valid
    PHONE_NOT_MOBILE = "phone_not_mobile"  # the service needs a mobile, and this is none
    EMAIL_MISSING = "email_missing"  # the service needs one
    EMAIL_MALFORMED = "email_malformed"  # the service needs one, and this is not valid

    # ---- SKU
    SKU_MISSING = "sku_missing"  # Centra's line has no product size behind it
    SKU_MALFORMED = "sku_malformed"  # a character or a length that Whistl refuses
    SKU_NOT_A_PRODUCT = "sku_not_a_product"  # postage, a fee, a voucher: nothing to pick
    SKU_UNKNOWN = "sku_unknown"  # not in Whistl's catalogue
    SKU_INACTIVE = "sku_inactive"  # Whistl has it switched off
    SKU_COLLISION = "sku_collision"  # looks the same as another SKU on a pick list

    # ---- shipping service
    SHIPPING_OPTION_MISSING = "shipping_option_missing"  # the order names none
    SERVICE_UNMAPPED = "service_unmapped"  # no row of the mapping fits
    SERVICE_AMBIGUOUS = "service_ambiguous"  # several rows fit equally well, and disagree
    SERVICE_UNKNOWN = "service_unknown"  # mapped to a service that Whistl does not have
    SERVICE_INACTIVE = "service_inactive"  # mapped to a service that Whistl has switched off
    SERVICE_NOT_OFFERED = "service_not_offered"  # not to that destination
    SERVICE_TOO_HEAVY = "service_too_heavy"  # the order outweighs the service's limit

    # ---- customs
    CUSTOMS_DATA_MISSING = (
        "customs_data_missing"  # HS code, origin, weight or description is absent
    )
    CUSTOMS_DATA_MALFORMED = "customs_data_malformed"  # there, and invalid
    CUSTOMS_VALUE_MISSING = "customs_value_missing"  # a line worth nothing cannot be declared

    # ---- advice: the order goes, and somebody should look
    STATE_DOUBTFUL = "state_doubtful"  # not the postcode's, and the carrier goes by that
    PHONE_DOUBTFUL = "phone_doubtful"  # the right length, in no known number range
    PHONE_TOO_LONG = "phone_too_long"  # sent whole; Whistl's own tool cuts at 12
    PHONE_LEFT_OUT = "phone_left_out"  # unreadable, not needed, so not sent
    EMAIL_TOO_LONG = "email_too_long"  # sent whole; Whistl's own tool cuts at 35
    EMAIL_LEFT_OUT = "email_left_out"  # unreadable, not needed, so not sent
    ADDRESS_LINE_LONG = "address_line_long"  # fits Whistl, not every carrier behind it
    WEIGHT_UNKNOWN = "weight_unknown"  # so the service's weight limit could not be checked

    # ---- not Whistl's alone to send
    PARTLY_SHIPPED_ALREADY = (
        "partly_shipped_already"  # sending the whole order would ship goods twice
    )
    SHARED_WITH_ANOTHER_WAREHOUSE = "shared_with_another_warehouse"  # which ships a part of it

    # ---- between the two systems, once an order is on its way
    WHISTL_REFUSED = "whistl_refused"  # cleared by our screening, refused by Whistl's
    ORDER_NUMBER_CONFLICT = "order_number_conflict"  # Whistl holds another order of that number
    ORDER_IN_DOUBT = "order_in_doubt"  # the answer was lost and the look-up cannot settle it
    CANCELLED_AFTER_SENDING = "cancelled_after_sending"  # and Whistl could not stop it
    EDITED_AFTER_SENDING = "edited_after_sending"  # Whistl packs the old version
    HELD_AFTER_SENDING = "held_after_sending"  # on hold, unpaid or moved, and Whistl goes on
    STOPPED_ORDER_SENT = "stopped_order_sent"  # Whistl goes on with a number it had stopped
    LOCK_REFUSED = "lock_refused"  # Centra lets an order be edited that Whistl has
    UNLOCK_REFUSED = "unlock_refused"  # Centra keeps an order locked that Whistl has ended
    HELD_AT_WHISTL = "held_at_whistl"  # waits at the warehouse for somebody to release it
    REJECTED_LATE = "rejected_late"  # accepted first, refused later
    CANCELLED_AT_WHISTL = "cancelled_at_whistl"  # by Whistl, and not in Centra
    SHORT_PICK = "short_pick"  # units the warehouse could not find
    DESPATCH_WITHOUT_CARRIER = "despatch_without_carrier"  # or without a tracking number
    DESPATCH_UNMATCHED = "despatch_unmatched"  # of an unknown order or line
    DESPATCH_NOT_APPLIED = "despatch_not_applied"  # our code fails on the message
    DESPATCH_DIFFERS = "despatch_differs"  # other goods or units than were ordered
    DESPATCH_MISSING = "despatch_missing"  # Whistl shows units as sent, and no message came
    CORRECTS_ANOTHER_ORDER = (
        "corrects_another_order"  # a despatch that refers to one about another order
    )
    TRACKING_CORRECTED = "tracking_corrected"  # after Centra sent the old one to the customer
    SHIPMENT_REFUSED = "shipment_refused"  # Centra refuses the shipment
    SHIPMENT_UNANSWERED = "shipment_unanswered"  # Centra keeps failing when it is sent one
    SHIPMENT_WARNING = "shipment_warning"  # Centra took the shipment, and warned about it
    SHIPMENT_DIFFERS = "shipment_differs"  # an open one in Centra is not what left the warehouse
    ALREADY_SHIPPED = "already_shipped"  # in Centra, by somebody else and under another label
    PAYMENT_NOT_CAPTURED = "payment_not_captured"  # of a parcel that has left
    SHIPPED_UNPAID = "shipped_unpaid"  # completed in Centra by somebody, without a payment
    STOCK_NOT_ALLOCATED = "stock_not_allocated"  # in Centra, behind units that have left
    PARCEL_NOT_WANTED = "parcel_not_wanted"  # cancelled in Centra, and gone all the same
    UNKNOWN_WHISTL_STATUS = "unknown_whistl_status"  # not in Whistl's documentation
    UNREADABLE_RECORD = "unreadable_record"  # not as documented; skipped, the rest goes on
    CREDENTIALS_REFUSED = "credentials_refused"  # expired, withdrawn or mistyped
    SYSTEM_UNREACHABLE = "system_unreachable"  # Centra or Whistl does not answer
    PUSHES_SILENT = "pushes_silent"  # Centra announces new orders no longer; polling finds them
    REFERENCE_STALE = "reference_stale"  # the catalogues are too old to screen orders against
    LEDGER_GAP = "ledger_gap"  # the ledger may not know all that was sent: orders are looked up
    STEP_FAILING = "step_failing"  # an asset's run, a sensor or a schedule fails each time

    # ---- stock
    STOCK_SNAPSHOT_REFUSED = "stock_snapshot_refused"  # too old, incomplete or implausible
    STOCK_ARCHIVE_LOST = "stock_archive_lost"  # a file that syncs need is gone
    OVERSOLD = "oversold"  # more sold than exists
    SKU_ABSENT_FROM_SNAPSHOT = "sku_absent_from_snapshot"  # absent is not zero
    ABSENT_SKU_SELLS = "absent_sku_sells"  # Centra sells what Whistl's feed does not list
    SKU_ON_SEVERAL_SIZES = "sku_on_several_sizes"  # active sizes in Centra that share a SKU
    STOCK_WRITE_REFUSED = "stock_write_refused"  # by Centra
    STOCK_WRITE_NOT_TAKEN = "stock_write_not_taken"  # Centra reads back another number
    NEGATIVE_AVAILABLE = "negative_available"  # Whistl has promised more than it holds


ADVICE = frozenset(
    {
        ExceptionKind.STATE_DOUBTFUL,
        ExceptionKind.PHONE_DOUBTFUL,
        ExceptionKind.PHONE_TOO_LONG,
        ExceptionKind.PHONE_LEFT_OUT,
        ExceptionKind.EMAIL_TOO_LONG,
        ExceptionKind.EMAIL_LEFT_OUT,
        ExceptionKind.ADDRESS_LINE_LONG,
        ExceptionKind.WEIGHT_UNKNOWN,
    }
)
"""Kinds of screening that never block an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with one field of one subject.

    `value` is already masked when it is personal, so a problem may be stored, shown and mailed as
    it is.
    """

    kind: ExceptionKind
    subject_type: SubjectType
    subject: str
    """Centra's order number, the SKU, option, despatch id or snapshot id, as text."""
    field: str
    value: str
    message: str
    """One plain sentence for the person who fixes it."""
    contents: str = ""
    """What opens the exception again after a person closed it, if it changes; value and message
    where blank. Named where those two change with the clock, or leave out what changed. While it is
    open, other contents alert its owner anew."""


_LEFT_READABLE = 2


def masked(value: str) -> str:
    """Hide a personal value except its first two characters and its length."""
    if len(value) <= _LEFT_READABLE:
        return "*" * len(value)
    return f"{value[:_LEFT_READABLE]}{'*' * (len(value) - _LEFT_READABLE)}"
