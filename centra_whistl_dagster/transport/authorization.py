"""The headers that authenticate us to the other system.

How a token is fetched differs by system (`whistl.tokens`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Authorization(Protocol):
    """Gives the headers that authenticate a request."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers for the next try.

        Raises:
            NotSent: there are none to be had; whatever was to be sent was not.
            Throttled: likewise, because there were too many requests.
            AccessDenied: our credentials are not accepted.
        """

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop headers that were refused with 401; return whether another try could succeed."""


class BearerToken:
    """A token that was made by hand and that only a person can renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        """Return the one header there is."""
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - nothing to drop
        """Return False: the same token would be refused again."""
        return False
