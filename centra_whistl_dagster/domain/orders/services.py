"""Which Whistl service an order goes by, or why none.

Whistl accepts an order without a service: its importer writes `RECALC` and the warehouse picks a
carrier (xmlcreation.py of Whistl-Fulfilment-South-West/TLAImport). So there is no default here, and
an order that no row fits is blocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.domain.orders.order import ShippingOption
from centra_whistl_dagster.domain.orders.postcodes import (
    CROWN_DEPENDENCY_AREAS,
    Destination,
    Territory,
)
from centra_whistl_dagster.domain.orders.service_mapping import ServiceMapping
from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode, WhistlService


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChoice:
    """What was chosen for one order, or the one reason why nothing was."""

    service: WhistlService | None = None
    country: str = ""
    """The destination's country, as that service lists it."""
    kind: ExceptionKind | None = None
    detail: str = ""
    """What the reason needs: the codes that disagree, the limit that is exceeded."""
    is_mapped: bool = True
    """False where no row in force names the option, wherever the order goes."""


def choose_service(
    option: ShippingOption | None,
    destination: Destination,
    *,
    mapping: ServiceMapping,
    services: Mapping[ServiceCode, WhistlService],
    weight_kg: Decimal,
    on: date,
) -> ServiceChoice:
    """Choose the service for one order.

    Args:
        option: the shopper's choice.
        destination: where it goes.
        mapping: what `config/shipping_services.csv` holds.
        services: Whistl's own list.
        weight_kg: the heaviest single piece with its packaging. Whistl splits an order over boxes
            by the service's limit, but not a piece (TAFIE dictionary).
        on: the day, for the table's validity dates.
    """
    if option is None:
        return ServiceChoice(kind=ExceptionKind.SHIPPING_OPTION_MISSING)
    rows = mapping.most_specific(option, destination, on=on)
    codes = sorted({row.service for row in rows})
    if not codes:
        is_mapped = any(row.is_active(on) for row in mapping.rows_for(option))
        return ServiceChoice(kind=ExceptionKind.SERVICE_UNMAPPED, is_mapped=is_mapped)
    if len(codes) > 1:
        detail = " and ".join(f"{row.service} (line {row.line})" for row in rows)
        return ServiceChoice(kind=ExceptionKind.SERVICE_AMBIGUOUS, detail=detail)
    service = services.get(codes[0])
    if service is None:
        return ServiceChoice(kind=ExceptionKind.SERVICE_UNKNOWN, detail=str(codes[0]))
    return _offered(service, destination, weight_kg)


def _offered(service: WhistlService, destination: Destination, weight_kg: Decimal) -> ServiceChoice:
    if not service.is_active:
        return ServiceChoice(kind=ExceptionKind.SERVICE_INACTIVE, detail=str(service.code))
    country = country_as_offered(service, destination)
    if country is None:
        return ServiceChoice(kind=ExceptionKind.SERVICE_NOT_OFFERED, detail=str(service.code))
    if service.weight_limit_kg is not None and weight_kg > service.weight_limit_kg:
        detail = f"{weight_kg:f} kg is above {service.code}'s {service.weight_limit_kg:f} kg"
        return ServiceChoice(kind=ExceptionKind.SERVICE_TOO_HEAVY, detail=detail)
    return ServiceChoice(service=service, country=country)


def country_as_offered(service: WhistlService, destination: Destination) -> str | None:
    """Return the country code under which a service goes to a destination, None when it does not.

    Jersey, Guernsey and the Isle of Man go under their own code unless the service lists only GB.
    """
    if destination.area in service.excluded_postcode_areas:
        return None
    if destination.territory is Territory.FORCES and not service.serves_bfpo:
        return None
    if destination.territory is Territory.ABROAD and service.is_domestic:
        return None
    if not service.countries or destination.country in service.countries:
        return destination.country
    is_dependency = destination.country in CROWN_DEPENDENCY_AREAS.values()
    return "GB" if is_dependency and "GB" in service.countries else None


def problems_of_mapping(
    mapping: ServiceMapping,
    services: Mapping[ServiceCode, WhistlService],
    options: Iterable[ShippingOption],
    *,
    on: date,
) -> list[Problem]:
    """Return what is wrong with the mapping, before an order needs it.

    Names every shipping option of Centra without an active row, and every active row whose service
    Whistl does not have or has switched off.
    """
    problems = [
        _mapping_problem(
            ExceptionKind.SERVICE_UNMAPPED,
            option.name,
            option.uri,
            f"No row of the shipping services file covers Centra's option {option.name!r}; "
            "the first order that uses it will be blocked.",
        )
        for option in options
        if not any(row.is_active(on) for row in mapping.rows_for(option))
    ]
    for row in mapping.rows:
        if not row.is_active(on):
            continue
        service = services.get(row.service)
        if service is None:
            kind, fault = ExceptionKind.SERVICE_UNKNOWN, "does not have"
        elif not service.is_active:
            kind, fault = ExceptionKind.SERVICE_INACTIVE, "has switched off"
        else:
            continue
        message = (
            f"Line {row.line} of the shipping services file maps {row.shipping_option!r} to "
            f"{row.service}, which Whistl {fault}."
        )
        problems.append(_mapping_problem(kind, row.shipping_option, str(row.service), message))
    return problems


def _mapping_problem(kind: ExceptionKind, option: str, value: str, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.SHIPPING_OPTION,
        subject=option,
        field="shipping_option",
        value=value,
        message=message,
    )
