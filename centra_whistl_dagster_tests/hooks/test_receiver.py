"""The receiver keeps the order numbers of Centra's own pushes, and refuses everything else."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from centra_whistl_dagster.domain.orders.pushes import LONGEST_AGE, MOST_BYTES
from centra_whistl_dagster.hooks.command import hooks as hooks_command
from centra_whistl_dagster.hooks.receiver import create_app
from centra_whistl_dagster.launching.dagster_processes import free_port, wait_for
from centra_whistl_dagster.launching.processes import Processes
from centra_whistl_dagster.ledger import hints
from centra_whistl_dagster.ledger.engine import Ledger
from centra_whistl_dagster.ledger.hints import HintSource
from centra_whistl_dagster.simulator.centra.announcements import push_body, signature_of
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster.simulator.world.world import OrderChange
from centra_whistl_dagster_tests.hooks.conftest import SECRET

PROJECT = Path(__file__).parents[2]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def body_of(clock: ManualClock, *numbers: int) -> bytes:
    return push_body([OrderChange(number=n, action="insert", at=clock()) for n in numbers])


def post(address: str, body: bytes, signature: str | None) -> httpx.Response:
    headers = FORM if signature is None else {**FORM, "X-Centra-Signature": signature}
    return httpx.post(address, content=body, headers=headers)


def push(address: str, clock: ManualClock, *numbers: int) -> httpx.Response:
    body = body_of(clock, *numbers)
    return post(address, body, signature_of(SECRET, body, clock()))


def announced(ledger: Ledger, *numbers: int) -> set[int]:
    with ledger.reading() as tx:
        return set(hints.announced_by(tx, HintSource.PUSH, numbers))


def has_heard(ledger: Ledger) -> bool:
    with ledger.reading() as tx:
        record = hints.push_record(tx)
    return record is not None and record.heard_at is not None


def test_a_push_leaves_order_numbers_and_moments_and_nothing_else(
    address: str, ledger: Ledger, clock: ManualClock, tmp_path: Path
) -> None:
    body = push_body(
        [OrderChange(number=100_001, action="Ada Lovelace, 12 High Street", at=clock())]
    )

    answer = post(address, body, signature_of(SECRET, body, clock()))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert announced(ledger, 100_001) == {100_001}
    assert has_heard(ledger)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert b"Lovelace" not in kept
    assert SECRET.encode() not in kept


def test_a_push_without_an_order_proves_that_pushes_arrive(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    assert push(address, clock).status_code == 200
    assert has_heard(ledger)


@pytest.mark.parametrize(
    "signature",
    [None, "", "t=1,v1=2", "wrong secret", "of another body"],
    ids=["missing", "blank", "malformed", "wrong secret", "of another body"],
)
def test_a_push_that_is_not_centras_is_refused_and_leaves_nothing(
    address: str, ledger: Ledger, clock: ManualClock, signature: str | None
) -> None:
    body = body_of(clock, 100_001)
    signature = {
        "wrong secret": signature_of("another", body, clock()),
        "of another body": signature_of(SECRET, body_of(clock, 100_002), clock()),
    }.get(signature or "", signature)

    answer = post(address, body, signature)

    assert (answer.status_code, answer.text) == (401, "refused")
    assert announced(ledger, 100_001, 100_002) == set()
    assert not has_heard(ledger)


def test_a_recorded_push_is_refused_once_it_is_old(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    body = body_of(clock, 100_001)
    signature = signature_of(SECRET, body, clock())
    clock.advance(LONGEST_AGE.total_seconds() + 1)

    assert post(address, body, signature).status_code == 401
    assert announced(ledger, 100_001) == set()


def test_a_push_that_is_sent_again_at_once_is_taken_once_and_proves_nothing_new(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    body = body_of(clock, 100_001)
    signature = signature_of(SECRET, body, clock())
    at = clock()
    assert post(address, body, signature).status_code == 200

    clock.advance(LONGEST_AGE.total_seconds() - 1)
    assert post(address, body, signature).status_code == 200

    with ledger.reading() as tx:
        assert hints.announced_by(tx, HintSource.PUSH, [100_001]) == {100_001: at}
        record = hints.push_record(tx)
        count = tx.execute(sa.text("SELECT count(*) FROM order_hints")).scalar_one()
    assert record is not None
    assert record.heard_at == at
    assert count == len({HintSource.PUSH, HintSource.INSERT})


def test_a_clock_of_centras_that_is_ahead_makes_no_push_from_the_future(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    body = body_of(clock, 100_001)

    ahead = signature_of(SECRET, body, clock() + timedelta(minutes=4))

    assert post(address, body, ahead).status_code == 200
    with ledger.reading() as tx:
        record = hints.push_record(tx)
    assert record is not None
    assert record.heard_at == clock()


def test_a_signed_push_that_is_not_as_documented_is_refused(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    body = b"payload=%7B%22x%22%3A%22test%22%7D"

    assert post(address, body, signature_of(SECRET, body, clock())).status_code == 400
    assert not has_heard(ledger)


@pytest.mark.parametrize("is_in_parts", [False, True], ids=["with its length", "in parts"])
def test_more_than_a_push_can_have_is_not_read(
    address: str, ledger: Ledger, clock: ManualClock, is_in_parts: bool
) -> None:
    body = body_of(clock, 100_001) + b" " * MOST_BYTES
    headers = {**FORM, "X-Centra-Signature": signature_of(SECRET, body, clock())}
    content: Any = (body[at : at + 1000] for at in range(0, len(body), 1000))

    answer = httpx.post(address, content=content if is_in_parts else body, headers=headers)

    assert answer.status_code == 413
    assert announced(ledger, 100_001) == set()


def test_a_hundred_events_are_taken_in_one_push(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    numbers = range(2**62, 2**62 + 100)

    assert push(address, clock, *numbers).status_code == 200
    assert announced(ledger, *numbers) == set(numbers)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_a_push_is_answered(address: str, method: str) -> None:
    assert httpx.request(method, address).status_code == 405
    assert httpx.post(address.rpartition("/")[0] + "/other").status_code == 404


def test_a_sender_who_leaves_in_the_middle_disturbs_no_other(
    address: str, ledger: Ledger, clock: ManualClock
) -> None:
    url = urlsplit(address)
    assert url.port is not None
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", url.port)) as sender:
            head = f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npayload="
            sender.sendall(head.encode())

    assert push(address, clock, 100_001).status_code == 200
    assert announced(ledger, 100_001) == {100_001}


def test_while_the_ledger_cannot_be_written_centra_is_asked_to_push_again(
    address: str, ledger: Ledger, clock: ManualClock, tmp_path: Path
) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.text("ALTER TABLE order_hints RENAME TO hidden"))

    assert push(address, clock, 100_001).status_code == 503

    with ledger.transaction() as tx:
        tx.execute(sa.text("ALTER TABLE hidden RENAME TO order_hints"))
    assert push(address, clock, 100_001).status_code == 200


def test_a_refusal_is_logged_without_anything_that_was_sent(
    address: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        post(address, b"payload=Lovelace", "t=Lovelace,v1=Lovelace")
        push(address, clock, 100_001)

    texts = [record.getMessage() for record in caplog.records if "hooks" in record.name]
    assert [text.partition(":")[0] for text in texts] == [
        "a push was refused with HTTP 401",
        "orders announced by a push",
    ]
    assert "Lovelace" not in caplog.text


def test_without_a_secret_nothing_is_received(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only with a secret"):
        create_app(ledger, "")

    environment = {"STATE_DIR": str(tmp_path), "CENTRA_WEBHOOK_SECRET": ""}
    started = CliRunner(env=environment).invoke(hooks_command, [])
    assert "CENTRA_WEBHOOK_SECRET is not set" in str(started.exception)


def test_the_process_that_receives_needs_no_token_and_takes_a_push(
    tmp_path: Path, clock: ManualClock
) -> None:
    port = free_port()
    environment = {
        "STATE_DIR": str(tmp_path / "state"),
        "CONFIG_DIR": str(tmp_path / "none"),
        "CENTRA_WEBHOOK_SECRET": SECRET,
        "PYTHONPATH": str(PROJECT),
    }
    body = body_of(clock, 100_001)
    signature = signature_of(SECRET, body, datetime.now(UTC))
    with Processes(tmp_path / "logs") as processes:
        processes.start(
            "hooks", "centra_whistl_dagster.hooks", "--port", str(port), env=environment
        )
        wait_for(processes, lambda: is_listening(port), "the receiver")
        answer = post(f"http://127.0.0.1:{port}/centra", body, signature)

    assert answer.status_code == 200
    kept = Ledger(f"sqlite:///{tmp_path / 'state' / 'ledger.db'}", now=clock)
    assert announced(kept, 100_001) == {100_001}
    kept.close()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
