"""A call: tries, waits and one deadline over all of them, and one line in the log.

Decides which failure of which kind of call is worth another try. Does not belong here: what happens
on one connection (`wire`), how an answer is judged (`judgement`), and what its fields mean
(`centra`, `whistl`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

from centra_whistl_dagster.transport.answers import ONE_RECORD, Answer, BodyLimits
from centra_whistl_dagster.transport.authorization import Authorization
from centra_whistl_dagster.transport.counting import CallCounter, HourOfCalls
from centra_whistl_dagster.transport.errors import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Throttled,
)
from centra_whistl_dagster.transport.judgement import CallKind, Judge
from centra_whistl_dagster.transport.one_call import Call, Request, encoded
from centra_whistl_dagster.transport.pacing import Lane, Pacer, Quota
from centra_whistl_dagster.transport.wire import BodyTooLarge, NoAnswer, Unreadable, Unsent, Wire

MOST_TRIES = 6
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
_CREATE_SECONDS = 15.0
"""A create that has waited must have as long left: one that is cut short is a lost answer."""
LANE_PATIENCE_SECONDS = 90.0
"""A list of many pages is lost with one of them: a page whose turn came late must have all the time
there is to be read."""
_SHORTEST_TRY_SECONDS = 0.25
"""With less time left, sending would only lose the answer."""

_logger = logging.getLogger("centra_whistl_dagster.transport")


class Transport:
    """Calls to one system. Safe to use from several threads."""

    def __init__(
        self,
        system: str,
        wire: Wire,
        judge: Judge,
        *,
        auth: Authorization | None,
        pacer: Pacer,
        sleep: Callable[[float], None],
        rng: random.Random,
        monotonic: Callable[[], float] = time.monotonic,
        deadline_seconds: float = 60.0,
        try_seconds: float = 20.0,
        counter: CallCounter | None = None,
    ) -> None:
        """Assemble a transport; nothing is sent.

        Args:
            system: its name, for logs and errors.
            wire: the connection to it.
            judge: what its answers say.
            auth: authenticates each call; None for the call that fetches a token.
            pacer: its quotas.
            sleep: waits between tries.
            rng: spreads the waits and makes the correlation ids.
            monotonic: the clock of deadlines.
            deadline_seconds: for a call with all its tries.
            try_seconds: for one try, so that a server that hangs leaves time for another.
            counter: counts every call.
        """
        # httpx writes each address with its query string at INFO.
        for noisy in ("httpx", "httpcore"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._system = system
        self._wire = wire
        self._judge = judge
        self._auth = auth
        self._pacer = pacer
        self._sleep = sleep
        self._rng = rng
        self._monotonic = monotonic
        self._deadline_seconds = deadline_seconds
        self._try_seconds = try_seconds
        self._counter = counter

    def request(
        self,
        kind: CallKind,
        operation: str,
        method: str,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        costs: Mapping[str, int] | None = None,
        lane: Lane = Lane.ORDERS,
        patience_seconds: float = LANE_PATIENCE_SECONDS,
        within_seconds: float | None = None,
        limits: BodyLimits = ONE_RECORD,
    ) -> Answer:
        """Carry out one call.

        Args:
            kind: decides what is repeated.
            operation: a plain name for logs and errors.
            method: the HTTP method.
            path: under the base address.
            json: the body, sent as JSON.
            form: the body, sent as a form.
            params: the query string.
            headers: in addition to those of authorization.
            costs: units of each quota that one try takes.
            lane: whose part of the quotas they are.
            patience_seconds: how long it may wait for its lane before its deadline begins to count;
                not used in the lane of orders.
            within_seconds: a shorter deadline than the transport's own, for a call whose caller can
                ask again later.
            limits: how much may come back.

        Raises:
            NotSent, Throttled, Refused, AccessDenied, OutcomeUnknown: of any kind of call.
            ContractBroken: of a read only.
        """
        started = self._monotonic()
        call = Call(
            kind=kind,
            operation=operation,
            lane=lane,
            patience=patience_seconds,
            correlation_id=f"{self._rng.getrandbits(64):016x}",
            ends_at=started + min(within_seconds or inf, self._deadline_seconds),
        )
        content, content_headers = encoded(json, form)
        request = Request(
            method=method,
            path=path,
            params=params,
            headers={**(headers or {}), **content_headers, "X-Correlation-Id": call.correlation_id},
            content=content,
            costs=costs or {},
            limits=limits,
        )
        outcome, level = "interrupted", logging.WARNING
        try:
            answer = self._until_done(call, request)
            outcome, level = f"HTTP {answer.status}", logging.INFO
        except IntegrationError as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = self._monotonic() - started
            self._log(call, outcome, level, seconds=seconds)
            self._count(call, is_failed=level != logging.INFO, seconds=seconds)
        return answer

    def left(self, resource: str, lane: Lane = Lane.ORDERS) -> list[tuple[int, int]]:
        """Return, per rate of a quota, a lane's share of it and what is left of that now."""
        return self._pacer.left(resource, lane)

    def allow(self, quotas: Mapping[str, Sequence[Quota]]) -> None:
        """Go by these quotas from now on.

        Raises:
            OSError: the file that counts our calls cannot be used.
        """
        self._pacer.allow(quotas)

    def take_counts(self) -> list[HourOfCalls]:
        """Return the calls counted since the last time."""
        return self._counter.take() if self._counter else []

    def close(self) -> None:
        """Close connections and shared files."""
        self._wire.close()
        self._pacer.close()

    def _log(self, call: Call, outcome: str, level: int, *, seconds: float) -> None:
        _logger.log(
            level,
            "%s %s: %s after %.2f s and %d %s [%s]",
            self._system,
            call.operation,
            outcome,
            seconds,
            call.tries,
            "try" if call.tries == 1 else "tries",
            call.correlation_id,
        )

    def _count(self, call: Call, *, is_failed: bool, seconds: float) -> None:
        if self._counter is not None:
            self._counter.add(
                call.operation,
                tries=call.tries,
                throttled=call.throttled,
                is_failed=is_failed,
                seconds=seconds,
                units=call.units,
            )

    def _until_done(self, call: Call, request: Request) -> Answer:
        while True:
            try:
                return self._one_try(call, request)
            except IntegrationError as error:
                call.throttled += isinstance(error, Throttled)
                if isinstance(error, OutcomeUnknown) and call.kind is not CallKind.READ:
                    call.lost = call.lost or error
                wait = self._wait_before_repeat(call, error)
                if wait is None:
                    if call.lost is not None and isinstance(error, NotSent | Throttled):
                        raise call.lost from error
                    raise
            self._sleep(wait)

    def _one_try(self, call: Call, request: Request) -> Answer:
        call.tries += 1
        self._pace(call, request.costs)
        credentials = self._auth.headers() if self._auth else {}
        left = call.ends_at - self._monotonic()
        least = _CREATE_SECONDS if call.kind is CallKind.CREATE else _SHORTEST_TRY_SECONDS
        if left < least:
            raise self._not_sent(call, "there was no time left to send it")
        try:
            raw = self._wire.exchange(
                request.method,
                request.path,
                headers={**request.headers, **credentials},
                params=request.params,
                content=request.content,
                seconds=min(self._try_seconds, left),
                most_bytes=request.limits.size,
            )
        except Unsent as error:
            raise self._not_sent(call, str(error), error.advice) from error
        except NoAnswer as error:
            raise OutcomeUnknown(
                system=self._system, operation=call.operation, detail=str(error)
            ) from error
        except Unreadable as error:
            raise self._judge.unreadable(call.kind, call.operation, str(error)) from error
        except BodyTooLarge as error:
            raise self._judge.too_large(call.kind, call.operation, str(error)) from error
        try:
            return self._judge.answer(call.kind, call.operation, raw, request.limits)
        except AccessDenied as error:
            # Not carried out, so even a create may be sent again with a fresh token, once.
            if (
                error.status != 401
                or call.was_renewed
                or not (self._auth and self._auth.renew(credentials))
            ):
                raise
            call.was_renewed = True
        return self._one_try(call, request)

    def _pace(self, call: Call, costs: Mapping[str, int]) -> None:
        left = call.ends_at - self._monotonic()
        for resource, units in self._pacer.charges(costs, call.lane):
            while wait := self._seconds_to_wait(call, resource, units):
                if call.lane is Lane.ORDERS:
                    left -= wait
                    may_wait = left > (_CREATE_SECONDS if call.kind is CallKind.CREATE else 0)
                else:
                    may_wait = wait <= call.patience
                    if may_wait:
                        call.patience -= wait
                        call.ends_at += wait
                if not may_wait:
                    raise Throttled(
                        system=self._system,
                        operation=call.operation,
                        detail=f"our own share of its quota of {resource} is used up",
                        retry_after_seconds=wait,
                    )
                self._sleep(wait)
            if resource in costs:
                call.units[resource] += units

    def _seconds_to_wait(self, call: Call, resource: str, units: int) -> float:
        try:
            return self._pacer.take(resource, units)
        except OSError as error:
            detail = f"the file that counts our calls cannot be used ({error})"
            advice = "Check the disk and the rights of the state folder"
            raise self._not_sent(call, detail, advice) from error

    def _not_sent(self, call: Call, detail: str, advice: str = "") -> NotSent:
        return NotSent(system=self._system, operation=call.operation, detail=detail, advice=advice)

    def _wait_before_repeat(self, call: Call, error: IntegrationError) -> float | None:
        """Return the seconds to wait before another try, None for no other try."""
        if call.tries >= MOST_TRIES or not self._is_worth_repeating(call, error):
            return None
        highest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (call.tries - 1))
        wait = self._rng.uniform(0, highest)
        if error.retry_after_seconds is not None:
            wait = max(error.retry_after_seconds, 0.0)
        return wait if wait < call.ends_at - self._monotonic() else None

    @staticmethod
    def _is_worth_repeating(call: Call, error: IntegrationError) -> bool:
        if isinstance(error, NotSent | Throttled):
            return True
        if isinstance(error, OutcomeUnknown):
            return call.kind is not CallKind.CREATE
        if isinstance(error, ContractBroken):
            # Once: a proxy's error page is gone a moment later, a changed contract is not.
            call.unreadable += 1
            return call.unreadable == 1
        return False
