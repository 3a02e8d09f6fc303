"""A transport to a server of the test's choosing, on a time of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.transport import (
    Authorization,
    CallKind,
    Judge,
    Pacer,
    Quota,
    Reason,
    Refusal,
    Transport,
    Wire,
)

Handler = Callable[[httpx.Request], httpx.Response]


class FakeTime:
    """Passes only while somebody sleeps, and remembers for how long."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(seconds=sum(self.waits))

    def monotonic(self) -> float:
        return 1000.0 + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def read_refusal(status: int, body: Any, kind: CallKind) -> Refusal | None:
    """The errors of a made-up system: `{"error": code}`, some of which leave the outcome open."""
    code = body.get("error") if isinstance(body, dict) else None
    if code is None:
        return None
    reason = Reason(code=code, field="field", foreign_text="12 High Street is no address")
    return Refusal(code=code, reasons=(reason,), is_final=code != "later")


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def transport_to(fake_time: FakeTime) -> Iterator[Callable[..., Transport]]:
    """Make a transport that a function answers; every wait is fake."""
    made: list[Transport] = []

    def make(
        handler: Handler,
        *,
        auth: Authorization | None = None,
        quotas: dict[str, tuple[Quota, ...]] | None = None,
        deadline_seconds: float = 60.0,
    ) -> Transport:
        transport = Transport(
            "Testland",
            Wire("http://127.0.0.1:1", mount=httpx.MockTransport(handler)),
            Judge("Testland", read_refusal, access_advice="Ask the mayor", now=fake_time.now),
            auth=auth,
            pacer=Pacer(quotas or {}, system="Testland", share=1.0, now=fake_time.now),
            sleep=fake_time.sleep,
            rng=random.Random(7),  # noqa: S311 - spreads waits, guards nothing
            monotonic=fake_time.monotonic,
            deadline_seconds=deadline_seconds,
        )
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()
