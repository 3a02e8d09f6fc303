"""What each screening kind says to the person who mends it.

One plain sentence: what is wrong, and what would be right. How to mend it, and in which system, is
the owner's instruction in `config/exceptions.toml`.
"""

from __future__ import annotations

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind

K = ExceptionKind

MESSAGES: dict[ExceptionKind, str] = {
    K.ORDER_NUMBER_INVALID: "Whistl takes order numbers of letters, digits and hyphens, at most "
    "{limit} characters, and {value} is not one.",
    K.ORDER_WITHOUT_LINES: "The order has no line left to send.",
    K.TOO_MANY_LINES: "The order has {value} lines; Whistl takes at most {limit}.",
    K.QUANTITY_INVALID: "The quantity of line {line} ({sku}) is {value}; it must be from 1 to "
    "{limit}.",
    K.LINE_VALUE_INVALID: "Line {line} ({sku}) at {value} each has a value that is not from 0 to "
    "{limit}.",
    K.ORDER_TOTAL_INVALID: "Total, shipping or tax of the order is not from 0 to {limit}.",
    K.CURRENCY_INVALID: "The currency {value} is not a code of three capital letters, such as GBP.",
    K.ADDRESS_MISSING: "The order has no delivery address.",
    K.ADDRESS_INCOMPLETE: "The delivery address has no {field}, which {destination} needs.",
    K.ADDRESS_TOO_LONG: "The {field} does not fit Whistl's {limit} characters, and Whistl would "
    "cut it off.",
    K.UNSUPPORTED_CHARACTER: "The {field} has characters that the warehouse cannot print: {value}.",
    K.POSTCODE_MALFORMED: "The postcode has not the form of one in {destination}{example}.",
    K.COUNTRY_INVALID: "The country {value} is not a known country code, such as GB.",
    K.PHONE_MISSING: "The delivery address has no phone number, which {service} needs.",
    K.PHONE_MALFORMED: "The phone number is not one that can be called, which {service} needs.",
    K.EMAIL_MISSING: "The delivery address has no e-mail, which {service} needs.",
    K.EMAIL_MALFORMED: "The e-mail has not the form of one, which {service} needs.",
    K.SKU_MISSING: "Line {line} has no SKU: Centra has no product size behind it.",
    K.SKU_MALFORMED: "The SKU {value} has a character or a length that Whistl does not take: it "
    "takes letters, digits and . _ / - up to {sku_limit}, beginning with a letter or a digit.",
    K.SKU_NOT_A_PRODUCT: "The SKU {value} is a charge or a voucher, not goods to pick.",
    K.SKU_UNKNOWN: "Whistl does not know the SKU {value}.",
    K.SKU_INACTIVE: "Whistl has the SKU {value} switched off.",
    K.SKU_COLLISION: "The SKU {sku} looks the same as {value} once case, spaces and punctuation "
    "are dropped, so the wrong one may be picked.",
    K.SHIPPING_OPTION_MISSING: "The order names no shipping option.",
    K.SERVICE_UNMAPPED: "No row of the shipping services file maps {option} to {destination}.",
    K.SERVICE_AMBIGUOUS: "The shipping services file maps {option} to {destination} in several "
    "ways: {value}.",
    K.SERVICE_UNKNOWN: "{option} to {destination} is mapped to {value}, which Whistl does not "
    "have.",
    K.SERVICE_INACTIVE: "{option} to {destination} is mapped to {value}, which Whistl has "
    "switched off.",
    K.SERVICE_NOT_OFFERED: "{option} to {destination} is mapped to {value}, which Whistl does not "
    "offer there.",
    K.SERVICE_TOO_HEAVY: "One piece with its packaging is too heavy for the service: {value}.",
    K.CUSTOMS_DATA_MISSING: "The SKU {sku} lacks what customs asks for in {destination}: {value}.",
    K.CUSTOMS_DATA_MALFORMED: "The SKU {sku} has customs data of the wrong form: {value}.",
    K.CUSTOMS_VALUE_MISSING: "Line {line} ({sku}) costs {value}, and goods to {destination} "
    "must have a value to declare.",
    K.PHONE_DOUBTFUL: "The phone number is in no number range known to be in use, or has an "
    "extension that Whistl cannot carry; it was sent as it is.",
    K.PHONE_TOO_LONG: "The phone number is longer than Whistl's column and may be cut there; it "
    "was sent whole.",
    K.PHONE_LEFT_OUT: "The phone number is not one that can be called, and was not sent; the "
    "service does not need one.",
    K.EMAIL_TOO_LONG: "The e-mail is longer than Whistl's column, so the carrier's notification "
    "may not arrive.",
    K.EMAIL_LEFT_OUT: "The e-mail has not the form of one, and was not sent; the service does not "
    "need one.",
    K.ADDRESS_LINE_LONG: "The {field} is longer than {limit} characters, which some carriers cut.",
    K.WEIGHT_UNKNOWN: "Whistl holds no weight for the SKU {sku}, so the service's weight limit "
    "could not be judged.",
}
"""Filled in with the names that `findings` gives."""
