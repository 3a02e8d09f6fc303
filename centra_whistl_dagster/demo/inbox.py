"""Where the demo's alerts arrive: a mail server and a web hook on loopback.

Alerts come over the real protocols, so what is counted here is what a team would have read.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from centra_whistl_dagster.launching.dagster_processes import LOOPBACK, free_port

DOMAIN = "demo.example"
_NUMBER = re.compile(r"(?<![\d.,])\d+(?!\d|[.,]\d)")
"""A whole number that is no part of an amount of money."""
BY_MAIL = ("cx", "merchandising", "escalation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One alert as it arrived."""

    at: datetime
    to: str
    """The team whose address it came to."""
    title: str
    body: str
    content_type: str
    """Of the message: an alert is plain text, whatever the channel."""
    headers: tuple[tuple[str, str], ...] = ()

    def in_words(self) -> str:
        """Return the alert as a person reads it."""
        return f"{self.at:%H:%M:%S} UTC, to {self.to}\n{self.title}\n\n{self.body.strip()}\n"


class Inbox:
    """Receives inside its `with` block; safe to read from another thread.

    Args:
        file: where every alert is also written as text, for people to read.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.received: list[Received] = []
        self._file = file
        self._writing = threading.Lock()
        self.refused_words: set[str] = set()
        """The web hook refuses a message that holds one."""
        self._mail_port = free_port()
        self._mail = Controller(self, hostname=LOOPBACK, port=self._mail_port)
        self._web = ThreadingHTTPServer((LOOPBACK, 0), self._web_handler())

    def __enter__(self) -> Inbox:
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        self._mail.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._mail.stop()
        self._web.shutdown()
        self._web.server_close()

    def addresses(self, *, is_first_dead: bool = False) -> dict[str, str]:
        """Return the product's alert settings: mail for some teams, the web hook for the others.

        Args:
            is_first_dead: give every team an address where nobody listens.
        """
        nobody = f"json://{LOOPBACK}:{free_port()}"
        first = {team: self.mail_url(team) for team in BY_MAIL} | {
            "default": self.web_url("others")
        }
        if is_first_dead:
            first = {name: f"{nobody}/{name}" for name in first}
        return {
            **{f"ALERT_{name.upper()}_URL": url for name, url in first.items()},
            "ALERT_FALLBACK_URL": self.web_url("second_channel"),
        }

    def mail_url(self, team: str) -> str:
        """Return the apprise address of a team's mailbox."""
        query = urlencode({"from": f"alerts@{DOMAIN}", "to": f"{team}@{DOMAIN}"})
        return f"mailto://{LOOPBACK}:{self._mail_port}/?{query}"

    def web_url(self, team: str) -> str:
        """Return the apprise address of a team's web hook."""
        return f"json://{LOOPBACK}:{self._web.server_port}/{team}"

    def counts_by_team(self) -> dict[str, int]:
        """Return how many alerts came to each team."""
        return dict(sorted(Counter(alert.to for alert in list(self.received)).items()))

    def first_named_at(self, order_numbers: Iterable[int]) -> dict[int, datetime]:
        """Return when each of these orders was first named in an alert; others are absent."""
        wanted = {str(number) for number in order_numbers}
        found: dict[int, datetime] = {}
        for alert in list(self.received):
            for number in wanted & set(_NUMBER.findall(f"{alert.title} {alert.body}")):
                found.setdefault(int(number), alert.at)
        return found

    def _take(self, alert: Received) -> None:
        with self._writing:
            self.received.append(alert)
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(f"{alert.in_words()}\n{'-' * 72}\n")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Take a mail."""
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text = mail.get_body(("plain", "html"))
        self._take(
            Received(
                at=datetime.now(UTC),
                to=envelope.rcpt_tos[0].partition("@")[0],
                title=str(mail["Subject"]),
                body=str(text.get_content()) if text else "",
                content_type=text.get_content_type() if text else "",
                headers=tuple((name, str(value)) for name, value in mail.items()),
            )
        )
        return "250 Message accepted"

    def _web_handler(self) -> type[BaseHTTPRequestHandler]:
        take, refused_words = self._take, self.refused_words

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if any(word in body["message"] for word in refused_words):
                    self.send_error(413)
                    return
                take(
                    Received(
                        at=datetime.now(UTC),
                        to=self.path.strip("/"),
                        title=body["title"],
                        body=body["message"],
                        content_type="text/plain",
                    )
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its signature
                """Say nothing on the demo's terminal."""

        return Handler
