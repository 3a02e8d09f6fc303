"""What Centra pushes: whether it is from Centra, when it was signed, and which orders it names.

Source: Centra's documentation of its webhook plugin in the mode "Integration API"
(https://centra.dev/fundamentals/webhooks). A push is a hint to poll, never a source of facts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

MOST_BYTES = 65_536
"""Centra sends at most 100 events of about 150 bytes each in one push."""
LONGEST_AGE = timedelta(minutes=5)
"""How far from now the time of a signature may be: an older push was recorded and sent again, or
one of the two clocks is wrong."""

_SIGNATURE = re.compile(r"t=(?P<at>\d{1,12}),v1=(?P<digest>[0-9a-fA-F]{64})", re.ASCII)
_MOST_NUMBER = 2**63 - 1


class PushRefused(Exception):
    """A push that cannot be taken for one of Centra's; nothing of it may be kept."""


class PushUnreadable(Exception):
    """A push that Centra has signed, and that is not as documented."""


def signed_at(secret: str, header: str, body: bytes, *, now: datetime) -> datetime:
    """Return when a push was signed, if it was signed with our secret a moment ago.

    Args:
        secret: what Centra's plugin and this project share.
        header: `X-Centra-Signature`, as `t=<Unix time>,v1=<HMAC-SHA256 of "t.body">`.
        body: the raw body, before anything is decoded.
        now: the time here.

    Raises:
        PushRefused: it was not.
    """
    match = _SIGNATURE.fullmatch(header.strip())
    if match is None:
        raise PushRefused("the header X-Centra-Signature is missing, or not as documented")
    message = match["at"].encode() + b"." + body
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match["digest"].lower()):
        raise PushRefused("the signature does not match: CENTRA_WEBHOOK_SECRET is not Centra's")
    # Compared as numbers: a Unix time of twelve digits has no date.
    if abs(int(match["at"]) - now.timestamp()) > LONGEST_AGE.total_seconds():
        raise PushRefused(f"it was signed more than {LONGEST_AGE} ago, or in the future")
    return datetime.fromtimestamp(int(match["at"]), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedOrders:
    """The orders that a push names, by number."""

    numbers: frozenset[int]
    inserted: frozenset[int]
    """Those of them that are new; the others were changed, by whomever."""


def pushed_orders(body: bytes) -> PushedOrders:
    """Return the orders that a push names; other events name none.

    Raises:
        PushUnreadable: it is not as documented.
    """
    try:
        (payload,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=8)["payload"]
        events = json.loads(payload)["events"]
        of_orders = [
            (event["id"], event.get("action")) for event in events if event["type"] == "order"
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PushUnreadable(f"the body is not as documented ({type(error).__name__})") from None
    numbers = frozenset(
        number for number, _ in of_orders if type(number) is int and 0 < number <= _MOST_NUMBER
    )
    if len(numbers) < len({str(number) for number, _ in of_orders}):
        raise PushUnreadable("an event of an order has no number")
    inserted = frozenset(number for number, action in of_orders if action == "insert")
    return PushedOrders(numbers=numbers, inserted=inserted)
