"""Both simulated systems behind one port on loopback, and the clock that keeps their world going.

`/centra/graphql`, `/whistl/oauth/token` and `/whistl/v2/...` are what the product may call.
`/_sim/...` is for the operator of the simulation: the truth, opening and closing the shop, what is
reported to customer service, faults. Does not belong here: what is answered (`centra`, `whistl`),
and what is pushed (`centra.announcements`).
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from centra_whistl_dagster.simulator.centra.announcements import Pusher
from centra_whistl_dagster.simulator.centra.app import centra_routes
from centra_whistl_dagster.simulator.people.behaviour import Opening, People
from centra_whistl_dagster.simulator.truth.scoreboard import truth
from centra_whistl_dagster.simulator.whistl.app import whistl_routes
from centra_whistl_dagster.simulator.wire.faults import FaultMiddleware, fault_routes
from centra_whistl_dagster.simulator.world.world import World

LOOPBACK = "127.0.0.1"
TICK_SECONDS = 0.05
START_SECONDS = 10.0
SHUTDOWN_SECONDS = 1
STOP_CHECK_SECONDS = 0.01


def create_app(world: World, *, people: People) -> ASGIApp:
    """Serve a world over HTTP, with the tokens and limits of its settings."""
    return FaultMiddleware(
        Starlette(
            routes=[
                Mount("/centra", routes=centra_routes(world)),
                Mount("/whistl", routes=whistl_routes(world)),
                Mount("/_sim", routes=[*_sim_routes(world, people), *fault_routes(world.faults)]),
            ]
        ),
        world.faults,
    )


def _sim_routes(world: World, people: People) -> list[Route]:
    async def show_truth(request: Request) -> Response:
        """POST may say what is held back on purpose, and when an order counts as late."""
        asked = await request.json() if request.method == "POST" else {}
        with world.lock:
            return JSONResponse(truth(world, **asked))

    async def trade(request: Request) -> Response:
        """`{"on": true, "opening": {"healthy": 4, ...}}`; the opening is optional."""
        wanted = await request.json()
        if not isinstance(wanted, dict) or not isinstance(wanted.get("on"), bool):
            return JSONResponse({"error": 'expected {"on": true} or {"on": false}'}, 400)
        if wanted["on"]:
            try:
                opening = Opening(**wanted.get("opening") or {})
            except TypeError as error:
                return JSONResponse({"error": f"opening: {error}"}, 400)
            people.open(opening)
        else:
            people.close()
        return JSONResponse({"on": world.is_trading})

    async def report(request: Request) -> Response:
        """`{"orders": [100001, ...]}`: numbers of bad orders that customer service now knows of."""
        wanted = await request.json()
        numbers = wanted.get("orders") if isinstance(wanted, dict) else None
        if not isinstance(numbers, list) or not all(isinstance(n, int) for n in numbers):
            return JSONResponse({"error": 'expected {"orders": [100001]}'}, 400)
        people.report(numbers)
        return JSONResponse({"unreported": sorted(world.unreported)})

    return [
        Route("/truth", show_truth, methods=["GET", "POST"]),
        Route("/trading", trade, methods=["POST"]),
        Route("/reported", report, methods=["POST"]),
    ]


class _Server(uvicorn.Server):
    """Stops at once: uvicorn checks ten times a second, which adds up over the tests."""

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(STOP_CHECK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        given_up_at = time.monotonic() + SHUTDOWN_SECONDS
        while self.server_state.connections and time.monotonic() < given_up_at:
            await asyncio.sleep(STOP_CHECK_SECONDS)


class RunningSimulator:
    """A world served from a thread of this process, for as long as the `with` block lasts.

    With `ticks` the world follows the wall clock; without, a test moves its clock.
    """

    def __init__(self, world: World, *, port: int = 0, ticks: bool = False) -> None:
        self.world = world
        self.people = People(world)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{LOOPBACK}:{self.port}"
        self.centra_url = f"{self.base_url}/centra"
        self.whistl_url = f"{self.base_url}/whistl"
        self._server = _Server(
            uvicorn.Config(
                create_app(world, people=self.people),
                lifespan="off",
                log_level="warning",
                access_log=False,
                # Centra's answers have the world's own time: a test moves its clock.
                date_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._serve, name="simulator", daemon=True)]
        self._pusher = Pusher(world)
        if ticks:
            self._threads.append(threading.Thread(target=self._tick, name="ticker", daemon=True))
            if world.settings.pushes_to:
                push = threading.Thread(target=self._push, name="pusher", daemon=True)
                self._threads.append(push)

    def __enter__(self) -> RunningSimulator:
        for thread in self._threads:
            thread.start()
        given_up_at = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > given_up_at or not self._threads[0].is_alive():
                raise RuntimeError("the simulator did not start")
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.should_exit = True
        self.wait()
        self._socket.close()

    def wait(self) -> None:
        """Wait until every thread has ended."""
        for thread in self._threads:
            thread.join()

    @property
    def is_alive(self) -> bool:
        """False once the server or the world's clock has stopped."""
        return all(thread.is_alive() for thread in self._threads)

    def push(self) -> list[int]:
        """Push what is due to the address in the settings; return the status of each push."""
        return self._pusher.deliver()

    def _push(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.push()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.world.run_due()


def serve(world: World, port: int, *, trading: bool) -> None:
    """Serve a world by the wall clock until interrupted, or until its clock fails.

    Raises:
        RuntimeError: the server or the clock stopped by itself; a world that has stopped must not
            be mistaken for one in which nothing happens.
    """
    with RunningSimulator(world, port=port, ticks=True) as simulator:
        if trading:
            simulator.people.open()
        while simulator.is_alive:
            time.sleep(TICK_SECONDS)
    raise RuntimeError("the simulator stopped by itself; its log says why")
