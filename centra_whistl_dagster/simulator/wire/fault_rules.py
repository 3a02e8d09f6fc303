"""Which request to a simulated system meets which network fault, and how often each has struck."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

SYSTEMS = ("centra", "whistl")


class FaultKind(StrEnum):
    """What happens to a request. "After" means that the system did what was asked."""

    LOSE_ANSWER_AFTER = "lose_answer_after"  # done; the connection closes without a byte
    ERROR_500_AFTER = "error_500_after"  # done; answered with 500
    EMPTY_200 = "empty_200"  # done; answered with 200 and nothing
    TRUNCATE = "truncate"  # done; the answer is cut in half
    ERROR_503_BEFORE = "error_503_before"  # not done; answered with 503
    RATE_LIMITED = "rate_limited"  # not done; answered with 429
    REFUSED_400 = "refused_400"  # not done; the request has a member that the system does not know
    HTML_200 = "html_200"  # not done; something in between answers with a page
    HANG = "hang"  # not done; silence for `seconds`, then the connection closes
    SLOW = "slow"  # done only after `seconds`, even if the caller has left by then


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """Which requests meet a fault.

    `operation` is "*", a Whistl operation (`create_order`, `list_despatches`, ... as `whistl` names
    them), or any word of a Centra document, such as its name or a root field (`createShipment`).
    With `nth` only that matching request is hit, counted from 1; with `share` that part of them by
    chance; with neither, all.
    """

    system: str
    operation: str
    kind: FaultKind
    nth: int | None = None
    share: float | None = None
    seconds: float = 0.0
    """How long HANG and SLOW last; what 429 and 503 say in Retry-After, which 0 leaves out."""
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        if self.system not in SYSTEMS:
            raise ValueError(f"system is {self.system!r}; it is one of {', '.join(SYSTEMS)}")
        if self.nth is not None and self.share is not None:
            raise ValueError("a rule has nth or share, not both")


class Faults:
    """The rules in force and how often each kind struck. Safe to use from several threads."""

    def __init__(self, *, seed: int) -> None:
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []
        self.fired: Counter[str] = Counter()
        """By `system operation kind`; clearing the rules keeps it."""
        self.wait: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How SLOW lets its seconds pass; a test may decide itself when they have."""

    def put(self, *rules: FaultRule) -> None:
        """Add rules; of several that match one request, the first that strikes is taken."""
        with self._lock:
            self._rules.extend(rules)

    def clear(self) -> None:
        """Let everything go well from now on."""
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[FaultRule]:
        """Return the rules in force."""
        with self._lock:
            return list(self._rules)

    def strike(self, system: str, words: frozenset[str]) -> FaultRule | None:
        """Return the rule that hits this request, counting it, or None."""
        with self._lock:
            struck: FaultRule | None = None
            for rule in self._rules:
                if rule.system != system or not (rule.operation == "*" or rule.operation in words):
                    continue
                rule.matched += 1
                if struck is None and self._strikes(rule):
                    struck = rule
            if struck is not None:
                struck.fired += 1
                self.fired[f"{system} {struck.operation} {struck.kind}"] += 1
            return struck

    def _strikes(self, rule: FaultRule) -> bool:
        if rule.nth is not None:
            return rule.matched == rule.nth
        return rule.share is None or self._rng.random() < rule.share
