"""The rules over a delivery address."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.orders.characters import named
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.address_facts import AddressFacts
from centra_whistl_dagster.screening.order_facts import OrderFacts
from centra_whistl_dagster.screening.rule import (
    Check,
    Rule,
    fault_rules,
    is_blank,
    is_no_longer_than,
    is_not,
    is_true,
)

K = ExceptionKind


def address_rules(policy: ScreeningPolicy) -> Iterator[Rule[OrderFacts]]:
    """Yield the rules over a delivery address."""
    yield Rule(
        kind=K.ADDRESS_MISSING,
        check=Check.ADDRESS,
        field="delivery address",
        reads=lambda facts: facts.address.is_there,
        holds=is_true,
        value=lambda _: "",
        says="The order has no delivery address.",
    )
    yield Rule(
        kind=K.COUNTRY_INVALID,
        check=Check.ADDRESS,
        field="country",
        reads=lambda facts: facts.address.is_country_known,
        holds=is_true,
        value=lambda facts: facts.address.destination.country,
        says="Invalid country code {value}: it must be a country's two letters, such as GB.",
    )
    yield Rule(
        kind=K.POSTCODE_MALFORMED,
        check=Check.ADDRESS,
        field="postcode",
        reads=lambda facts: facts.address.is_postcode_well_formed,
        holds=is_true,
        value=lambda facts: facts.address.postcode,
        says="Invalid {country} postcode{why}.",
        is_personal=True,
    )
    yield Rule(
        kind=K.ADDRESS_PLACEHOLDER,
        check=Check.ADDRESS,
        field="{placeholders}",
        reads=lambda facts: facts.address.placeholders,
        holds=is_blank,
        value=lambda _: "",
        says="The delivery address has a placeholder, such as - or N/A, as its {placeholders}.",
    )
    yield from fault_rules(
        {
            K.STATE_UNKNOWN: "{country} has no state or province {state}.",
            K.STATE_CONTRADICTS_POSTCODE: "The postcode is not one of {state}.",
            K.STATE_DOUBTFUL: "The postcode is probably not one of {state}. Both are sent.",
        },
        check=Check.ADDRESS,
        field="county or state",
        reads=_region_fault,
        value=lambda facts: facts.address.county,
    )
    for field, reads, limit in _parts(policy):
        if field not in _OPTIONAL:
            yield _is_complete(field, reads)
        yield _fits(field, reads, limit)
    for field, reads in (_LINE1, _LINE2):
        yield _fits_every_carrier(field, reads, policy)
    for field, unsupported in _UNSUPPORTED.items():
        yield _is_printable(field, unsupported)


def _region_fault(facts: OrderFacts) -> ExceptionKind | None:
    return facts.address.region_fault


_Reads = Callable[[OrderFacts], str | None]

_LINE1: tuple[str, _Reads] = ("address line 1", lambda facts: facts.address.line1)
_LINE2: tuple[str, _Reads] = ("address line 2", lambda facts: facts.address.text.line2)
_OPTIONAL = {"company", "address line 2"}
_UNSUPPORTED: dict[str, Callable[[AddressFacts], str]] = {
    "name": lambda address: address.text.name.unsupported,
    "company": lambda address: address.text.company.unsupported,
    "address lines": lambda address: address.text.lines_unsupported,
    "city": lambda address: address.text.city.unsupported,
    "county or state": lambda address: address.text.county.unsupported,
    "postcode": lambda address: address.postcode_unsupported,
}


def _parts(policy: ScreeningPolicy) -> list[tuple[str, _Reads, int]]:
    return [
        ("name", lambda facts: facts.address.name, policy.name_characters),
        ("company", lambda facts: facts.address.text.company.text, policy.company_characters),
        (*_LINE1, policy.address_line_characters),
        (*_LINE2, policy.address_line_characters),
        ("city", lambda facts: facts.address.city, policy.city_characters),
        ("county or state", lambda facts: facts.address.county, policy.county_characters),
        ("postcode", lambda facts: facts.address.postcode, policy.postcode_characters),
    ]


def _is_complete(field: str, reads: _Reads) -> Rule[OrderFacts]:
    return Rule(
        kind=K.ADDRESS_INCOMPLETE,
        check=Check.ADDRESS,
        field=field,
        reads=reads,
        holds=is_not(""),
        says=f"The delivery address has no {field}, which {{country}} requires.",
    )


def _fits(field: str, reads: _Reads, limit: int) -> Rule[OrderFacts]:
    return Rule(
        kind=K.ADDRESS_TOO_LONG,
        check=Check.ADDRESS,
        field=field,
        reads=reads,
        holds=is_no_longer_than(limit),
        says=f"{field.capitalize()} exceeds Whistl's {limit} characters.",
        is_personal=True,
    )


def _fits_every_carrier(field: str, reads: _Reads, policy: ScreeningPolicy) -> Rule[OrderFacts]:
    advised, limit = policy.address_line_advised_characters, policy.address_line_characters
    return Rule(
        kind=K.ADDRESS_LINE_LONG,
        check=Check.ADVICE,
        field=field,
        reads=reads,
        # A line that Whistl cannot take either has its exception already.
        holds=lambda texts: ~texts.map(len).between(advised, limit, inclusive="right"),
        says=f"{field.capitalize()} exceeds {advised} characters, and some carriers cut it off "
        "there.",
        is_personal=True,
    )


def _is_printable(field: str, unsupported: Callable[[AddressFacts], str]) -> Rule[OrderFacts]:
    return Rule(
        kind=K.UNSUPPORTED_CHARACTER,
        check=Check.ADDRESS,
        field=field,
        reads=lambda facts: unsupported(facts.address),
        holds=is_blank,
        value=lambda facts: named(unsupported(facts.address)),
        says=f"Characters that the warehouse cannot print in the {field}: {{value}}.",
    )
