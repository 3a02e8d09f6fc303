"""Whistl's access token: OAuth 2.0 client credentials (RFC 6749, 4.4), fetched, kept, renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from centra_whistl_dagster.transport import (
    AccessDenied,
    CallKind,
    IntegrationError,
    NotSent,
    Throttled,
    Transport,
)
from centra_whistl_dagster.transport.fields import BrokenRecord, Fields

RENEWED_AT_SHARE = 0.8
"""Of a token's life: one that expires during a call costs a refusal and a second try."""

_SHORT_LIFE_SECONDS = 300
"""Assumed where the answer does not say how long the token lives."""


class ClientCredentials:
    """Keeps one token for all threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        system: str,
        client_id: str,
        client_secret: str,
        now: Callable[[], datetime],
    ) -> None:
        self._transport = transport
        self._system = system
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": "public",
        }
        self._now = now
        self._lock = threading.Lock()
        self._headers: Mapping[str, str] | None = None
        self._renew_at: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        """Return the authorization header, with a fresh token where one is due.

        Raises:
            NotSent: there is no token to be had, so what was to be sent was not.
            Throttled: likewise, because there were too many requests.
            AccessDenied: Whistl does not accept our client id or secret.
        """
        with self._lock:
            is_due = self._renew_at is not None and self._now() >= self._renew_at
            if self._headers is None or is_due:
                self._fetch()
            return self._headers or {}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop a token that was refused; another thread may have done so already."""
        with self._lock:
            if self._headers == refused:
                self._headers = None
        return True

    def close(self) -> None:
        """Close connections."""
        self._transport.close()

    def _fetch(self) -> None:
        self._headers = None
        try:
            # Fetching twice does no harm: it only gives a second token.
            answer = self._transport.request(
                CallKind.READ, "token", "POST", "oauth/token", form=self._form
            )
            fields = Fields(answer.body)
            token = fields.required_text("access_token")
            seconds = fields.number("expires_in")
        except (AccessDenied, Throttled):
            raise
        except BrokenRecord as broken:
            raise self._no_token(str(broken)) from broken
        except IntegrationError as error:
            raise self._no_token(error.detail) from error
        life = float(seconds) if seconds is not None else _SHORT_LIFE_SECONDS
        self._renew_at = self._now() + timedelta(seconds=life * RENEWED_AT_SHARE)
        self._headers = {"Authorization": f"Bearer {token}"}

    def _no_token(self, why: str) -> NotSent:
        return NotSent(system=self._system, operation="token", detail=f"no access token ({why})")
