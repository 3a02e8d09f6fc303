"""What a call shows at the other system's door.

Belongs here: the question, and its simplest answer. Does not belong here: fetching a token, which
each system does in its own way (`whistl.tokens`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Authorization(Protocol):
    """Gives the headers that open the door."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers for the next try.

        Raises:
            NotSent: they could not be had; whatever was to be sent was not.
            Throttled: likewise, for there were too many requests.
            AccessDenied: our credentials are not accepted.
        """

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Drop headers that were refused with 401; say whether another try could go better."""


class BearerToken:
    """A token that somebody made by hand and that only a person can renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        """Return the one header there is."""
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - nothing to drop
        """Say no: the same token would be refused again."""
        return False
