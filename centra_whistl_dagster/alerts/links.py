"""Addresses of pages that an alert links to: the desk's, and an order's in Centra."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where the pages are. An address that nobody has set is blank, and nothing links to it."""

    desk: str = ""
    """Without a slash at its end."""
    centra_order: str = ""
    """With `{number}` in place of the order's number."""

    def exception(self, exception_id: int) -> str:
        """Return the desk's page of one exception; blank where there is no desk."""
        return f"{self.desk}/exceptions/{exception_id}" if self.desk else ""

    def worklist(self, owner: str, kind: str = "") -> str:
        """Return the desk's list of a team's exceptions, or of one kind; blank without a desk."""
        filters = {"team": owner} | ({"kind": kind} if kind else {})
        return f"{self.desk}/?{urlencode(filters)}" if self.desk else ""

    @property
    def health(self) -> str:
        """The desk's page that says whether the connection is healthy; blank without a desk."""
        return f"{self.desk}/health" if self.desk else ""

    def order(self, number: int) -> str:
        """Return Centra's page of an order; blank where its address is not set."""
        return self.centra_order.replace("{number}", str(number))


NO_LINKS = Links()
