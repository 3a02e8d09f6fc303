"""What screening needs to know of one order, worked out with the domain's rules."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from centra_whistl_dagster.domain.orders.addresses import Change, PreparedAddress
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.services import ServiceChoice
from centra_whistl_dagster.screening.address_facts import AddressFacts
from centra_whistl_dagster.screening.address_formats import country_format
from centra_whistl_dagster.screening.contact_facts import ContactFacts


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
    needs_customs_data: bool

    def words(self) -> dict[str, str]:
        """Return what a rule's sentence may name."""
        option, service = self.order.shipping_option, self.service.service
        name, is_mapped = option.name if option else "", self.service.is_mapped
        destination = self.address.destination
        form = country_format(destination.country)
        example = form.postcode_example if form else ""
        form_of_one = f"it must look like {example}" if example else ""
        why = self.address.why_postcode_invalid or form_of_one
        return {
            "order": str(self.order.number),
            # The subject: one row for a country fixes the orders to all its postcode areas.
            "shipping_option": f"{name} to {destination.country}" if is_mapped else name,
            "option": f"{name} to {destination}" if is_mapped else name,
            "service": str(service.code) if service else "the service",
            "destination": str(destination),
            "country": destination.country or "the country",
            "why": f": {why}" if why else "",
            "state": self.address.county or "the state",
            "placeholders": self.address.placeholders or "",
        }

    def changes(self) -> tuple[Change, ...]:
        """Return what is not sent as typed, besides letter case and spaces."""
        contacts = (("phone", self.phone.change), ("e-mail", self.email.change))
        return (*self.address.changes, *[Change(field, how) for field, how in contacts if how])

    def prepared(self) -> PreparedAddress:
        """Return the address as Whistl may carry it. Only for an order that has passed."""
        address = self.address
        return PreparedAddress(
            name=address.name or "",
            company=address.text.company.text,
            line1=address.line1 or "",
            line2=address.text.line2,
            city=address.city or "",
            county=address.county or "",
            postcode=address.postcode or "",
            country=self.service.country,
            phone=self.phone.text,
            email=self.email.text,
        )


def is_amount(amount: Decimal, most: Decimal) -> bool:
    """Say whether an amount of money is between 0 and the most Whistl takes."""
    return amount.is_finite() and 0 <= amount <= most
