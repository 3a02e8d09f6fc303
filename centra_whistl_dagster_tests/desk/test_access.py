"""Who may read, who may act, and what is refused: of a refused request nothing is changed."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.desk.access import FormTokens, visitor_of
from centra_whistl_dagster.desk.app import create_app
from centra_whistl_dagster.desk.serving import _listening, serve, server_of
from centra_whistl_dagster.desk.settings import load_desk_settings
from centra_whistl_dagster.ledger import desk_actions, state
from centra_whistl_dagster.ledger.states import DeskSubject
from centra_whistl_dagster.ledger.tables import exception_work
from centra_whistl_dagster.simulator.world.clock import ManualClock
from centra_whistl_dagster_tests.desk.conftest import (
    SECRET,
    URL,
    Pages,
    Shop,
    pages_of,
    read,
    served,
    without_phone,
)
from centra_whistl_dagster_tests.workflows.conftest import Desk


@pytest.fixture
def exception_path(desk: Desk, pages: Pages) -> str:
    """The address of an open exception."""
    without_phone(desk)
    desk.relay_orders()
    return "/exceptions/1"


def work(desk: Desk) -> list[object]:
    """Everything that people did at the desk, and who works on what."""
    with desk.link.ledger.reading() as tx:
        done = desk_actions.about(tx, DeskSubject.EXCEPTION, ["1"])
        return [done, tx.execute(sa.select(exception_work)).all()]


NOTHING: list[object] = [{}, []]


# ---- the proxy in front
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Desk-Secret": ""},
        {"X-Desk-Secret": "wrong"},
        {"X-Desk-Secret": SECRET[:-1]},
        {"X-Forwarded-User": ""},
    ],
)
def test_a_request_that_the_proxy_does_not_vouch_for_sees_nothing_and_changes_nothing(
    desk: Desk, pages: Pages, exception_path: str, headers: dict[str, str]
) -> None:
    token = pages.token(exception_path)
    pages.headers = headers

    looked = pages.get(exception_path)
    acted = pages.post(f"{exception_path}/take", token=token)

    assert (looked.status_code, acted.status_code) == (403, 403)
    assert "phone" not in looked.text.lower()
    assert work(desk) == NOTHING


def test_two_names_in_one_request_are_refused(pages: Pages) -> None:
    headers = [
        ("X-Desk-Secret", SECRET),
        ("X-Forwarded-User", "eve@example.com"),
        ("X-Forwarded-User", "ann@example.com"),
    ]

    assert pages.client.get("/", headers=headers).status_code == 403


def test_without_a_proxy_a_name_in_a_header_counts_for_nothing(desk: Desk) -> None:
    without_phone(desk)
    desk.relay_orders()
    settings = load_desk_settings(
        desk.environment | {"DESK_ROLES": "ann@example.com=operator"}, over_socket=False
    )
    with served(create_app(settings, now=desk.clock), host="127.0.0.1") as client:
        pages = Pages(client)
        shown = pages.get("/exceptions/1")
        acted = pages.post("/exceptions/1/take", token="any")

    assert shown.status_code == 200
    assert '<form method="post"' not in shown.text
    assert acted.status_code == 403
    assert work(desk) == NOTHING


def test_a_person_without_a_role_reads_and_cannot_act(
    desk: Desk, pages: Pages, exception_path: str
) -> None:
    stranger = pages.of("zoe@example.com")

    shown = stranger.get(exception_path)
    acted = stranger.post(f"{exception_path}/take", token=pages.token(exception_path))

    assert shown.status_code == 200
    assert '<form method="post"' not in shown.text
    assert acted.status_code == 403
    assert "DESK_ROLES" in acted.text
    assert work(desk) == NOTHING


# ---- forms of other sites
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": URL.replace("https", "http")},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_of_another_site_is_refused(
    desk: Desk, pages: Pages, exception_path: str, headers: dict[str, str]
) -> None:
    token = pages.token(exception_path)
    pages.headers = headers

    assert pages.post(f"{exception_path}/take", token=token).status_code == 403
    assert work(desk) == NOTHING


def test_a_form_that_names_no_origin_is_refused(
    desk: Desk, pages: Pages, exception_path: str
) -> None:
    sent = {"X-Desk-Secret": SECRET, "X-Forwarded-User": "ann@example.com"}
    data = {"token": pages.token(exception_path)}

    answer = pages.client.post(f"{exception_path}/take", data=data, headers=sent)

    assert answer.status_code == 403
    assert work(desk) == NOTHING


@pytest.mark.parametrize("token", ["", "1.2", "x", "9" * 40 + ".f", "\u00e9.\u00e9"])
def test_a_form_without_our_token_is_refused(
    desk: Desk, pages: Pages, exception_path: str, token: str
) -> None:
    answer = pages.post(f"{exception_path}/take", token=token)

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert work(desk) == NOTHING


def test_the_token_of_another_person_is_refused(
    desk: Desk, pages: Pages, exception_path: str
) -> None:
    token = pages.of("bob@example.com").token(exception_path)

    assert pages.post(f"{exception_path}/take", token=token).status_code == 403
    assert work(desk) == NOTHING


def test_an_old_token_is_refused(desk: Desk, pages: Pages, exception_path: str) -> None:
    token = pages.token(exception_path)
    desk.sleep(13 * 3600)

    assert pages.post(f"{exception_path}/take", token=token).status_code == 403
    assert work(desk) == NOTHING


def test_a_token_lasts_half_a_day(clock: ManualClock) -> None:
    tokens = FormTokens(now=clock)
    token = tokens.issue("ann")
    clock.advance(11 * 3600)

    tokens.check(token, "ann")

    assert tokens.issue("ann") != token


def test_a_form_that_is_too_large_is_refused(desk: Desk, pages: Pages, exception_path: str) -> None:
    answer = pages.post(f"{exception_path}/note", note="x" * 40_000)

    assert answer.status_code == 413
    assert work(desk) == NOTHING


# ---- hosts
@pytest.mark.parametrize("host", ["evil.example", "desk.example.com.evil.example", "10.0.0.1"])
def test_a_page_is_served_under_its_own_names_alone(shop: Shop, host: str) -> None:
    sent = {"X-Desk-Secret": SECRET, "X-Forwarded-User": "ann@example.com", "Host": host}

    assert shop.pages.client.get("/", headers=sent).status_code == 400


@pytest.mark.parametrize("name", [b"ann\xad", b"an\x85n"])
def test_a_name_with_hidden_characters_is_refused(desk: Desk, name: bytes) -> None:
    environment = desk.environment | {"DESK_URL": URL, "DESK_PROXY_SECRET": SECRET}
    settings = load_desk_settings(environment, over_socket=False)
    headers = Headers(raw=[(b"x-desk-secret", SECRET.encode()), (b"x-forwarded-user", name)])

    with pytest.raises(HTTPException, match="does not say who you are"):
        visitor_of(headers, settings, over_socket=False)


# ---- every page
PATHS = ["/", "/health", "/feeds", "/nothing", "/exceptions/x", "/orders/1", "/desk.css"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_scripts_frames_and_foreign_forms(shop: Shop, path: str) -> None:
    headers = shop.pages.get(path).headers
    policy = headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_no_page_has_a_script_or_a_style_of_its_own(shop: Shop) -> None:
    for path in ("/", "/health", "/feeds", f"/orders/{shop.left.number}"):
        text = shop.pages.get(path).text.lower()
        assert "<script" not in text
        assert " style=" not in text
        assert " onclick" not in text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/exceptions/999999", 404),
        ("/exceptions/x", 404),
        ("/orders/999999", 404),
        ("/orders/99999999999999999999", 404),
        ("/skus/NO-SUCH-SKU", 404),
        ("/feeds/S-nothing", 404),
    ],
)
def test_what_is_not_there_gets_a_sentence(shop: Shop, path: str, status: int) -> None:
    answer = shop.pages.get(path)

    assert answer.status_code == status
    assert "That did not work" in answer.text
    assert "Traceback" not in answer.text


def test_a_fault_of_our_own_shows_no_trace(desk: Desk, pages: Pages) -> None:
    with desk.link.ledger.transaction() as tx:
        state.set_to(tx, state.RECONCILED, '{"file": "exception_work"}')

    answer = pages.get("/health")

    assert answer.status_code == 500
    assert "ask the data team" in answer.text
    assert "exception_work" not in answer.text
    assert "Traceback" not in answer.text


def test_a_faulty_file_of_the_configuration_is_named(desk: Desk, pages: Pages) -> None:
    (desk.config / "policy.toml").write_text("[stock\n")

    answer = pages.get("/health")

    assert answer.status_code == 503
    assert "policy.toml" in answer.text


# ---- settings
def test_behind_a_proxy_the_desk_must_know_its_own_address(desk: Desk) -> None:
    environment = desk.environment | {"DESK_PROXY_SECRET": SECRET}

    with pytest.raises(ConfigError, match="DESK_URL is not set"):
        load_desk_settings(environment, over_socket=False)
    with pytest.raises(ConfigError, match="DESK_URL is not set"):
        load_desk_settings(desk.environment, over_socket=True)


@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("DESK_PROXY_SECRET", "short", "24 characters or more"),
        ("DESK_ROLES", "ann@example.com=admin", "the roles are operator, releaser"),
        ("DESK_URL", "https://desk.example.com/path", "without a path"),
        ("DESK_USER_HEADER", "X User", "the name of a header"),
        ("CENTRA_ADMIN_URL", "https://shop.example/orders", "{number}"),
        ("CENTRA_TOKEN_EXPIRES", "soon", "a date such as 2026-12-24"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    desk: Desk, name: str, value: str, detail: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_desk_settings(desk.environment | {name: value}, over_socket=False)

    assert name in str(error.value)
    assert detail in str(error.value)


def test_the_desk_works_without_tokens_and_without_the_key_of_orders_contents(desk: Desk) -> None:
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    desk.reopen(LEDGER_KEY=key)
    order = without_phone(desk)
    desk.relay_orders()
    needed = {
        name: value
        for name, value in desk.environment.items()
        if not name.startswith(("CENTRA_", "WHISTL_", "LEDGER_KEY"))
    }
    desk.environment = needed

    with pages_of(desk) as pages:
        assert str(order.number) in pages.text("/")
        assert pages.get(f"/orders/{order.number}").status_code == 200


def test_beyond_loopback_the_desk_is_served_only_behind_a_proxy(desk: Desk) -> None:
    with pytest.raises(ConfigError, match=r"listens on 127\.0\.0\.1 alone"):
        serve(desk.environment, host="0.0.0.0", port=0)  # noqa: S104 - refused


def test_a_unix_socket_is_for_its_user_and_group_alone_and_its_proxy_names_people(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "desk.sock"
    path.touch()
    settings = load_desk_settings(
        desk.environment | {"DESK_URL": URL, "DESK_ROLES": "ann@example.com=operator"},
        over_socket=True,
    )
    ann = {"X-Forwarded-User": "ann@example.com"}
    server = server_of(create_app(settings, over_socket=True, now=desk.clock))
    with _listening(path) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url=URL) as client:
            named = client.get("http://desk.example.com/", headers=ann)
            unnamed = client.get("http://desk.example.com/")
        server.should_exit = True
        thread.join(30)

    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert "You are ann@example.com, operator." in read(named.text)
    assert unnamed.status_code == 403
