"""What screening needs to know of one order, worked out with the domain's rules.

Belongs here: bringing the facts of address, contacts, service and lines together. Does not belong
here: what they must be (`schemas`), and what is said to people (`findings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.addresses import PreparedAddress
from centra_whistl_dagster.domain.orders.order import Address, Order, ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import Destination
from centra_whistl_dagster.domain.orders.services import ServiceChoice, choose_service
from centra_whistl_dagster.screening.address_facts import AddressFacts, address_facts
from centra_whistl_dagster.screening.contact_facts import ContactFacts, email_facts, phone_facts
from centra_whistl_dagster.screening.line_facts import LineFacts, SkuReader
from centra_whistl_dagster.screening.reference_data import ScreeningReference


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """One order."""

    order_number: str
    """Its number at Whistl."""
    order: Order
    address: AddressFacts
    phone: ContactFacts
    email: ContactFacts
    service: ServiceChoice

    def are_amounts_sound(self, most: Decimal) -> bool:
        """Say whether total, shipping and tax are each between 0 and the most Whistl takes."""
        amounts = (self.order.grand_total, self.order.shipping_total, self.order.tax_total)
        return all(amount.is_finite() and 0 <= amount <= most for amount in amounts)

    def prepared(self) -> PreparedAddress:
        """Return the address as Whistl may carry it. Only for an order that has passed."""
        address = self.address
        return PreparedAddress(
            name=address.name or "",
            company=address.company,
            line1=address.line1 or "",
            line2=address.line2,
            city=address.city or "",
            county=address.county or "",
            postcode=address.postcode or "",
            country=self.service.country,
            phone=self.phone.text,
            email=self.email.text,
        )


def facts_of(
    orders: Sequence[Order], reference: ScreeningReference
) -> tuple[list[OrderFacts], list[LineFacts]]:
    """Work out the facts of a batch. A line finds its order by `order_row`."""
    skus = SkuReader(reference)
    services = _ServiceChooser(reference)
    all_orders: list[OrderFacts] = []
    all_lines: list[LineFacts] = []
    for row, order in enumerate(orders):
        address = address_facts(order.delivery, reference.policy)
        territory = address.destination.territory
        needs_customs_data = territory in reference.policy.customs_territories
        lines = [
            LineFacts(
                order_row=row,
                line_number=number,
                line=line,
                needs_customs_data=needs_customs_data,
                of_sku=skus.facts(line.sku),
            )
            for number, line in enumerate(order.lines, start=1)
        ]
        all_orders.append(_order_facts(order, address, lines, services, reference))
        all_lines += lines
    return all_orders, all_lines


class _ServiceChooser:
    """Chooses once per batch for each option, destination and weight."""

    def __init__(self, reference: ScreeningReference) -> None:
        self._reference = reference
        self._chosen: dict[tuple[ShippingOption | None, Destination, Decimal], ServiceChoice] = {}

    def choose(
        self, option: ShippingOption | None, destination: Destination, weight_kg: Decimal
    ) -> ServiceChoice:
        """Return what `choose_service` says."""
        question = (option, destination, weight_kg)
        known = self._chosen.get(question)
        if known is None:
            known = self._chosen[question] = choose_service(
                option,
                destination,
                mapping=self._reference.mapping,
                services=self._reference.services,
                weight_kg=weight_kg,
                on=self._reference.today,
            )
        return known


def _order_facts(
    order: Order,
    address: AddressFacts,
    lines: Sequence[LineFacts],
    services: _ServiceChooser,
    reference: ScreeningReference,
) -> OrderFacts:
    policy = reference.policy
    weight = policy.packaging_kg + max([line.of_sku.weight_kg for line in lines], default=_NOTHING)
    choice = services.choose(order.shipping_option, address.destination, weight)
    if not address.is_placed and choice.kind is not ExceptionKind.SHIPPING_OPTION_MISSING:
        # A fault of the mapping that may only come of a wrong address goes to nobody yet.
        choice = replace(choice, kind=None, detail="")
    service, country = choice.service, address.destination.country
    delivery = order.delivery or _NOBODY
    needs_phone = service is not None and service.requires_phone
    needs_email = service is not None and service.requires_email
    return OrderFacts(
        order_number=f"{reference.order_number_prefix}{order.number}",
        order=order,
        address=address,
        phone=phone_facts(delivery.phone, country, policy, is_needed=needs_phone),
        email=email_facts(delivery.email, policy, is_needed=needs_email),
        service=choice,
    )


_NOBODY = Address()
_NOTHING = Decimal(0)
