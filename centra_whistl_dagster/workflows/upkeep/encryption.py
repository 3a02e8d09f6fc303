"""Bring all order contents under the current key, a few at a time, while others go on writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from centra_whistl_dagster.ledger import order_contents, sealing
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.workflows.link import Link

_AT_ONCE = 200
"""Orders of one transaction: nobody else writes meanwhile."""


class NoKey(Exception):
    """There is no key to encrypt with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encrypted:
    """How much was brought under the current key."""

    newly: int
    """Orders whose contents were in clear."""
    rewrapped: int
    """Orders whose key was under the former key."""
    is_compacted: bool
    """The bytes in clear are gone from the ledger's files, too."""


def encrypt_everything(link: Link) -> Encrypted:
    """Encrypt what is in clear, and put under the current key what is under the former one.

    Raises:
        NoKey: LEDGER_KEY is not set.
    """
    if link.settings.ledger_keys.current is None:
        raise NoKey("LEDGER_KEY is not set. Make a key with: openssl rand -base64 32")
    rewrapped = _all(link, lambda tx: sealing.rewrap_some(tx.connection, tx.keys, limit=_AT_ONCE))
    newly = _all(link, lambda tx: order_contents.seal_some(tx, limit=_AT_ONCE))
    return Encrypted(newly=newly, rewrapped=rewrapped, is_compacted=link.ledger.compact())


def _all(link: Link, some: Callable[[Transaction], int]) -> int:
    total = 0
    while True:
        with link.ledger.transaction() as tx:
            done = some(tx)
        if not done:
            return total
        total += done
