"""What would keep a kind of exception from coming back: the change at its source.

`config/exceptions.toml` says how one exception is fixed; this says what ends the repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind as K

_CHECKOUT = (
    "Let the checkout validate this field for the chosen country and service before it accepts "
    "the order."
)
_CHARACTERS = (
    "Limit the length and the characters of address fields in the checkout to what Whistl accepts."
)
_CATALOGUE = (
    "Create and activate SKUs at Whistl before they are put on sale in Centra: a step in the "
    "product launch checklist."
)
_SKU_RULES = "Agree one SKU format with merchandising, and check it when products are imported."
_MAPPING = (
    "Add the row to shipping_services.csv before a shipping option goes live; ecommerce announces "
    "new options."
)
_SERVICES = "Ask Whistl for notice before a service is switched off or its destinations change."
_CUSTOMS = "Make customs data a required field of a product before it is sold abroad."
_PRICES = "Find the campaign, price list or import that sets this amount, and correct it there."
_AFTER_SENDING = (
    "Agree with customer service to decide about changes before an order is released, or agree a "
    "later cut-off with Whistl."
)
_WAREHOUSE = (
    "Raise it with Whistl as a process fault, with the examples of this week: their system or "
    "their pick must change."
)
_SHELVES = "Have Whistl count these shelves, and raise the SKUs' buffers until they have."
_TWO_HANDS = (
    "Agree who works in Centra on orders that Whistl has: nobody ships, edits or moves them by "
    "hand there."
)
_PAYMENTS = "Check the payment plugin's settings in Centra with whoever runs payments."
_CONNECTION = (
    "The data team finds out why with the systems' support; a limit or an outage that repeats "
    "needs an agreement."
)
_STOCK_FEED = (
    "Ask Whistl to announce counts and large movements, or adjust the limits under [stock.guard]."
)
_ORDER_NUMBERS = (
    "Agree with Whistl how long order numbers may be, with room for those of the years to come."
)
_ORDER_SIZE = (
    "Limit the lines of an order and the quantity of a line in the checkout to what Whistl accepts."
)
_ACCESS = (
    "Renew tokens and passwords before they expire, and ask the data team before a permission of "
    "Centra's token is changed."
)
_INTERFACE = (
    "Ask Whistl, and Centra's support, to announce changes to the records and statuses they send."
)
_CODE = "The data team fixes the code, and adds the record that it could not handle to the tests."
_STOPS = (
    "Find out what stops the connection for more than two minutes, and restore a ledger only as "
    "the handbook says."
)
_STATE_FOLDER = (
    "Exclude the state folder from clean-ups, restore it only as a whole, and alert before its "
    "disk is full."
)
_STOCK_WRITES = "Find out which other system writes stock to this Centra warehouse, and stop it."

PREVENTION: Mapping[K, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                K.ADDRESS_MISSING,
                K.ADDRESS_INCOMPLETE,
                K.ADDRESS_PLACEHOLDER,
                K.POSTCODE_MALFORMED,
                K.COUNTRY_INVALID,
                K.STATE_UNKNOWN,
                K.STATE_CONTRADICTS_POSTCODE,
                K.STATE_DOUBTFUL,
                K.PHONE_MISSING,
                K.PHONE_MALFORMED,
                K.PHONE_NOT_MOBILE,
                K.PHONE_DOUBTFUL,
                K.PHONE_TOO_LONG,
                K.PHONE_LEFT_OUT,
                K.EMAIL_MISSING,
                K.EMAIL_MALFORMED,
                K.EMAIL_TOO_LONG,
                K.EMAIL_LEFT_OUT,
                K.ORDER_WITHOUT_LINES,
                K.SHIPPING_OPTION_MISSING,
            ),
            _CHECKOUT,
        ),
        **dict.fromkeys(
            (K.ADDRESS_TOO_LONG, K.ADDRESS_LINE_LONG, K.UNSUPPORTED_CHARACTER), _CHARACTERS
        ),
        **dict.fromkeys((K.SKU_UNKNOWN, K.SKU_INACTIVE), _CATALOGUE),
        **dict.fromkeys(
            (
                K.SKU_MISSING,
                K.SKU_MALFORMED,
                K.SKU_NOT_A_PRODUCT,
                K.SKU_COLLISION,
                K.SKU_ON_SEVERAL_SIZES,
            ),
            _SKU_RULES,
        ),
        **dict.fromkeys((K.SERVICE_UNMAPPED, K.SERVICE_AMBIGUOUS), _MAPPING),
        **dict.fromkeys(
            (K.SERVICE_UNKNOWN, K.SERVICE_INACTIVE, K.SERVICE_NOT_OFFERED, K.SERVICE_TOO_HEAVY),
            _SERVICES,
        ),
        **dict.fromkeys(
            (
                K.CUSTOMS_DATA_MISSING,
                K.CUSTOMS_DATA_MALFORMED,
                K.CUSTOMS_VALUE_MISSING,
                K.WEIGHT_UNKNOWN,
            ),
            _CUSTOMS,
        ),
        **dict.fromkeys((K.LINE_VALUE_INVALID, K.ORDER_TOTAL_INVALID, K.CURRENCY_INVALID), _PRICES),
        **dict.fromkeys(
            (K.CANCELLED_AFTER_SENDING, K.EDITED_AFTER_SENDING, K.HELD_AFTER_SENDING),
            _AFTER_SENDING,
        ),
        **dict.fromkeys(
            (
                K.WHISTL_REFUSED,
                K.HELD_AT_WHISTL,
                K.REJECTED_LATE,
                K.CANCELLED_AT_WHISTL,
                K.STOPPED_ORDER_SENT,
                K.DESPATCH_WITHOUT_CARRIER,
                K.DESPATCH_UNMATCHED,
                K.DESPATCH_DIFFERS,
                K.DESPATCH_MISSING,
                K.CORRECTS_ANOTHER_ORDER,
                K.TRACKING_CORRECTED,
                K.PARCEL_NOT_WANTED,
            ),
            _WAREHOUSE,
        ),
        **dict.fromkeys((K.SHORT_PICK, K.OVERSOLD, K.NEGATIVE_AVAILABLE), _SHELVES),
        **dict.fromkeys(
            (
                K.PARTLY_SHIPPED_ALREADY,
                K.SHARED_WITH_ANOTHER_WAREHOUSE,
                K.ALREADY_SHIPPED,
                K.SHIPMENT_DIFFERS,
                K.SHIPMENT_REFUSED,
                K.ORDER_NUMBER_CONFLICT,
                K.STOCK_NOT_ALLOCATED,
            ),
            _TWO_HANDS,
        ),
        **dict.fromkeys((K.PAYMENT_NOT_CAPTURED, K.SHIPPED_UNPAID, K.SHIPMENT_WARNING), _PAYMENTS),
        **dict.fromkeys(
            (K.STOCK_SNAPSHOT_REFUSED, K.SKU_ABSENT_FROM_SNAPSHOT, K.ABSENT_SKU_SELLS), _STOCK_FEED
        ),
        **dict.fromkeys((K.STOCK_WRITE_REFUSED, K.STOCK_WRITE_NOT_TAKEN), _STOCK_WRITES),
        K.ORDER_NUMBER_INVALID: _ORDER_NUMBERS,
        **dict.fromkeys((K.TOO_MANY_LINES, K.QUANTITY_INVALID), _ORDER_SIZE),
        **dict.fromkeys((K.CREDENTIALS_REFUSED, K.LOCK_REFUSED, K.UNLOCK_REFUSED), _ACCESS),
        **dict.fromkeys((K.UNREADABLE_RECORD, K.UNKNOWN_WHISTL_STATUS), _INTERFACE),
        K.DESPATCH_NOT_APPLIED: _CODE,
        K.LEDGER_GAP: _STOPS,
        K.STOCK_ARCHIVE_LOST: _STATE_FOLDER,
        **dict.fromkeys(
            (
                K.ORDER_IN_DOUBT,
                K.SHIPMENT_UNANSWERED,
                K.SYSTEM_UNREACHABLE,
                K.PUSHES_SILENT,
                K.REFERENCE_STALE,
                K.STEP_FAILING,
            ),
            _CONNECTION,
        ),
    }
)


def prevention_of(kind: str) -> str:
    """Return what would end the repeats of a kind, also of one that this release does not know."""
    return PREVENTION[K(kind)] if kind in set(K) else _CONNECTION
