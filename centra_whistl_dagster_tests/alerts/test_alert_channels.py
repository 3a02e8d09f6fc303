"""Letters over real mail and real HTTP, and what a channel that fails, hangs or drips can spoil."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from centra_whistl_dagster.alerts.delivery import Letter, post
from centra_whistl_dagster.demo.inbox import Inbox
from centra_whistl_dagster.launching.dagster_processes import free_port

HOSTILE_TITLE = "<b>Urgent</b>\r\nBcc: everybody@example.com\r\n\r\n<script>"
HOSTILE_BODY = "<img src=http://evil.example/x> & *bold* <!channel>\nsecond line"


def letter(number: int, address: str, **changes: str) -> Letter:
    plain = {"title": f"Title {number}", "body": f"Body {number}", "severity": "warning"}
    return Letter(id=number, address=address, **(plain | changes))


@pytest.fixture
def dripping() -> Iterator[str]:
    """A web hook that takes everything and never ends its answer."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def drip() -> None:
            taken = []
            while not ends.is_set():
                try:
                    taken.append(server.accept()[0])
                    taken[-1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                except TimeoutError:
                    for connection in taken:
                        with suppress(ConnectionError):  # who asked has left, as hoped
                            connection.sendall(b"x")
            for connection in taken:
                connection.close()

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"json://127.0.0.1:{server.getsockname()[1]}/x"
        finally:
            ends.set()
            thread.join()


def test_a_mail_arrives_as_plain_text_with_no_header_of_its_sender_s_making(inbox: Inbox) -> None:
    answers = post(
        [
            letter(
                1, inbox.mail_url("cx"), title=HOSTILE_TITLE, body=HOSTILE_BODY, severity="failure"
            )
        ]
    )

    assert answers == {1: None}
    (mail,) = inbox.received
    assert mail.to == "cx"
    assert mail.content_type == "text/plain"
    assert mail.body.split() == HOSTILE_BODY.split()
    assert "bcc" not in {name.lower() for name, _ in mail.headers}
    assert "\n" not in mail.title


def test_a_web_hook_gets_the_text_as_it_is(inbox: Inbox) -> None:
    assert post([letter(1, inbox.web_url("data"), body=HOSTILE_BODY)]) == {1: None}

    (received,) = inbox.received
    assert (received.to, received.body) == ("data", HOSTILE_BODY)


def test_several_addresses_in_one_setting_all_get_the_letter(inbox: Inbox) -> None:
    both = f"{inbox.mail_url('cx')} {inbox.web_url('cx')}"

    assert post([letter(1, both)]) == {1: None}

    assert len(inbox.received) == 2


def test_a_dead_channel_delays_no_other_and_says_why(inbox: Inbox) -> None:
    dead = f"json://127.0.0.1:{free_port()}/x"
    letters = [letter(n, dead) for n in range(5)] + [letter(9, inbox.web_url("data"))]

    answers = post(letters)

    assert answers[9] is None
    assert "onnection" in str(answers[0])
    # Two refusals in a row tell that it is dead; the rest is not tried.
    assert set(answers) == {0, 1, 9}


def test_one_letter_that_a_channel_cannot_take_keeps_no_other_back(inbox: Inbox) -> None:
    inbox.refused_words.add("poison")
    url = inbox.web_url("cx")

    answers = post([letter(1, url), letter(2, url, body="poison"), letter(3, url)])

    assert answers[1] is None
    assert answers[2] is not None
    assert answers[3] is None


def test_a_channel_that_drips_its_answer_is_left(inbox: Inbox, dripping: str) -> None:
    answers = post([letter(1, dripping), letter(2, inbox.mail_url("cx"))], seconds=8.0)

    assert answers[2] is None
    # Given up by apprise, or cut off with the process: not accepted either way.
    assert answers.get(1, "no answer") is not None


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
def test_a_redirect_of_a_channel_is_not_followed(status: int, wish: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as elsewhere,
        socket.create_server(("127.0.0.1", 0)) as channel,
    ):
        location = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x"
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"

        def redirect() -> None:
            connection, _ = channel.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(moved.encode())

        threading.Thread(target=redirect, daemon=True).start()
        answers = post([letter(1, f"json://127.0.0.1:{channel.getsockname()[1]}/x{wish}")])
        elsewhere.setblocking(False)

        assert answers.get(1, "no answer") is not None
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How each child process that sends letters was started."""
    started: list[dict[str, Any]] = []

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
        started.append(how)
        return subprocess.CompletedProcess(command, 0, stdout=b"")

    monkeypatch.setattr(subprocess, "run", run)
    return started


def test_the_letters_of_one_run_have_a_time_limit(children: list[dict[str, Any]]) -> None:
    post([letter(1, "json://127.0.0.1/x")], seconds=8.0)

    (child,) = children
    assert json.loads(child["input"])["seconds"] == 8.0
    # A sensor has a minute, and what the child needs to start is added to its own limit.
    assert 8.0 < child["timeout"] < 20.0


def test_a_proxy_and_certificates_of_the_environment_are_not_used(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody)
        monkeypatch.setenv(name.lower(), nobody)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert post([letter(1, inbox.web_url("data"))]) == {1: None}

    assert len(inbox.received) == 1


def test_the_process_that_sends_letters_knows_no_secret_of_the_connection(
    children: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CENTRA_TOKEN", "secret")

    post([letter(1, "json://127.0.0.1/x")])

    assert "secret" not in children[0]["env"].values()


def test_an_invalid_address_is_reported_as_such() -> None:
    assert post([letter(1, "nonsense")]) == {1: "apprise does not recognise the address"}
