"""What the simulated Centra announces by itself: its queue of events, and its pushes.

Sources: https://centra.dev/integration-api/handling-events and
https://centra.dev/fundamentals/webhooks (mode "Integration API").
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from graphql import GraphQLError, GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.answers import answering, payload
from centra_whistl_dagster.simulator.centra.goods import Resolver
from centra_whistl_dagster.simulator.centra.search import paged
from centra_whistl_dagster.simulator.world.records import OrderChange
from centra_whistl_dagster.simulator.world.world import World

MOST_EVENTS = 100
TIMEOUT_SECONDS = 5.0
_CHANGE_TYPES = {"insert": "CREATED", "update": "UPDATED"}


# ---- events
def events(_: object, info: GraphQLResolveInfo, limit: int) -> list[dict[str, Any]]:
    """Resolve `Query.events`: the oldest that are not confirmed; none unless they are enabled."""
    world: World = info.context.world
    if not world.switch("centra_events_enabled"):
        return []
    collect_events(world)
    return paged(world.events.values(), limit, 1)


def collect_events(world: World) -> None:
    """Put what changed since the last time into the queue, as far as somebody listens to it."""
    while world.changes_for_events:
        change = world.changes_for_events.popleft()
        kind = _CHANGE_TYPES[change.action]
        if kind in world.listened_changes:
            event_id = next(world.ids)
            world.events[event_id] = {
                "id": event_id,
                "objectType": "Order",
                "changeType": kind,
                "objectReference": change.number,
                "createdAt": change.at,
            }


def confirm(_: object, info: GraphQLResolveInfo, input: dict[str, Any]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Take events off the queue; one that is not there is ignored."""
    for event_id in input["eventsIds"]:
        info.context.world.events.pop(event_id, None)
    return payload()


def listen(_: object, info: GraphQLResolveInfo, input: list[dict[str, Any]]) -> dict[str, object]:  # noqa: A002 - Centra's name
    """Add change types of orders to those listened to; other objects never change here."""
    world: World = info.context.world
    collect_events(world)
    world.listened_changes |= _changes_in(input)
    return payload()


def stop_listening(
    _: object,
    info: GraphQLResolveInfo,
    input: list[dict[str, Any]],  # noqa: A002 - Centra's name
) -> dict[str, object]:
    """Take change types of orders away, and delete the events of these types."""
    world: World = info.context.world
    collect_events(world)
    unwanted = _changes_in(input)
    world.listened_changes -= unwanted
    for event_id, event in list(world.events.items()):
        if event["changeType"] in unwanted:
            del world.events[event_id]
    return payload()


def _changes_in(listeners: list[dict[str, Any]]) -> set[str]:
    of_orders = [one for one in listeners if one["objectType"] == "Order"]
    return {kind for one in of_orders for kind in one.get("changeTypes") or _CHANGE_TYPES.values()}


EVENT_MUTATIONS: dict[str, Resolver] = {
    "confirmEvents": answering(confirm),
    "setEventListeners": answering(listen),
    "unsetEventListeners": answering(stop_listening),
}


def read_number(value: object) -> int:
    """Return an Int64, which GraphQL's own Int cannot hold.

    Raises:
        GraphQLError: it is no whole number.
    """
    if not isinstance(value, int):
        raise GraphQLError("Int64 must be a whole number")
    return value


# ---- pushes
@dataclass(slots=True)
class Pusher:
    """Sends what changed to the address of the shop's webhook plugin, as often as it is asked to.

    Pushes are lost, late, repeated or wrongly signed as the switches say.
    """

    world: World
    _late: deque[OrderChange] = field(default_factory=deque)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Have chances of its own: the world's stay the same with and without pushes."""
        self._rng = random.Random(self.world.settings.seed)

    def deliver(self) -> list[int]:
        """Push what is due, and return the HTTP status of each push; 0 where none came."""
        return [self._send(body, signature) for body, signature in self._due()]

    def _due(self) -> list[tuple[bytes, str]]:
        with self.world.lock:
            self._late.extend(self.world.changes_to_push)
            self.world.changes_to_push.clear()
            delay = timedelta(seconds=self.world.switch("centra_push_delay_seconds"))
            due = []
            while self._late and self._late[0].at + delay <= self.world.now():
                due.append(self._late.popleft())
            kept = [
                change
                for change in due
                if change.action in self.world.switch("centra_pushed_actions")
                and not self._happens("centra_push_dropped_share")
            ]
            parts = [
                kept[start : start + MOST_EVENTS] for start in range(0, len(kept), MOST_EVENTS)
            ]
            pushes = [self._signed(part) for part in parts]
            again = [push for push in pushes if self._happens("centra_push_repeated_share")]
            return [*pushes, *again]

    def _happens(self, switch: str) -> bool:
        return self._rng.random() < float(self.world.switch(switch))

    def _signed(self, changes: list[OrderChange]) -> tuple[bytes, str]:
        body = push_body(changes)
        secret = self.world.settings.push_secret
        if self._happens("centra_push_bad_signature_share"):
            secret += "x"
        return body, signature_of(secret, body, self.world.centra_clock())

    def _send(self, body: bytes, signature: str) -> int:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Centra-Signature": signature,
        }
        request = Request(self.world.settings.pushes_to, data=body, headers=headers)  # noqa: S310 - the test's or the demo's own address
        self.world.calls["centra pushes"] += 1
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
                return int(response.status)
        except URLError as error:  # HTTP's errors among them
            return int(getattr(error, "code", 0))
        except (HTTPException, OSError):
            return 0


def push_body(changes: list[OrderChange]) -> bytes:
    """Return the form that Centra posts."""
    listed = [
        {
            "type": "order",
            "action": change.action,
            "date": f"{change.at:%Y-%m-%d %H:%M:%S.%f}",
            "id": change.number,
        }
        for change in changes
    ]
    return urlencode({"payload": json.dumps({"events": listed})}).encode()


def signature_of(secret: str, body: bytes, at: datetime) -> str:
    """Return the header `X-Centra-Signature`."""
    stamp = str(int(at.timestamp()))
    message = stamp.encode() + b"." + body
    return f"t={stamp},v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"
