"""The desk over HTTP: beside a shop where everything has happened, and beside a quiet one."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape

import httpx
import pytest
from starlette.types import ASGIApp

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.desk.app import create_app
from centra_whistl_dagster.desk.serving import LOOPBACK, server_of
from centra_whistl_dagster.desk.settings import load_desk_settings
from centra_whistl_dagster.simulator.people.shoppers import ADA
from centra_whistl_dagster.simulator.whistl.snapshots import take_snapshot
from centra_whistl_dagster.simulator.wire.fault_rules import FaultKind
from centra_whistl_dagster.simulator.wire.server import RunningSimulator
from centra_whistl_dagster.simulator.world.catalogue import stock_world
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.warehouse import open_warehouse
from centra_whistl_dagster.simulator.world.world import CentraOrder, Settings, World
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.step_failures import note_success
from centra_whistl_dagster.workflows.orders.balance import compare_with_centra
from centra_whistl_dagster.workflows.reference.refresh import refresh_reference
from centra_whistl_dagster.workflows.stock.divergence import measure_divergence
from centra_whistl_dagster.workflows.upkeep import history
from centra_whistl_dagster.workflows.upkeep.health import POLLS_CENTRA, POLLS_WHISTL, PUBLISHES
from centra_whistl_dagster_tests.workflows.conftest import (
    Desk,
    desk,
    environment,
    environment_in,
    settings,
)

__all__ = ["desk", "environment", "settings"]

URL = "https://desk.example.com"
SECRET = "secret-of-the-proxy-and-long"
ROLES = "ann@example.com=operator,bob@example.com=releaser,eve@example.com=releaser"
HOSTILE = '"><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>'


@dataclass
class Pages:
    """A browser behind the proxy, as one person."""

    client: httpx.Client
    name: str = "ann@example.com"
    headers: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Pages:
        """The same browser, as another person."""
        return Pages(self.client, name)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path, headers=self._sent(), follow_redirects=False)

    def text(self, path: str) -> str:
        """What a person reads on a page."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return read(answer.text)

    def token(self, path: str = "/") -> str:
        """The token of a page's forms; blank where it has none."""
        found = re.search(r'name="token" value="([^"]*)"', self.get(path).text)
        return found[1] if found else ""

    def post(self, path: str, *, token: str | None = None, **form: str) -> httpx.Response:
        sent = token if token is not None else self.token(path.rpartition("/")[0])
        headers = {"Origin": URL} | self._sent()
        data = {"token": sent, **form}
        return self.client.post(path, data=data, headers=headers, follow_redirects=False)

    def _sent(self) -> dict[str, str]:
        return {"X-Desk-Secret": SECRET, "X-Forwarded-User": self.name} | self.headers


def read(html: str) -> str:
    """What a person reads of a page: no tags, each space once."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@contextmanager
def served(app: ASGIApp, *, host: str = "desk.example.com") -> Iterator[httpx.Client]:
    """Serve an application as in production, and return a browser that opens it by a name."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = listening.getsockname()[1]
        try:
            with httpx.Client(
                base_url=f"http://{LOOPBACK}:{port}",
                headers={"Host": host},
                trust_env=False,
                timeout=60,
            ) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(30)


@contextmanager
def pages_of(desk: Desk, **changes: str) -> Iterator[Pages]:
    """The desk of an installation, behind its proxy."""
    environment = desk.environment | {
        "DESK_URL": URL,
        "DESK_ROLES": ROLES,
        "DESK_PROXY_SECRET": SECRET,
        **changes,
    }
    app = create_app(load_desk_settings(environment, over_socket=False), now=desk.clock)
    with served(app) as client:
        yield Pages(client)


@pytest.fixture
def pages(desk: Desk) -> Iterator[Pages]:
    with pages_of(desk) as opened:
        yield opened


@dataclass
class Shop:
    """A shop where everything has happened, and its desk."""

    desk: Desk
    pages: Pages
    blocked: CentraOrder
    """Its phone is missing."""
    hostile: CentraOrder
    """Its shopper, and the name of its shipping option, attack whoever reads them."""
    left: CentraOrder
    """It has left the warehouse, and Centra has its parcels."""
    at_whistl: CentraOrder
    in_doubt: CentraOrder
    refused_feed: str


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Live through it once for all tests that only read."""
    clock = ManualClock()
    world = World(
        Settings(
            seed=7,
            skus=40,
            speed=20,
            centra_limits=None,
            switches={"whistl_requests_per_minute": None},
        ),
        now=clock,
    )
    stock_world(world)
    open_warehouse(world)
    with ExitStack() as stack:
        simulator = stack.enter_context(RunningSimulator(world))
        desk = Desk(
            world=world,
            clock=clock,
            environment=environment_in(tmp_path_factory.mktemp("shop"), simulator, world),
            link=None,  # type: ignore[arg-type]  # opened in the next line
            _open=stack,
            skus=world.whistl_skus(),
        )
        desk.reopen()
        pages = stack.enter_context(pages_of(desk))
        yield played(desk, pages)


def express(world: World) -> dict[str, object]:
    """The shipping option whose service needs a phone."""
    return next(option for option in world.shipping_options if "xpress" in str(option["name"]))


def without_phone(desk: Desk) -> CentraOrder:
    """Let a shopper order with a service that needs a phone, and give none."""
    address = {**ADA, "phoneNumber": "", "cellPhoneNumber": ""}
    return desk.order((desk.skus[3], 2), address=address, option=express(desk.world))


def hostile_order(desk: Desk) -> CentraOrder:
    """Let a shopper order under a name, and with an option, that are written to do harm."""
    address = {**ADA, "firstName": HOSTILE, "zipCode": "<b>N1</b>"}
    option = {**desk.world.shipping_options[0], "name": HOSTILE}
    return desk.order((desk.skus[4], 1), address=address, option=option)


def played(desk: Desk, pages: Pages) -> Shop:
    """Let orders leave, fail and get lost, and Whistl send a feed that nobody believes."""
    refresh_reference(desk.link)
    left = desk.order((desk.skus[0], 2), (desk.skus[1], 1))
    desk.sync_stock()
    desk.relay_orders()
    desk.wait_a_day()
    desk.relay(3)
    blocked, hostile = without_phone(desk), hostile_order(desk)
    at_whistl = desk.order((desk.skus[5], 1))
    desk.relay_orders()
    desk.fault("whistl", "create_order", FaultKind.LOSE_ANSWER_AFTER, nth=1)
    desk.switch(whistl_lookup_lag_seconds=10_000.0)
    in_doubt = desk.order((desk.skus[6], 1))
    desk.relay_orders()
    desk.wait(10)
    desk.sync_stock()
    measure_divergence(desk.link)
    with desk.world.lock:
        for sku in desk.skus[8:]:
            desk.world.shelves[sku].on_hand = 0
        take_snapshot(desk.world)
    desk.wait(30)
    desk.sync_stock()
    keep_alive(desk.link)
    compare_with_centra(desk.link)
    tell_owners(desk.link.ledger, AlertAddresses(default="json://alerts.example"))
    file = history.open_history(desk.link)
    for load in (history.load_orders, history.load_exceptions, history.load_stock):
        load(desk.link, file)
    history.publish_history(desk.link, file)
    for step in (POLLS_CENTRA, POLLS_WHISTL, PUBLISHES):
        note_success(desk.link.ledger, step)
    feeds = re.findall(r'href="/feeds/([^"/]+)"', pages.get("/feeds").text)
    return Shop(
        desk=desk,
        pages=pages,
        blocked=blocked,
        hostile=hostile,
        left=left,
        at_whistl=at_whistl,
        in_doubt=in_doubt,
        refused_feed=feeds[0] if feeds else "",
    )
