"""Time a full stock sync over HTTP at the systems' limits, beside reading the same pages alone.

Both systems are stand-ins on loopback that answer at once. Waiting for a turn takes no time: it is
added to the clock. So the figures are the waits that the limits ask for plus our own work. Does not
belong here: what is done with stock once it is in memory (`stock`).
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

from centra_whistl_dagster.bench.timing import Timing
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import Link, open_link
from centra_whistl_dagster.workflows.stock.centra_levels import read_centra_levels
from centra_whistl_dagster.workflows.stock.sales_velocity import count_demand
from centra_whistl_dagster.workflows.stock.snapshots import read_latest_snapshot
from centra_whistl_dagster.workflows.stock.sync import publish_stock

_NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
_SNAPSHOT = "S-1"
_APART = 50
"""One SKU of so many has to be written: 2 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAtLimits:
    """What a full sync took, and what its pages took alone."""

    sync: Timing
    pages: Timing
    written: int

    @property
    def ratio(self) -> float:
        """How many times as long as its pages the sync took."""
        return self.sync.median_s / self.pages.median_s


class _Clock:
    """Real time, and on top of it the waits that were skipped."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._skipped = 0.0
        self._lock = threading.Lock()

    def seconds(self) -> float:
        return time.perf_counter() - self._began + self._skipped

    def now(self) -> datetime:
        return _NOW + timedelta(seconds=self.seconds())

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._skipped += seconds


@dataclass
class _Systems:
    """The stock of both systems."""

    skus: int
    physical: list[int] = field(default_factory=list)
    """What Centra holds of each SKU."""

    def __post_init__(self) -> None:
        self.physical = [
            40 if number % _APART == 0 else self.on_hand(number) for number in range(self.skus)
        ]

    @staticmethod
    def on_hand(number: int) -> int:
        return 50 + number % 90

    def whistl(self, path: str, asked: dict[str, list[str]]) -> dict[str, object]:
        if path.endswith("/latest"):
            head = {"snapshot_id": _SNAPSHOT, "taken_at": _NOW.isoformat(), "site": "SW"}
            return {**head, "item_count": self.skus, "complete": True}
        if not path.endswith("/items"):
            return {"data": [], "page": {"next_cursor": None, "has_more": False}}
        first, limit = int(asked.get("cursor", ["0"])[0]), int(asked["limit"][0])
        after = min(first + limit, self.skus)
        cursor = str(after) if after < self.skus else None
        rows = [_row(number, self.on_hand(number)) for number in range(first, after)]
        page = {"next_cursor": cursor, "has_more": cursor is not None}
        return {"snapshot_id": _SNAPSHOT, "data": rows, "page": page}

    def centra(self, asked: dict[str, Any]) -> dict[str, object]:
        variables = asked["variables"]
        if asked["operationName"] == "SetStock":
            for line in variables["input"]["productSizes"]:
                self.physical[int(line["productSize"]["SKU"][4:])] = line["quantity"]
            return {"data": {"setStock": {"userErrors": [], "userWarnings": []}}}
        if asked["operationName"] == "OrderStamps":
            return {"data": {"open": [], "cancelled": []}}
        limit, page = variables["limit"], variables["page"]
        wanted = (variables.get("stock") or {}).get("productSizeId")
        numbers = range(self.skus) if wanted is None else [size - 1 for size in wanted]
        stock = [self._level(number) for number in numbers[(page - 1) * limit : page * limit]]
        return {"data": {"warehouses": [{"id": 1, "stock": stock}]}}

    def _level(self, number: int) -> dict[str, object]:
        units = self.physical[number]
        size = {"id": number + 1, "SKU": f"SKU-{number:07}", "isActive": True}
        figures = {"physicalQuantity": units, "allocatedQuantity": 0, "demandQuantity": 0}
        return {**figures, "freeToAllocateQuantity": units, "productSize": size}


def _row(number: int, on_hand: int) -> dict[str, object]:
    return {
        "sku": f"SKU-{number:07}",
        "on_hand": on_hand,
        "allocated": 0,
        "quarantined": 0,
        "available": on_hand,
    }


@contextmanager
def _served(systems: _Systems) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer: the second of two would wait 40 ms for the first's receipt.
        wbufsize = 1 << 20
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self._answer(systems.whistl(url.path, parse_qs(url.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(systems.centra(json.loads(body)))

        def _answer(self, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def full_sync(skus: int) -> SyncAtLimits:
    """Time the first full sync of an installation, 2 % of whose SKUs have to be written."""
    systems = _Systems(skus)
    with _served(systems) as url:
        pages = _timed(f"the pages of {skus:,} SKUs at the limits", url, _read_pages)
        sync = _timed(f"full sync of {skus:,} SKUs at the limits", url, _sync)
    wrong = [n for n in range(skus) if systems.physical[n] > systems.on_hand(n)]
    if wrong:
        raise ValueError(f"{len(wrong)} SKUs are offered beyond what is there: nothing was synced")
    written = sum(systems.physical[n] != 40 for n in range(0, skus, _APART))
    return SyncAtLimits(sync=sync, pages=pages, written=written)


def _timed(name: str, url: str, work: Callable[[Link], None]) -> Timing:
    clock = _Clock()
    with (
        TemporaryDirectory() as folder,
        open_link(
            load_settings(_environment(Path(folder), url)), now=clock.now, sleep=clock.sleep
        ) as link,
    ):
        began = clock.seconds()
        work(link)
        seconds = clock.seconds() - began
    return Timing(name=name, runs=1, median_s=seconds, least_s=seconds, most_s=seconds)


def _read_pages(link: Link) -> None:
    with closing(link.whistl.snapshot_rows(_SNAPSHOT)) as pages:
        for _ in pages:
            pass
    for _ in link.centra.stock_levels():
        pass


def _sync(link: Link) -> None:
    read_latest_snapshot(link)
    count_demand(link)
    read_centra_levels(link)
    publish_stock(link)


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {
        "CENTRA_BASE_URL": url,
        "CENTRA_TOKEN": "none",
        "CENTRA_PLAN": "growth",
        "WHISTL_BASE_URL": url,
        "WHISTL_TOKEN": "none",
        "WHISTL_CLIENT_CODE": "BENCH",
        "WHISTL_SITE": "SW",
        "STATE_DIR": str(folder),
        "CONFIG_DIR": os.environ.get("CONFIG_DIR", "config"),
    }
