"""The facts of a batch of orders; what SKUs and services share is worked out once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.order import Address, Order, ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import Destination
from centra_whistl_dagster.domain.orders.services import ServiceChoice, choose_service
from centra_whistl_dagster.screening.address_facts import AddressFacts, address_facts
from centra_whistl_dagster.screening.contact_facts import ContactFacts, best_phone, email_facts
from centra_whistl_dagster.screening.line_facts import LineFacts, SkuFacts, sku_facts
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.reference_data import ScreeningReference


class Batch(NamedTuple):
    """What the rules judge."""

    orders: Sequence[OrderFacts]
    lines: Sequence[LineFacts]
    skus: Sequence[SkuFacts]
    """Each once."""


def batch_of(orders: Sequence[Order], reference: ScreeningReference) -> Batch:
    """Work out the facts of a batch."""

    @cache
    def choose(option: ShippingOption | None, to: Destination, weight_kg: Decimal) -> ServiceChoice:
        return choose_service(
            option,
            to,
            mapping=reference.mapping,
            services=reference.services,
            weight_kg=weight_kg,
            on=reference.today,
        )

    skus = {
        sku: sku_facts(sku, reference)
        for sku in dict.fromkeys([line.sku for order in orders for line in order.lines])
    }
    packaging = reference.policy.packaging_kg
    facts: list[OrderFacts] = []
    for order in orders:
        address = address_facts(order.delivery, reference.policy)
        heaviest = max([skus[line.sku].weight_kg for line in order.lines], default=Decimal(0))
        choice = choose(order.shipping_option, address.destination, packaging + heaviest)
        facts.append(_order_facts(order, address, choice, reference))
    gift_value = reference.policy.gift_customs_value
    lines = [
        LineFacts(row, order, n, line, skus[line.sku], gift_value)
        for row, order in enumerate(facts)
        for n, line in enumerate(order.order.lines, start=1)
    ]
    return Batch(orders=facts, lines=lines, skus=[*skus.values()])


def _order_facts(
    order: Order, address: AddressFacts, choice: ServiceChoice, reference: ScreeningReference
) -> OrderFacts:
    if not address.is_placed and choice.kind is not ExceptionKind.SHIPPING_OPTION_MISSING:
        # The mapping may only seem at fault because the address is wrong: no team is alerted yet.
        choice = replace(choice, kind=None, detail="")
    policy, service, destination = reference.policy, choice.service, address.destination
    delivery = order.delivery or Address()
    needs_phone = service is not None and service.requires_phone
    needs_email = service is not None and service.requires_email
    phone = best_phone(
        delivery,
        destination.country,
        policy,
        is_needed=needs_phone,
        is_mobile_needed=service is not None and str(service.code) in policy.mobile_services,
    )
    if address.is_country_known is False and delivery.phone.strip():
        phone = ContactFacts("", None, delivery.phone)  # without a country it cannot be read
    return OrderFacts(
        order_number=f"{reference.order_number_prefix}{order.number}",
        order=order,
        address=address,
        phone=phone,
        email=email_facts(delivery.email, policy, is_needed=needs_email),
        service=choice,
        needs_customs_data=destination.territory in policy.customs_territories,
    )
