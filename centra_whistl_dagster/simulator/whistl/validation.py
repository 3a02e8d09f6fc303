"""What the simulated Whistl refuses in an order, all of it at once.

Does not belong here: what needs the order book (a number used before) or the caller (its client
code), which is in `orders`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from centra_whistl_dagster.domain.orders.whistl_catalogue import (
    ServiceCode,
    WhistlProduct,
    WhistlService,
)
from centra_whistl_dagster.simulator.whistl.address_rules import (
    COUNTRIES,
    check_address,
    check_contact,
    check_destination,
    postcode_area,
)
from centra_whistl_dagster.simulator.whistl.findings import Findings, check_characters, text_of

DESCRIPTION_LENGTH = 35
MAX_LINES = 200

SKU_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]{0,23}")
ORDER_NUMBER_FORM = re.compile(r"[A-Za-z0-9\-]+")
MONEY_FORM = re.compile(r"\d{1,7}\.\d{2}")
HS_CODE_FORM = re.compile(r"\d{6,10}")

AREAS_NEEDING_CUSTOMS_DATA = frozenset({"BT", "JE", "GY", "IM"})
"""Postcode areas that are not mainland, whichever country the sender wrote."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What an order is checked against."""

    services: Mapping[ServiceCode, WhistlService]
    product: Callable[[str], WhistlProduct | None]
    """Find a product by its exact SKU."""
    order_number_length: int = 12
    chooses_missing_service: bool = False


def examine(body: Mapping[str, object], catalogue: Catalogue) -> Findings:
    """Return all that is wrong with an order body, whatever shape it has."""
    findings = Findings()
    _head(body, catalogue, findings)
    address = _mapping(body, "delivery_address", findings)
    service = _service(body, catalogue, findings)
    lines = _lines(body, findings)
    check_address(address, findings)
    check_contact(address, service, findings)
    check_destination(address, service, findings)
    needs_customs = _needs_customs_data(address)
    if needs_customs and not isinstance(body.get("customs"), Mapping):
        findings.refuse("missing_customs_data", "customs", "This destination needs customs data")
    for index, line in enumerate(lines):
        _line(line, f"lines[{index}]", catalogue, findings)
        _line_weight(line, f"lines[{index}]", service, catalogue, findings)
        _customs(line, f"lines[{index}]", findings, is_required=needs_customs)
    return findings


def _head(body: Mapping[str, object], catalogue: Catalogue, findings: Findings) -> None:
    for name in ("order_number", "client_code", "site", "order_date", "source", "currency"):
        if not text_of(body, name):
            findings.refuse("required", name, f"{name} is missing or no text")
    number = text_of(body, "order_number")
    if len(number) > catalogue.order_number_length:
        limit = f"at most {catalogue.order_number_length} characters"
        findings.refuse("order_number_too_long", "order_number", limit, number)
    if number and not ORDER_NUMBER_FORM.fullmatch(number):
        message = "letters, digits and hyphens only"
        findings.refuse("unsupported_character", "order_number", message, number)
    if (currency := text_of(body, "currency")) and not re.fullmatch("[A-Z]{3}", currency):
        findings.refuse("invalid_currency", "currency", "an ISO 4217 code", currency)
    if text_of(body, "recipient_type") not in {"consumer", "business"}:
        findings.refuse("required", "recipient_type", "consumer or business")
    totals = _mapping(body, "totals", findings)
    for name in ("goods_gross", "delivery_gross", "order_gross", "tax"):
        _money(totals, name, f"totals.{name}", findings)
    for name in ("delivery_instructions", "gift_message"):
        check_characters(text_of(body, name), name, findings)


def _service(
    body: Mapping[str, object], catalogue: Catalogue, findings: Findings
) -> WhistlService | None:
    pair = body.get("service")
    pair = pair if isinstance(pair, Mapping) else {}
    carrier, method = text_of(pair, "carrier_code"), text_of(pair, "delivery_method")
    if not (carrier and method):
        for name, value in (("carrier_code", carrier), ("delivery_method", method)):
            if not value and not catalogue.chooses_missing_service:
                findings.refuse("required", f"service.{name}", "A service is a pair of both")
        return None
    service = catalogue.services.get(ServiceCode(carrier, method))
    if service is None:
        message = "Service not known to Whistl"
    elif not service.is_active:
        message = "Service is switched off"
    else:
        return service
    findings.refuse("unknown_service", "service", message, f"{carrier}/{method}")
    return None


def _lines(body: Mapping[str, object], findings: Findings) -> list[Mapping[str, object]]:
    lines = body.get("lines")
    if not isinstance(lines, Sequence) or isinstance(lines, str) or not lines:
        findings.refuse("required", "lines", "An order has at least one line")
        return []
    if len(lines) > MAX_LINES:
        findings.refuse("too_long", "lines", f"at most {MAX_LINES} lines", len(lines))
    numbers: set[int] = set()
    for index, line in enumerate(lines):
        number = line.get("line_number") if isinstance(line, Mapping) else None
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            findings.refuse("required", f"lines[{index}].line_number", "a whole number from 1")
            continue
        if number in numbers:
            message = "used by an earlier line"
            findings.refuse("duplicate_line_number", f"lines[{index}].line_number", message, number)
        numbers.add(number)
    return [line if isinstance(line, Mapping) else {} for line in lines]


def _line(line: Mapping[str, object], where: str, catalogue: Catalogue, findings: Findings) -> None:
    sku, quantity = line.get("sku"), line.get("quantity")
    if not isinstance(sku, str) or not sku:
        findings.refuse("required", f"{where}.sku", "sku is missing")
    elif not SKU_FORM.fullmatch(sku):
        message = "1 to 24 of letters, digits and . _ / -"
        findings.refuse("invalid_sku_format", f"{where}.sku", message, sku)
    elif (product := catalogue.product(sku)) is None:
        findings.refuse("unknown_sku", f"{where}.sku", "SKU not known to Whistl", sku)
    elif not product.is_active:
        findings.refuse("inactive_sku", f"{where}.sku", "SKU is switched off", sku)
    is_whole = isinstance(quantity, int) and not isinstance(quantity, bool)
    if not is_whole or not 1 <= quantity <= 99_999:  # type: ignore[operator]  # is_whole says int
        message = "a whole number from 1 to 99999"
        findings.refuse("invalid_quantity", f"{where}.quantity", message, quantity)
    _money(line, "unit_price_gross", f"{where}.unit_price_gross", findings)
    for name in ("description", "product_type", "personalisation"):
        check_characters(text_of(line, name), f"{where}.{name}", findings)
    if len(text_of(line, "description")) > DESCRIPTION_LENGTH:
        message = f"The customs form carries {DESCRIPTION_LENGTH} characters of it"
        findings.warn("description_cut", f"{where}.description", message)
    if len(text_of(line, "product_type")) > DESCRIPTION_LENGTH:
        message = f"at most {DESCRIPTION_LENGTH} characters"
        findings.refuse("too_long", f"{where}.product_type", message)


def _line_weight(
    line: Mapping[str, object],
    where: str,
    service: WhistlService | None,
    catalogue: Catalogue,
    findings: Findings,
) -> None:
    """One unit must fit a box of the service; an order of many is split over boxes."""
    weight = _weight(line)
    if text_of(line, "unit_weight_kg") and (weight is None or weight <= 0):
        findings.refuse("invalid_weight", f"{where}.unit_weight_kg", "kilograms above 0")
        return
    product = catalogue.product(text_of(line, "sku"))
    if weight is None and product is not None:
        weight = product.unit_weight_kg
    limit = service.weight_limit_kg if service else None
    if service and limit is not None and weight is not None and weight > limit:
        message = f"{service.code} carries {limit} kg"
        findings.refuse("weight_exceeds_service", f"{where}.unit_weight_kg", message, weight)


def _customs(
    line: Mapping[str, object], where: str, findings: Findings, *, is_required: bool
) -> None:
    for name in ("hs_code", "country_of_origin", "unit_weight_kg", "description"):
        if is_required and not text_of(line, name):
            message = f"This destination needs {name}"
            findings.refuse("missing_customs_data", f"{where}.{name}", message)
    if (code := text_of(line, "hs_code")) and not HS_CODE_FORM.fullmatch(code):
        findings.refuse("invalid_hs_code", f"{where}.hs_code", "6 to 10 digits", code)
    if (origin := text_of(line, "country_of_origin")) and origin not in COUNTRIES:
        message = "not an ISO 3166 country"
        findings.refuse("invalid_country", f"{where}.country_of_origin", message, origin)


def _needs_customs_data(address: Mapping[str, object]) -> bool:
    country = text_of(address, "country")
    return bool(country) and (
        country != "GB" or postcode_area(address) in AREAS_NEEDING_CUSTOMS_DATA
    )


def _money(holder: Mapping[str, object], name: str, where: str, findings: Findings) -> None:
    value = holder.get(name)
    if not isinstance(value, str) or not MONEY_FORM.fullmatch(value):
        findings.refuse("invalid_amount", where, 'a text such as "12.50"', value)


def _weight(line: Mapping[str, object]) -> Decimal | None:
    try:
        weight = Decimal(text_of(line, "unit_weight_kg"))
    except InvalidOperation:
        return None
    return weight if weight.is_finite() else None


def _mapping(body: Mapping[str, object], name: str, findings: Findings) -> Mapping[str, object]:
    value = body.get(name)
    if isinstance(value, Mapping):
        return value
    findings.refuse("required", name, f"{name} is missing")
    return {}
