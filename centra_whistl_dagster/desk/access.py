"""Who is at the desk and what they may do; what is refused before any page is made.

A person is known only by a header of the proxy in front, and only if the proxy proves itself: by
the shared secret, or by reaching the desk through its Unix socket. Without a proxy nobody is known
and everything is read-only. A form is taken only with a token that was made for that person, from
the desk's own address.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from centra_whistl_dagster.desk.settings import DeskSettings
from centra_whistl_dagster.domain.desk_roles import Person, Role

SECRET_HEADER = "X-Desk-Secret"  # noqa: S105 - the name of a header
_TOKEN_LASTS = timedelta(hours=12)
_LONGEST_NAME = 200
READ_ONLY = "This page is read-only for you: DESK_ROLES gives you no role."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever asks for a page."""

    name: str
    """As the proxy names the person; blank without a proxy."""
    role: Role | None
    """None: may only read."""

    @property
    def person(self) -> Person:
        """The visitor as somebody who acts.

        Raises:
            HTTPException: 403; the visitor may only read.
        """
        if self.role is None:
            raise HTTPException(403, READ_ONLY)
        return Person(self.name, self.role)


def visitor_of(headers: Headers, settings: DeskSettings, *, over_socket: bool) -> Visitor:
    """Say who asks.

    Raises:
        HTTPException: 403; the proxy does not prove itself, or names nobody or several people.
    """
    if not (settings.proxy_secret or over_socket):
        return Visitor(name="", role=None)
    if settings.proxy_secret:
        given = headers.getlist(SECRET_HEADER)
        is_right = len(given) == 1 and hmac.compare_digest(
            given[0].encode(), settings.proxy_secret.encode()
        )
        if not is_right:
            raise HTTPException(403, "Open the desk through its own address: the proxy in front.")
    names = [name.strip() for name in headers.getlist(settings.user_header)]
    if len(names) != 1 or not names[0] or not names[0].isprintable():
        raise HTTPException(403, "The proxy in front does not say who you are.")
    name = names[0][:_LONGEST_NAME]
    return Visitor(name=name, role=settings.roles.get(name))


def refuse_other_sites(headers: Headers, settings: DeskSettings) -> None:
    """Refuse a form that a page of another site sends.

    Raises:
        HTTPException: 403.
    """
    # A form of our own names our address; one without an origin is not a browser's.
    is_ours = headers.getlist("origin") == [settings.desk_url]
    if not is_ours or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "Requests of other sites are refused. Nothing was changed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTokens:
    """Proof that a form was made here, for this person, not long ago.

    The key lives as long as the process: after a restart a page has to be loaded again.
    """

    now: Callable[[], datetime]
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def issue(self, name: str) -> str:
        """Return a token for the forms of one person's page."""
        return self._made(name, int(self.now().timestamp()))

    def check(self, token: str, name: str) -> None:
        """Refuse a token that is another person's, old, or none of ours.

        Raises:
            HTTPException: 403.
        """
        made_at, _, _ = token.partition(".")
        is_number = made_at.isascii() and made_at.isdecimal() and len(made_at) < 20
        age = self.now().timestamp() - int(made_at) if is_number else -1.0
        is_ours = is_number and hmac.compare_digest(
            token.encode(), self._made(name, int(made_at)).encode()
        )
        if not is_ours or not 0 <= age + 1 <= _TOKEN_LASTS.total_seconds():
            raise HTTPException(
                403, "The page was too old. Nothing was changed: load it again and repeat."
            )

    def _made(self, name: str, at: int) -> str:
        proof = hmac.new(self.key, f"{at}\n{name}".encode(), hashlib.sha256).hexdigest()
        return f"{at}.{proof}"
