"""A sign of life is one request, and nothing that goes wrong with it quotes the address."""

from __future__ import annotations

import httpx
import pytest

from centra_whistl_dagster.transport import IntegrationError, NotSent, OutcomeUnknown, Refused, Wire
from centra_whistl_dagster.transport.dead_mans_switch import checked_sign_url, send_sign_of_life

URL = "https://signs.example/ping/0f1e-secret?state=complete"


def sent_to(answer: httpx.Response | Exception) -> list[httpx.Request]:
    """Send a sign of life to a service that answers so; return what reached it."""
    reached: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        reached.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    send_sign_of_life(URL, wire=Wire("https://signs.example", mount=httpx.MockTransport(handle)))
    return reached


def test_a_sign_of_life_is_one_request_to_the_whole_address() -> None:
    (request,) = sent_to(httpx.Response(200, text="OK"))

    assert (request.method, str(request.url)) == ("GET", URL)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("Connection refused"), NotSent),
        (httpx.ReadTimeout("too slow"), OutcomeUnknown),
        (httpx.Response(404, text="no such check: 0f1e-secret"), Refused),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), Refused),
        (httpx.Response(200, content=b"x" * 100_000), OutcomeUnknown),
    ],
)
def test_a_sign_that_was_not_taken_is_an_error_without_the_address(
    answer: httpx.Response | Exception, error: type[IntegrationError]
) -> None:
    with pytest.raises(error) as caught:
        sent_to(answer)

    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith("Dead man's switch, sign_of_life: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://signs.example/ping",
        "https://user:password@signs.example/ping",
        "https:///ping",
        "https://signs.example/ping#part",
        "signs.example/ping",
        "ftp://signs.example/ping",
    ],
)
def test_an_address_that_is_no_place_for_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|https"):
        checked_sign_url(url)


def test_an_address_on_this_machine_needs_no_tls() -> None:
    assert checked_sign_url("http://127.0.0.1:8000/ping").path == "/ping"
