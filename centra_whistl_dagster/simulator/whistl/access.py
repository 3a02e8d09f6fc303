"""Authentication and quota of the simulated Whistl: tokens, calls a minute, calls in parallel."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from centra_whistl_dagster.simulator.whistl.answers import Answer, Call, Refusal
from centra_whistl_dagster.simulator.world.world import World

WINDOW = timedelta(minutes=1)


class Access:
    """One client's tokens and quota."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[str, datetime] = {}
        """Expiry by token."""
        self._serial = itertools.count(1)
        self._recent: deque[datetime] = deque()
        self._inside = 0

    def issue_token(self, call: Call) -> Answer:
        """Answer the client credentials grant, in the shapes of RFC 6749."""
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return Answer(status=400, body={"error": "unsupported_grant_type"})
        if form.get("scope", "public") != "public":
            return Answer(status=400, body={"error": "invalid_scope"})
        wanted = (
            self._world.switch("whistl_client_id"),
            self._world.switch("whistl_client_secret"),
        )
        if (form.get("client_id"), form.get("client_secret")) != wanted:
            return Answer(status=401, body={"error": "invalid_client"})
        seconds: float = self._world.switch("whistl_token_seconds")
        seed = f"{self._world.settings.seed}/{next(self._serial)}"
        token = hashlib.sha256(seed.encode()).hexdigest()
        self._tokens[token] = self._world.now() + timedelta(seconds=seconds)
        body = {"access_token": token, "token_type": "Bearer", "scope": "public"}
        return Answer(body={**body, "expires_in": int(seconds)})

    def enter(self, headers: Mapping[str, str]) -> None:
        """Admit a call; `leave` must follow. Raises Refusal, after which it must not."""
        self._check_token(headers.get("authorization", ""))
        self._check_quota()
        self._inside += 1

    def leave(self) -> None:
        """Note that a call is over."""
        self._inside -= 1

    def quota_headers(self) -> dict[str, str]:
        """Return the `X-RateLimit-*` headers; Reset is in seconds from now."""
        limit = self._world.switch("whistl_requests_per_minute")
        if limit is None:
            return {}
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - len(self._recent))),
            "X-RateLimit-Reset": str(self._seconds_until_free()),
        }

    def _check_token(self, authorization: str) -> None:
        kind, _, token = authorization.partition(" ")
        static = self._world.switch("whistl_static_token")
        if kind == "Bearer" and static and hmac.compare_digest(token.encode(), static.encode()):
            return
        expires_at = self._tokens.get(token) if kind == "Bearer" else None
        if expires_at is None:
            raise Refusal(401, "authentication_failed", "No token, or one that we did not issue")
        if self._world.now() >= expires_at:
            raise Refusal(401, "token_expired", "The token has expired")

    def _check_quota(self) -> None:
        if self._inside >= self._world.switch("whistl_parallel_requests"):
            raise self._rate_limited("Too many calls at once", 1)
        limit = self._world.switch("whistl_requests_per_minute")
        if limit is None:
            return
        now = self._world.now()
        while self._recent and now - self._recent[0] >= WINDOW:
            self._recent.popleft()
        if len(self._recent) >= limit:
            raise self._rate_limited("Too many calls in a minute", self._seconds_until_free())
        self._recent.append(now)

    def _seconds_until_free(self) -> int:
        if not self._recent:
            return 0
        left = WINDOW - (self._world.now() - self._recent[0])
        return max(0, math.ceil(left.total_seconds()))

    def _rate_limited(self, message: str, seconds: int) -> Refusal:
        says_when = self._world.switch("whistl_retry_after")
        headers = {"Retry-After": str(seconds)} if says_when else {}
        return Refusal(429, "rate_limited", message, is_retryable=True, headers=headers)
