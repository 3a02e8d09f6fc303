"""What Centra and Whistl say in their own words about a customer reaches nobody but the payload.

Every operation is answered, by turns, with a refusal, a warning or a broken body whose free texts
name a person, a street and a tracking number. Then everything that leaves the ledger's payloads is
searched for them.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import time_machine
from click.testing import CliRunner

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.cli.main import commands
from centra_whistl_dagster.definitions import defs
from centra_whistl_dagster.ledger.tables import metadata
from centra_whistl_dagster.transport.wire import RawAnswer, Wire
from centra_whistl_dagster.workflows.exceptions.alerting import tell_owners
from centra_whistl_dagster.workflows.exceptions.step_failures import note_failure
from centra_whistl_dagster.workflows.reference import refresh
from centra_whistl_dagster.workflows.upkeep import doctor, history
from centra_whistl_dagster_tests.workflows.conftest import Desk

NAME, STREET, PARCEL = "Zebedee", "Quartermaine Crescent", "QX987654321GB"
CANARIES = (NAME.encode(), b"Quartermaine", PARCEL.encode())
SENTENCE = f"{NAME} of 4 {STREET} has parcel {PARCEL}, which already shipped and was not found"
WORDS = (SENTENCE, PARCEL)
"""The second looks like a code, which a parcel's number must not pass for."""
FREE_TEXTS = {"message", "hold_reason", "reason", "error_description", "note"}
KEPT_OUT = {"order_payloads", "messages", "despatches", "parcels"}
"""The tables of the ledger that hold payloads; `docs/security.md` lists them."""

LATE_WRITES = {"POST CompleteShipment", "POST CaptureShipment", "POST SetStock"}
"""Calls that are made only once much else has gone well."""
WRITES = {"POST LockOrders", "POST CreateShipment", "POST CompleteShipment", "POST SetStock"}
READS = {"GET orders", "GET despatches", "GET stock", "GET services", "GET products", "POST orders"}

Form = Callable[[str, str], tuple[int, Any]]


def refusal_of_whistl(word: str, kind: str) -> Any:
    detail = {"code": word, "field": word, "message": word, "value": word}
    error = {"code": kind or word, "message": word, "request_id": word, "details": [detail]}
    return {"error": {**error, "retryable": False, "existing": {"status": word}}}


def errors_of_centra(word: str, category: str, path: list[Any]) -> Any:
    extensions = {"category": category or word, "code": word, "debugMessage": word}
    return {"errors": [{"message": word, "path": path, "extensions": extensions}]}


def user_errors(word: str) -> Any:
    entry = {"message": word, "path": ["input", word]}
    roots = ("setOrdersLock", "createShipment", "updateShipment", "completeShipment", "setStock")
    return {"data": {root: {"userErrors": [entry], "userWarnings": [entry]} for root in roots}}


REFUSALS: dict[str, list[Form]] = {
    "centra": [
        lambda word, _: (200, user_errors(word)),
        lambda word, _: (200, errors_of_centra(word, "", [word, 0, word])),
        lambda word, _: (200, {"data": None, **errors_of_centra(word, "internal", ["a", 0, word])}),
        lambda word, _: (400, errors_of_centra(word, "graphql", [])),
        lambda word, _: (500, {"message": word}),
        lambda word, _: (200, f"<html>{word}</html>"),
    ],
    "whistl": [
        lambda word, _: (422, refusal_of_whistl(word, "validation_failed")),
        lambda word, _: (409, refusal_of_whistl(word, "duplicate_order")),
        lambda word, _: (409, refusal_of_whistl(word, "order_not_cancellable")),
        lambda word, _: (400, refusal_of_whistl(word, "")),
        lambda word, _: (200, {"success": False, "message": word, "data": word}),
        lambda word, _: (503, refusal_of_whistl(word, "maintenance")),
        lambda word, _: (200, f"<html>{word}</html>"),
    ],
}


FORMS: dict[str, list[Form]] = {
    "centra": [
        *REFUSALS["centra"],
        lambda word, _: (200, errors_of_centra(word, "authorization", [word])),
        lambda word, _: (403, {"message": word, "error": word}),
        lambda word, _: (404, word),
    ],
    "whistl": [
        *REFUSALS["whistl"],
        lambda word, _: (403, refusal_of_whistl(word, "forbidden")),
        lambda word, _: (401, {"error": word, "error_description": word}),
    ],
}


class HostileTongue:
    """Answers every third call to each operation with one of the forms, and embellishes others."""

    def __init__(self) -> None:
        self.every = 0
        self.only: set[str] = set()
        """The operations that it answers; all where there is none."""
        self.refuses_us = False
        """A refused token stops a kind of call, so that little else would be answered."""
        self.calls: Counter[tuple[str, str]] = Counter()
        self.said: Counter[tuple[str, str]] = Counter()
        self._honest = Wire.exchange

    def exchange(self, wire: Wire, method: str, path: str, **how: Any) -> RawAnswer:
        system = "centra" if path == "graphql" else "whistl"
        body = how["content"] or b""
        operation = json.loads(body)["operationName"] if system == "centra" else path.split("/")[1]
        operation = f"{method} {operation}"
        self.calls[system, operation] += 1
        count = self.calls[system, operation]
        is_meant = not self.only or operation in self.only
        if self.every and is_meant and count % self.every == 0:
            turn = self.said[system, operation]
            self.said[system, operation] += 1
            forms = FORMS[system] if self.refuses_us else REFUSALS[system]
            word = WORDS[turn // len(forms) % len(WORDS)]
            status, content = forms[turn % len(forms)](word, operation)
            text = content if isinstance(content, str) else json.dumps(content)
            headers = {"Retry-After": word, "X-Message": word}
            return RawAnswer(status=status, headers=headers, content=text.encode())
        raw = self._honest(wire, method, path, **how)
        return RawAnswer(
            status=raw.status, headers=raw.headers, content=embellished(system, raw.content)
        )


def embellished(system: str, content: bytes) -> bytes:
    try:
        body = json.loads(content)
    except ValueError:
        return content
    entry = {"code": PARCEL, "field": PARCEL, "message": SENTENCE, "path": [SENTENCE]}
    if isinstance(body, dict):
        if system == "whistl":
            body["warnings"] = [entry]
        for payload in (body.get("data") or {}).values() if system == "centra" else ():
            if isinstance(payload, dict) and "userWarnings" in payload:
                payload["userWarnings"] = [entry]
    return json.dumps(talkative(body)).encode()


def talkative(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: SENTENCE if name in FREE_TEXTS and isinstance(item, str) else talkative(item)
                for name, item in value.items()
            }
        case list():
            return [talkative(item) for item in value]
        case _:
            return value


@pytest.fixture
def tongue(monkeypatch: pytest.MonkeyPatch) -> HostileTongue:
    hostile = HostileTongue()

    def exchange(wire: Wire, method: str, path: str, **how: Any) -> RawAnswer:
        return hostile.exchange(wire, method, path, **how)

    monkeypatch.setattr(Wire, "exchange", exchange)
    return hostile


@pytest.fixture(autouse=True)
def as_a_command_finds_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "400")


def live_among_liars(desk: Desk, tongue: HostileTongue) -> list[str]:
    """Let orders, cancellations, parcels and stock go by; return every error with its trace."""
    raised: list[str] = []

    def attempt(step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever it is, what it says is searched
            raised.append("".join(traceback.format_exception(error)))
            note_failure(desk.link.settings, step.__name__, error)

    desk.reopen(CENTRA_CAPTURES_PAYMENT="yes")
    for tongue.every, tongue.only in ((1, LATE_WRITES), (2, set()), (3, set())):
        placed = desk.order_some(4)
        for _ in range(15):
            attempt(desk.relay_orders)
            attempt(desk.relay_despatches)
            attempt(lambda: refresh.refresh_reference(desk.link))
            desk.wait(60)
        desk.withdraw(placed[0])
        for _ in range(3):
            attempt(desk.sync_stock)
            attempt(lambda: desk.link.centra.set_physical_stock([(desk.skus[0], 3)], "test"))
        attempt(lambda: doctor.examine(desk.link))
        desk.wait(2000)
    return raised


def outputs(desk: Desk) -> Iterator[tuple[str, bytes]]:
    for arguments in (
        ["exceptions", "--all", "--format", "csv"],
        ["exceptions", "--all", "--format", "json"],
        ["exceptions", "--all"],
        ["access"],
        ["doctor"],
    ):
        result = CliRunner().invoke(commands, arguments)
        yield " ".join(arguments), result.output.encode() + repr(result.exception).encode()
    with desk.link.ledger.reading() as tx:
        for table in metadata.sorted_tables:
            if table.name not in KEPT_OUT:
                for row in tx.execute(sa.select(table)):
                    yield f"ledger {table.name}", repr(tuple(row)).encode()
    file = history.open_history(desk.link)
    history.load_orders(desk.link, file)
    history.load_exceptions(desk.link, file)
    history.publish_history(desk.link, file)
    for path in Path(desk.environment["STATE_DIR"]).rglob("*duckdb*"):
        yield path.name, path.read_bytes()


@pytest.mark.parametrize("refuses_us", [False, True])
def test_no_sentence_of_another_system_reaches_an_output(
    desk: Desk, tongue: HostileTongue, caplog: pytest.LogCaptureFixture, *, refuses_us: bool
) -> None:
    tongue.refuses_us = refuses_us
    caplog.set_level(logging.DEBUG)
    raised = live_among_liars(desk, tongue)
    tell_owners(desk.link.ledger, AlertAddresses(default="json://127.0.0.1/x"))
    found = {
        "errors": "\n".join(raised).encode(),
        "logs": caplog.text.encode(),
    }
    leaks = Counter(
        (where, canary)
        for where, content in [*found.items(), *outputs(desk)]
        for canary in CANARIES
        if canary in content
    )

    assert leaks == Counter()
    assert len(raised) > 10
    assert desk.problems()
    heard = {operation for _, operation in tongue.said}
    if not refuses_us:
        assert heard >= WRITES | READS


def test_no_sentence_of_another_system_reaches_dagster(
    desk: Desk, tongue: HostileTongue, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.order_some(3)
    home = tmp_path / "dagster_home"
    home.mkdir()
    tongue.every = 2
    with (
        dg.DagsterInstance.local_temp(str(home)) as instance,
        time_machine.travel(desk.clock(), tick=False),
    ):
        for _ in range(4):
            for name in ("relay_orders", "relay_despatches", "sync_stock", "refresh_reference"):
                job = defs().resolve_job_def(name)
                job.execute_in_process(instance=instance, raise_on_error=False)
            desk.wait(300)
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    shown = "".join(capfd.readouterr())

    assert b"STEP_FAILURE" in stored
    assert sum(tongue.said.values()) > 10
    assert not [canary for canary in CANARIES if canary in stored]
    assert not [canary for canary in CANARIES if canary.decode() in shown]
