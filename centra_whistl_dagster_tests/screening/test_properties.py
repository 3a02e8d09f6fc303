"""No text makes screening crash, and what passes is accepted by a Whistl with all its checks on."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.order import Address, Order, OrderLine
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct
from centra_whistl_dagster.screening.screen import Blocked, Cleared, screen
from centra_whistl_dagster.simulator.whistl.validation import Catalogue, examine
from centra_whistl_dagster.whistl.mapping import order_body

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk, MakeDesk

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
OPTIONS = ["Standard", "Express", "International", "Twofold", "Saturday", "Rocket", "Pop-up"]
SOUND: dict[str, list[str]] = {
    "first_name": ["Ada", "Zo\xeb", "\N{LATIN CAPITAL LETTER L WITH STROKE}ukasz", ""],
    "last_name": ["Lovelace", "O'Brien", "Saint-Exup\xe9ry de la Tour"],
    "company": ["", "Analytical Engines Ltd"],
    "attention": ["", "c/o Grace Hopper"],
    "line1": ["12 High Street", "Flat 2\n12 High Street", "The Old Mill House, Upper Mill Lane 3"],
    "line2": ["", "Little Wold", "Third floor, ring twice | leave with porter"],
    "city": ["York", "St Helier", "K\xf6ln", ""],
    "county": ["", "TX", "Kowloon"],
    "postcode": ["YO1 7HH", "je23bt", "BT1 5GS", "BF1 4AX", "HS1 2AA", "75001", "78701", "IM1 1AA"],
    "country": ["GB", "GB", "GB", "JE", "FR", "US", "HK", "XI", "DE"],
    "phone": ["", "07911 123456", "+33 6 14 78 35 92", "+49 1512 3456789", "020 7946 0018"],
    "email": ["ada@example.com", "", f"{'long.' * 8}name@example.com"],
}
ODD_PRODUCTS = (
    WhistlProduct(
        sku="ODD-TEXT", description="\N{BALLOON} T-shirt \N{BLACK STAR} " * 9, hs_code="1"
    ),
    WhistlProduct(sku="ODD-TYPE", description="<Bag>", product_type="\N{BALLOON}<" * 40),
    WhistlProduct(sku="ODD-ZERO", description="Sticker", unit_weight_kg=Decimal(0)),
    WhistlProduct(sku="ODD-DUST", description="Dust", unit_weight_kg=Decimal("0.0001")),
    WhistlProduct(sku="ODD-MINUS", description="Balloon", unit_weight_kg=Decimal(-1)),
)
SKUS = ["TEE-BLK-M", "TEE-BLK-M", "ANVIL", "FEATHER", "NO-CUSTOMS", "BAD-HS", "OFF-1", "NEW-1"]


@pytest.fixture(scope="session")
def desk_with_odd_products(desk: Desk, make_desk: MakeDesk) -> Desk:
    products = (*desk.reference.products.values(), *ODD_PRODUCTS)
    return make_desk(products, frozenset(product.sku for product in products))


def refusals(desk: Desk, cleared: Cleared) -> list[dict[str, str]]:
    """What the simulated Whistl says against an order that screening let through."""
    reference = desk.reference
    body = order_body(
        cleared.order,
        order_number=cleared.order_number,
        client_code="ACME",
        site="SW",
        service=cleared.service,
        products=reference.products,
        delivery=cleared.delivery,
        is_ddp=cleared.is_ddp,
    )
    catalogue = Catalogue(services=reference.services, product=reference.products.get)
    return examine(body, catalogue).details


def assert_sound_verdicts(desk: Desk, orders: list[Order]) -> int:
    result = screen(orders, desk.reference)
    assert [verdict.order for verdict in result.verdicts] == orders
    for verdict in result.verdicts:
        if isinstance(verdict, Blocked):
            assert verdict.problems
        else:
            assert refusals(desk, verdict) == []
    shown = result.failure_cases[["subject", "field", "value", "message"]]
    assert all(text.isprintable() for text in shown.to_numpy().ravel())
    return sum(isinstance(verdict, Cleared) for verdict in result.verdicts)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    fields = {
        name: draw(st.sampled_from(sound) | ANYTHING if draw(st.booleans()) else st.just(sound[0]))
        for name, sound in SOUND.items()
    }
    return Address(**fields)


@given(
    delivery=st.none() | addresses(),
    option=st.sampled_from(OPTIONS) | ANYTHING,
    currency=st.just("GBP") | ANYTHING,
    lines=st.lists(
        st.tuples(
            st.sampled_from([*SKUS, *(product.sku for product in ODD_PRODUCTS)]) | ANYTHING,
            st.integers(-1, 100_001),
            st.decimals() | st.decimals(0, 100_000, places=2),
        ),
        max_size=4,
    ),
    number=st.integers(-(10**14), 10**14) | st.just(1),
)
def test_no_order_however_odd_crashes_screening_or_passes_and_is_refused(
    desk_with_odd_products: Desk,
    delivery: Address | None,
    option: str,
    currency: str,
    lines: list[tuple[str, int, Decimal]],
    number: int,
) -> None:
    desk = desk_with_odd_products
    odd = desk.order(
        number=number,
        delivery=delivery,
        currency=currency,
        shipping_option=desk.option(option),
        lines=tuple(
            OrderLine(line_id=n, sku=sku, quantity=quantity, unit_price=price)
            for n, (sku, quantity, price) in enumerate(lines)
        ),
    )

    assert assert_sound_verdicts(desk, [odd, desk.order()]) >= 1


@given(
    country=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)) | ANYTHING,
    parts=st.fixed_dictionaries({field: ANYTHING for field in SOUND if field != "country"}),
)
def test_no_text_in_any_part_for_any_country_crashes_screening(
    desk: Desk, country: str, parts: dict[str, str]
) -> None:
    order = desk.order(
        delivery=Address(**parts, country=country), shipping_option=desk.option("International")
    )

    assert_sound_verdicts(desk, [order])


def test_half_a_character_in_any_text_stops_no_order_beside_it(desk: Desk) -> None:
    half = "A\ud800"
    faulty = [
        desk.order(currency=half),
        *(desk.order(address={name: half}) for name in SOUND),
        desk.order(shipping_option=desk.option(half)),
        desk.order(lines=(desk.line(half),)),
    ]

    result = screen([*faulty, desk.order()], desk.reference)

    first, *others = result.verdicts
    assert {problem.kind for problem in first.problems} == {"currency_invalid"}
    # Phone and e-mail are left out where they cannot be read; the last order is sound.
    *left_out, sound = [verdict for verdict in others if isinstance(verdict, Cleared)]
    assert [verdict.warnings[0].kind for verdict in left_out] == [
        "phone_left_out",
        "email_left_out",
    ]
    assert (sound.warnings, sound.order) == ((), result.verdicts[-1].order)


def test_of_thousands_of_likely_orders_none_passes_and_is_refused(
    desk_with_odd_products: Desk,
) -> None:
    desk, rng = desk_with_odd_products, random.Random(7)  # noqa: S311 - a seeded test
    skus = [*SKUS, *(product.sku for product in ODD_PRODUCTS)]

    def order(number: int) -> Order:
        fields = {
            name: rng.choice(sound) if rng.random() < 0.4 else sound[0]
            for name, sound in SOUND.items()
        }
        lines = tuple(
            desk.line("TEE-BLK-M" if rng.random() < 0.8 else rng.choice(skus), line_id=n)
            for n in range(rng.randint(1, 4))
        )
        return replace(
            desk.order(number=number, shipping_option=desk.option(rng.choice(OPTIONS[:4]))),
            delivery=Address(**fields),
            lines=lines,
        )

    cleared = assert_sound_verdicts(desk, [order(n) for n in range(5_000)])

    assert 500 < cleared < 4_500
