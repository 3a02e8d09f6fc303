"""The facts of a batch as two data frames, for the schemas to judge.

Columns hold Python objects, and no half characters: JSON can spell a lone surrogate, pandas' own
text type, in which pandera gathers what fails, raises at one, and no text an order brings may stop
the orders beside it.

Belongs here: facts to columns. Does not belong here: what the columns must be (`schemas`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.line_facts import LineFacts
from centra_whistl_dagster.screening.order_facts import OrderFacts


def orders_frame(facts: Sequence[OrderFacts], policy: ScreeningPolicy) -> pd.DataFrame:
    """Return one row per order. `…_fault` is the kind of the one thing wrong, blank when sound."""
    addresses = [each.address for each in facts]
    return pd.DataFrame(
        {
            "order_number": [each.order_number for each in facts],
            "line_count": [len(each.order.lines) for each in facts],
            "currency": [_whole(each.order.currency) for each in facts],
            "are_amounts_sound": [each.are_amounts_sound(policy.value_per_order) for each in facts],
            "has_address": [address.is_there for address in addresses],
            "is_country_known": [address.is_country_known for address in addresses],
            "name": [address.name for address in addresses],
            "name_unsupported": [_whole(address.name_unsupported) for address in addresses],
            "company": [address.company for address in addresses],
            "company_unsupported": [_whole(address.company_unsupported) for address in addresses],
            "line1": [address.line1 for address in addresses],
            "line2": [address.line2 for address in addresses],
            "lines_unsupported": [_whole(address.lines_unsupported) for address in addresses],
            "city": [address.city for address in addresses],
            "city_unsupported": [_whole(address.city_unsupported) for address in addresses],
            "county": [address.county for address in addresses],
            "county_unsupported": [_whole(address.county_unsupported) for address in addresses],
            "postcode": [address.postcode for address in addresses],
            "postcode_unsupported": [_whole(address.postcode_unsupported) for address in addresses],
            "is_postcode_well_formed": [each.is_postcode_well_formed for each in addresses],
            "phone_fault": [each.phone.fault or "" for each in facts],
            "email_fault": [each.email.fault or "" for each in facts],
            "service_fault": [each.service.kind or "" for each in facts],
        },
        dtype=object,
    )


def lines_frame(facts: Sequence[LineFacts], policy: ScreeningPolicy) -> pd.DataFrame:
    """Return one row per order line."""
    of_skus = [each.of_sku for each in facts]
    return pd.DataFrame(
        {
            "sku": [each.line.sku for each in facts],
            "sku_fault": [of_sku.fault or "" for of_sku in of_skus],
            "colliding_skus": [of_sku.colliding for of_sku in of_skus],
            "quantity": [each.line.quantity for each in facts],
            "is_value_sound": [each.is_value_sound(policy.value_per_line) for each in facts],
            "customs_missing": [
                each.of_sku.customs_missing if each.needs_customs_data else "" for each in facts
            ],
            "customs_malformed": [of_sku.customs_malformed for of_sku in of_skus],
            "is_worth_declaring": [each.is_worth_declaring for each in facts],
            "is_weight_known": [of_sku.is_weight_known for of_sku in of_skus],
        },
        dtype=object,
    )


def _whole(text: str) -> str:
    """Put a mark in the place of half characters, in a text that no other step has rid of them."""
    return text.encode(errors="replace").decode()
