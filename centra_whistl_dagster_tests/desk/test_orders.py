"""One order, and the search box: both systems side by side, and what the simulators really did."""

from __future__ import annotations

import pytest

from centra_whistl_dagster.simulator.centra.views import gross_total
from centra_whistl_dagster.simulator.world.world import CentraOrder
from centra_whistl_dagster_tests.desk.conftest import Pages, Shop, pages_of, without_phone
from centra_whistl_dagster_tests.workflows.conftest import Desk


def tracking_numbers(order: CentraOrder) -> list[str]:
    """What Centra was told of an order's parcels."""
    return [str(shipment.info["trackingNumber"]) for shipment in order.shipments]


def test_an_order_shows_both_numbers_both_statuses_and_its_parcels(shop: Shop) -> None:
    page = shop.pages.text(f"/orders/{shop.left.number}")
    held = shop.desk.held(shop.left)
    tracking = tracking_numbers(shop.left)

    assert f"Order {shop.left.number} at Whistl {held.order_number}" in page
    assert f"Status, when last compared {held.status}" in page
    assert f"worth £{gross_total(shop.left):,.2f}" in page
    assert tracking
    for number in tracking:
        assert number in page
    assert "Nothing more is due." in page


def test_an_order_s_story_is_told_in_sentences(shop: Shop) -> None:
    page = shop.pages.text(f"/orders/{shop.left.number}")
    _, _, story = page.partition("What happened")
    sentences = (
        f"Call to Whistl: create C{shop.left.number}.",
        "Result of that call: accepted",
        "left the warehouse.",
        "in Centra, which was asked to e-mail the customer.",
    )

    places = [story.index(sentence) for sentence in sentences]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("which", "answer"),
    [
        ("blocked", "Yes: Whistl does not have it."),
        ("in_doubt", "Not known yet: Whistl is being asked"),
        ("at_whistl", "Yes, as long as Whistl has not packed it"),
        ("left", "No: it has left the warehouse."),
    ],
)
def test_it_is_said_whether_an_order_can_still_be_changed(
    shop: Shop, which: str, answer: str
) -> None:
    order: CentraOrder = getattr(shop, which)

    assert answer in shop.pages.text(f"/orders/{order.number}")


def test_what_to_do_about_each_change_names_the_team_and_whom_to_call(shop: Shop) -> None:
    contact = "client services, 01234 567890"
    with pages_of(shop.desk, DESK_WHISTL_CONTACT=contact) as pages:
        page = pages.text(f"/orders/{shop.at_whistl.number}")

    assert f"Whistl: {contact}. Give the number C{shop.at_whistl.number}." in page
    assert "order cancelled ask Whistl to stop it" in page
    assert "Customer service" in page


def test_an_order_links_to_centra_where_its_address_is_set(shop: Shop) -> None:
    template = "https://shop.example/ams/orders/{number}"
    address = f'href="https://shop.example/ams/orders/{shop.left.number}"'
    with pages_of(shop.desk, CENTRA_ADMIN_URL=template) as pages:
        assert address in pages.get(f"/orders/{shop.left.number}").text
    assert "shop.example" not in shop.pages.get(f"/orders/{shop.left.number}").text


def found(pages: Pages, text: str) -> str:
    answer = pages.client.get(
        "/find", params={"q": text}, headers=pages._sent(), follow_redirects=False
    )
    return str(answer.headers.get("location", answer.text))


def test_an_order_is_found_by_each_of_its_numbers(shop: Shop) -> None:
    address = f"/orders/{shop.left.number}"
    tracking = tracking_numbers(shop.left)[0]

    assert found(shop.pages, str(shop.left.number)) == address
    assert found(shop.pages, f" C{shop.left.number} ") == address
    assert found(shop.pages, tracking) == address


def test_a_part_of_a_number_finds_nobody_else_s_order(shop: Shop) -> None:
    tracking = tracking_numbers(shop.left)[0]

    for text in (str(shop.left.number)[:-1], tracking[:-1], "Lovelace", "%", "_" * 6, "'"):
        assert "Nothing found" in found(shop.pages, text), text


def test_a_sku_is_found_by_its_spelling(shop: Shop) -> None:
    sku = shop.desk.skus[0]

    assert found(shop.pages, sku) == f"/skus/{sku}"
    assert found(shop.pages, "") == "/"


def test_what_is_looked_for_is_shown_as_text(shop: Shop) -> None:
    page = found(shop.pages, "<script>alert(1)</script>")

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_blocked_order_says_what_waits_for_whom(desk: Desk, pages: Pages) -> None:
    order = without_phone(desk)
    desk.relay_orders()

    page = pages.text(f"/orders/{order.number}")

    assert "It is not sent while the exceptions below are open." in page
    assert "Exception 1 (cx, by " in page
    assert "not sent" in page
