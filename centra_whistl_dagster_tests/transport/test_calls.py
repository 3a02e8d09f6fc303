"""Tries, waits, deadlines and what a call shows of itself."""

from __future__ import annotations

import logging
import random
import socket
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from centra_whistl_dagster.transport import (
    AccessDenied,
    BearerToken,
    CallKind,
    ContractBroken,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Quota,
    Refused,
    Throttled,
    Transport,
    Wire,
)

READ, WRITE, CREATE = CallKind.READ, CallKind.IDEMPOTENT_WRITE, CallKind.CREATE

TransportTo = Callable[..., Transport]


class Script:
    """Answers as prepared, in order; the last one for ever. An exception is raised instead."""

    def __init__(self, *steps: httpx.Response | Exception) -> None:
        self._steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Exception):
            raise step
        return step


def ok() -> httpx.Response:
    return httpx.Response(200, json={"fine": True})


def says(status: int, code: str | None = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": code} if code else {}, headers=headers)


def lost() -> httpx.ReadTimeout:
    return httpx.ReadTimeout("timed out")


def unsent() -> httpx.ConnectError:
    return httpx.ConnectError("[Errno 111] Connection refused")


def call(transport: Transport, kind: CallKind = READ, **arguments: Any) -> Any:
    return transport.request(kind, "op", "POST", "things", json={}, **arguments).body


# ---- what is repeated
@pytest.mark.parametrize("kind", [READ, WRITE])
@pytest.mark.parametrize("fault", [says(503), lost(), unsent(), says(429)], ids=str)
def test_what_may_be_repeated_is_until_it_succeeds(
    transport_to: TransportTo, kind: CallKind, fault: Any
) -> None:
    script = Script(fault, fault, ok())

    assert call(transport_to(script), kind) == {"fine": True}
    assert len(script.requests) == 3


@pytest.mark.parametrize("fault", [says(500), says(503), says(408), says(499), lost()], ids=str)
def test_a_create_that_may_have_arrived_is_never_repeated(
    transport_to: TransportTo, fault: Any
) -> None:
    script = Script(fault, ok())

    with pytest.raises(OutcomeUnknown):
        call(transport_to(script), CREATE)

    assert len(script.requests) == 1


@pytest.mark.parametrize("fault", [unsent(), says(429)], ids=str)
def test_a_create_that_provably_did_not_happen_goes_again(
    transport_to: TransportTo, fault: Any
) -> None:
    script = Script(fault, ok())

    assert call(transport_to(script), CREATE) == {"fine": True}
    assert len(script.requests) == 2


@pytest.mark.parametrize("kind", CallKind)
def test_a_refusal_is_final(transport_to: TransportTo, kind: CallKind) -> None:
    script = Script(says(422, "too_long"))

    with pytest.raises(Refused) as caught:
        call(transport_to(script), kind)

    assert (caught.value.status, caught.value.code) == (422, "too_long")
    (reason,) = caught.value.reasons
    assert (reason.code, reason.field) == ("too_long", "field")
    assert len(script.requests) == 1


def test_a_refusal_inside_a_200_is_a_refusal(transport_to: TransportTo) -> None:
    with pytest.raises(Refused, match="too_long"):
        call(transport_to(Script(says(200, "too_long"))), CREATE)


def test_a_refusal_that_leaves_the_outcome_open_puts_a_create_in_doubt(
    transport_to: TransportTo,
) -> None:
    script = Script(says(409, "later"))

    with pytest.raises(OutcomeUnknown):
        call(transport_to(script), CREATE)

    assert len(script.requests) == 1


@pytest.mark.parametrize("then", [unsent(), says(429)], ids=str)
def test_a_write_whose_answer_was_lost_stays_in_doubt_however_its_repeats_end(
    transport_to: TransportTo, then: Any
) -> None:
    with pytest.raises(OutcomeUnknown):
        call(transport_to(Script(lost(), then)), WRITE)


def test_six_tries_are_all(transport_to: TransportTo) -> None:
    script = Script(unsent())

    with pytest.raises(NotSent):
        call(transport_to(script, deadline_seconds=1e6))

    assert len(script.requests) == 6


# ---- waits
def test_waits_are_spread_and_their_bounds_double(
    transport_to: TransportTo, fake_time: Any
) -> None:
    with pytest.raises(OutcomeUnknown):
        call(transport_to(Script(says(503)), deadline_seconds=1e6))

    dice = random.Random(7)  # noqa: S311 - the transport's own
    dice.getrandbits(64)
    assert fake_time.waits == [dice.uniform(0, bound) for bound in (1, 2, 4, 8, 16)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 02 Mar 2026 09:00:30 GMT", 30.0),
        ("1772442030", 30.0),
        ("1772442030.5", 30.5),
        ("2026-03-02T09:00:30Z", 30.0),
        ("2026-03-02T10:00:30+01:00", 30.0),
        ("2026-03-02 09:00:30", 30.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_other_system_says_when(
    transport_to: TransportTo, fake_time: Any, status: int, header: str, seconds: float
) -> None:
    call(transport_to(Script(says(status, **{"Retry-After": header}), ok())))

    assert fake_time.waits == [seconds]


PAST = ["Mon, 02 Mar 2020 09:00:30 GMT", "1583139630", "2020-03-02T09:00:30Z"]


@pytest.mark.parametrize("header", ["-5", "0", "soon", "nan", *PAST])
def test_a_useless_retry_after_is_as_good_as_none(
    transport_to: TransportTo, fake_time: Any, header: str
) -> None:
    call(transport_to(Script(says(429, **{"Retry-After": header}), ok())))

    (wait,) = fake_time.waits
    assert 0 < wait < 1


def test_a_ban_beyond_the_deadline_ends_the_call_at_once(
    transport_to: TransportTo, fake_time: Any
) -> None:
    script = Script(says(429, **{"Retry-After": "86400"}))

    with pytest.raises(Throttled) as caught:
        call(transport_to(script))

    assert caught.value.retry_after_seconds == 3600
    assert (len(script.requests), fake_time.waits) == (1, [])


# ---- authorization
class NumberedTokens:
    """Gives the next token each time the last one was refused."""

    def __init__(self) -> None:
        self.number = 1

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer token-{self.number}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        self.number += 1
        return True


def test_an_expired_token_is_renewed_once_even_for_a_create(transport_to: TransportTo) -> None:
    script = Script(says(401), ok())

    assert call(transport_to(script, auth=NumberedTokens()), CREATE) == {"fine": True}
    assert [r.headers["Authorization"] for r in script.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_a_token_that_is_refused_again_is_not_asked_for_a_third_time(
    transport_to: TransportTo,
) -> None:
    script = Script(says(401))

    with pytest.raises(AccessDenied):
        call(transport_to(script, auth=NumberedTokens()))

    assert len(script.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_only_a_person_can_renew_is_not_tried_again(
    transport_to: TransportTo, status: int
) -> None:
    script = Script(says(status))

    with pytest.raises(AccessDenied) as caught:
        call(transport_to(script, auth=BearerToken("t")))

    assert caught.value.advice == "Ask the mayor"
    assert len(script.requests) == 1


def test_a_404_that_gives_no_reason_is_about_our_address_not_about_the_record(
    transport_to: TransportTo,
) -> None:
    with pytest.raises(AccessDenied):
        call(transport_to(Script(httpx.Response(404, html="<h1>Not Found</h1>"))), CREATE)


def test_a_404_with_a_reason_is_a_plain_refusal(transport_to: TransportTo) -> None:
    with pytest.raises(Refused) as caught:
        call(transport_to(Script(says(404, "not_found"))))

    assert not isinstance(caught.value, AccessDenied)


def test_what_needs_a_token_that_cannot_be_had_is_not_sent(transport_to: TransportTo) -> None:
    class NoToken(NumberedTokens):
        def headers(self) -> Mapping[str, str]:
            raise NotSent(system="Testland", operation="token", detail="no token")

    script = Script(ok())

    with pytest.raises(NotSent):
        call(transport_to(script, auth=NoToken()), CREATE)

    assert script.requests == []


# ---- quotas
def test_calls_wait_for_their_share_of_the_quota(transport_to: TransportTo, fake_time: Any) -> None:
    transport = transport_to(Script(ok()), quotas={"requests": (Quota(units=2, seconds=10),)})

    for _ in range(3):
        call(transport, costs={"requests": 1})

    assert fake_time.waits == pytest.approx([10], abs=0.01)


def test_a_quota_that_is_used_up_beyond_the_deadline_sends_nothing(
    transport_to: TransportTo,
) -> None:
    script = Script(ok())
    transport = transport_to(script, quotas={"mutations": (Quota(units=1, seconds=3600),)})
    call(transport, CREATE, costs={"mutations": 1})

    with pytest.raises(Throttled, match="our own share"):
        call(transport, CREATE, costs={"mutations": 1})

    assert len(script.requests) == 1


@pytest.mark.parametrize(("kind", "is_sent"), [(READ, True), (CREATE, False)])
def test_a_create_is_not_sent_with_so_little_time_left_that_its_answer_would_be_lost(
    transport_to: TransportTo, kind: CallKind, is_sent: bool
) -> None:
    script = Script(ok())
    transport = transport_to(script, quotas={"requests": (Quota(units=1, seconds=50),)})
    call(transport, costs={"requests": 1})

    if is_sent:
        call(transport, kind, costs={"requests": 1})
    else:
        with pytest.raises(Throttled, match="our own share"):
            call(transport, kind, costs={"requests": 1})

    assert len(script.requests) == 1 + is_sent


def test_a_call_may_have_a_shorter_deadline_of_its_own(
    transport_to: TransportTo, fake_time: Any
) -> None:
    transport = transport_to(Script(says(503)))

    with pytest.raises(OutcomeUnknown):
        transport.request(READ, "op", "GET", "things", within_seconds=5.0)

    assert sum(fake_time.waits) < 5


# ---- what it shows
def test_a_log_line_holds_all_but_what_is_secret_or_personal(
    transport_to: TransportTo, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(says(503), says(422, "too_long"))
    transport = transport_to(script, auth=BearerToken("secret-token"))

    with caplog.at_level(logging.DEBUG), pytest.raises(Refused):
        transport.request(
            READ, "op", "GET", "things", params={"email": "ada@example.com"}, json={"n": "Ada"}
        )

    correlation_id = script.requests[0].headers["X-Correlation-Id"]
    (line,) = [r.getMessage() for r in caplog.records if r.name.endswith(".transport")]
    assert line.startswith("Testland op: Refused after ")
    assert line.endswith(f"2 tries [{correlation_id}]")
    for hidden in ("secret-token", "ada", "Ada", "example.com"):
        assert hidden not in caplog.text


@pytest.mark.parametrize("answer", [says(403), says(429), says(503), lost(), unsent()], ids=str)
def test_no_error_shows_an_address_or_a_token(transport_to: TransportTo, answer: Any) -> None:
    transport = transport_to(Script(answer), auth=BearerToken("secret-token"))

    with pytest.raises(IntegrationError) as caught:
        call(transport, params={"email": "ada@example.com"})

    assert "secret-token" not in str(caught.value)
    assert "ada" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://centra.example.com",
        "https://user:password@centra.example.com",
        "https://centra.example.com?token=1",
        "ftp://centra.example.com",
        "centra.example.com",
        "",
    ],
)
def test_an_address_that_would_show_our_token_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"https|address"):
        Wire(base_url)


def test_an_answer_is_read_once_more_when_it_makes_no_sense(transport_to: TransportTo) -> None:
    page = httpx.Response(200, html="<h1>One moment</h1>")
    script = Script(page, ok())

    assert call(transport_to(script)) == {"fine": True}

    with pytest.raises(ContractBroken):
        call(transport_to(Script(page)))


def test_a_retry_after_date_without_a_zone_is_utc(
    transport_to: TransportTo, fake_time: Any
) -> None:
    assert fake_time.now() == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    call(
        transport_to(Script(says(429, **{"Retry-After": "Mon, 02 Mar 2026 09:00:05 -0000"}), ok()))
    )

    assert fake_time.waits == [5.0]


def shown(error: BaseException) -> str:
    """All that a log, Dagster or a person could see of an error, causes included."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


@pytest.mark.parametrize("status", [200, 404, 422])
def test_a_refusal_shows_codes_and_fields_and_keeps_the_sentence_out_of_sight(
    transport_to: TransportTo, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Refused) as caught:
        call(transport_to(Script(says(status, "too_long"))))

    assert caught.value.detail == f"refused (HTTP {status}, too_long: too_long (field))"
    assert caught.value.reasons[0].foreign_text == "12 High Street is no address"
    assert "High Street" not in shown(caught.value) + caplog.text


def test_a_refusal_that_leaves_the_outcome_open_shows_no_sentence_either(
    transport_to: TransportTo,
) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        call(transport_to(Script(says(409, "later"))), CREATE)

    assert "High Street" not in shown(caught.value)


@pytest.mark.parametrize("token", ["secret\ntoken", "secret\x00token", "s\u00e9cret-token"])
def test_a_token_that_http_cannot_carry_is_not_sent_and_not_shown(
    transport_to: TransportTo, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    # The header is checked when it is written to a connection, so one is needed.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        transport = transport_to(Script(ok()), auth=BearerToken(token))
        wire = Wire(f"http://127.0.0.1:{port}")
        monkeypatch.setattr(transport, "_wire", wire)
        with pytest.raises(NotSent, match="token in the settings") as caught:
            call(transport)
        wire.close()

    assert "cret" not in shown(caught.value)
    assert "Illegal" not in shown(caught.value)


def test_an_address_that_is_wrong_is_not_quoted_with_its_password() -> None:
    with pytest.raises(ValueError, match="not a valid URL") as caught:
        Wire("https://user:pass/word@centra.example.com")

    assert "pass" not in str(caught.value)
    assert caught.value.__suppress_context__
