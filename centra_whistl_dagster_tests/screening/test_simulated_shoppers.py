"""Simulated shopping, read over HTTP: every spoiled order is blocked, and no sound one."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime

import pytest

from centra_whistl_dagster.centra.client import CentraClient, CentraConfig
from centra_whistl_dagster.config_files.shipping_services import load_service_mapping
from centra_whistl_dagster.domain.orders.order import Order
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.screening.reference_data import screening_reference
from centra_whistl_dagster.screening.screen import Cleared, ScreeningResult, screen
from centra_whistl_dagster.simulator.people.behaviour import People
from centra_whistl_dagster.simulator.whistl.validation import Catalogue, examine
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import shipping_services_csv
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.settings import TEST_TOKEN
from centra_whistl_dagster.simulator.world.world import WAREHOUSE_ID, Settings, World
from centra_whistl_dagster.whistl.mapping import order_body

KINDS = {
    "unmapped_shipping_option": "service_unmapped",
    "inactive_service": "service_inactive",
    "unknown_sku": "sku_unknown",
    "malformed_sku": "sku_malformed",
    "missing_address_line": "address_incomplete",
    "missing_city": "address_incomplete",
    "malformed_postcode": "postcode_malformed",
    "missing_phone": "phone_missing",
    "missing_email": "email_missing",
    "unsupported_character": "unsupported_character",
    "overlong_address_line": "address_too_long",
}


@pytest.fixture
def settings() -> Settings:
    never = 1e9
    return Settings(
        seed=7,
        spoiled_share=0.3,
        correction_seconds=never,
        goods_in_per_minute=30.0,
        centra_limits=None,
    )


def orders_of(simulator: RunningSimulator, world: World) -> list[Order]:
    client = CentraClient(
        CentraConfig(
            base_url=simulator.centra_url,
            token=TEST_TOKEN,
            warehouse_id=WAREHOUSE_ID,
            plan="unlimited",
        ),
        now=lambda: datetime.now(UTC),
        sleep=lambda _: None,
        rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
    )
    try:
        return client.orders([order.order_id for order in world.orders.values()])
    finally:
        client.close()


def screened(orders: list[Order], world: World) -> ScreeningResult:
    known = [item for item in world.items.values() if item.is_known_to_whistl]
    reference = screening_reference(
        mapping=load_service_mapping(shipping_services_csv(world), "shipping_services.csv"),
        services=world.services.values(),
        products=[item.product for item in known],
        centra_skus=frozenset(world.items),
        policy=ScreeningPolicy(),
        today=date(2026, 6, 1),
        order_number_prefix="C",
    )
    return screen(orders, reference)


def refusals(world: World, cleared: Cleared) -> list[dict[str, str]]:
    products = {item.sku: item.product for item in world.items.values() if item.is_known_to_whistl}
    body = order_body(
        cleared.order,
        order_number=cleared.order_number,
        client_code="ACME",
        site="SW",
        service=cleared.service,
        products=products,
        delivery=cleared.delivery,
        is_ddp=cleared.is_ddp,
    )
    return examine(body, Catalogue(services=world.services, product=products.get)).details


def test_every_spoiled_order_is_blocked_under_its_kind_and_no_sound_one(
    simulator: RunningSimulator, world: World, clock: ManualClock
) -> None:
    people = People(world)
    people.open()
    clock.run(world, 600.0)
    people.close()
    found: dict[str | None, set[str]] = defaultdict(set)

    for verdict in screened(orders_of(simulator, world), world).verdicts:
        spoilage = world.orders_by_number[verdict.order.number].spoilage
        if isinstance(verdict, Cleared):
            assert spoilage is None
            assert refusals(world, verdict) == []
        else:
            found[spoilage] |= {str(problem.kind) for problem in verdict.problems}

    assert found == {spoilage: {kind} for spoilage, kind in KINDS.items()}
