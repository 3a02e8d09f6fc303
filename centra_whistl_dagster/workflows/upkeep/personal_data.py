"""What is kept about one person: shown on request, and erased on request.

An order that is not over cannot be erased: without its contents it could be neither sent nor
delivered. What is due first is said instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from centra_whistl_dagster.domain.orders.next_steps import NOTHING_MORE
from centra_whistl_dagster.ledger import (
    despatches,
    erasure,
    order_contents,
    order_story,
    orders,
    submissions,
)
from centra_whistl_dagster.ledger.copies import sqlite_file
from centra_whistl_dagster.ledger.engine import LedgerUnavailable, Transaction
from centra_whistl_dagster.ledger.rows import OrderRow
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.story import tell_story

_TRIES = 15
"""Seconds to wait until no other process reads an old state of the ledger."""


class NobodyFound(Exception):
    """Nothing is kept about that person or order; the text says what was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What came of a request to erase."""

    erased: tuple[int, ...]
    """Centra's numbers of the orders that were erased."""
    still_open: Mapping[int, tuple[str, ...]]
    """By Centra's number: what is due before the order can be erased. Nothing of it was touched."""
    is_compacted: bool
    """The erased bytes are gone from the ledger's files, too."""
    other_copies: tuple[Path, ...]
    """Ledgers that a restore has moved aside: they still have everybody."""


def orders_of(
    link: Link, *, customer: str | None = None, number: int | None = None
) -> list[OrderRow]:
    """Return one order by number, or the orders whose stored contents name an e-mail address.

    An order whose contents retention has deleted can only be found by its number.

    Raises:
        NobodyFound: no order.
    """
    with link.ledger.reading() as tx:
        if number is not None:
            row = orders.find_by_number(tx, number)
            found = [] if row is None else [row]
        else:
            wanted = (customer or "").strip().casefold()
            ids = order_contents.ids_of_customer(tx, wanted) if wanted else []
            found = list(orders.find_all(tx, ids).values())
    if not found:
        subject = f"order {number}" if number is not None else f"'{customer}'"
        raise NobodyFound(
            f"Nothing is kept about {subject}. Orders that ended more than KEEP_CONTENTS_DAYS ago "
            "no longer name their customer: look up their numbers in Centra and use --order."
        )
    return sorted(found, key=lambda row: row.number)


def everything_about(link: Link, rows: list[OrderRow]) -> dict[str, object]:
    """Return all that is kept about these orders, ready for JSON."""
    with link.ledger.reading() as tx:
        return {
            "orders": [_everything(tx, row) for row in rows],
            "not included": "What Centra, Whistl and alert channels keep under their own rules.",
        }


def erase(link: Link, rows: list[OrderRow]) -> Erasure:
    """Erase the person from those orders that are over, and from the ledger's files.

    An order that is over and erased already is erased again: later messages may have named it.
    """
    still_open = {}
    erased = []
    for row in rows:
        due = tuple(tell_story(link, str(row.number), is_offline=True).next)
        if due != (NOTHING_MORE,):
            still_open[row.number] = due
            continue
        with link.ledger.transaction() as tx:
            erasure.erase(tx, row)
        erased.append(row.number)
    is_compacted = not erased or _compact(link)
    return Erasure(
        erased=tuple(erased),
        still_open=still_open,
        is_compacted=is_compacted,
        other_copies=_moved_aside(link),
    )


def _moved_aside(link: Link) -> tuple[Path, ...]:
    """Return the ledgers that a restore has replaced, or was stopped before it put in place."""
    ledger = sqlite_file(link.settings.ledger_url)
    if ledger is None:
        return ()
    patterns = (f"{ledger.name}.replaced-*", f"{ledger.name}.half*")
    return tuple(sorted(path for name in patterns for path in ledger.parent.glob(name)))


def _compact(link: Link) -> bool:
    with suppress(LedgerUnavailable):  # busy, or no room for a copy: the caller is told
        if link.ledger.compact():
            return True
        # Compacted, and the log is in use: an old state is still being read.
        for _ in range(_TRIES):
            link.sleep(1)
            if link.ledger.empty_log():
                return True
    return False


def _everything(tx: Transaction, row: OrderRow) -> dict[str, object]:
    contents = order_contents.payloads(tx, [row.centra_id]).get(row.centra_id)
    has_request = order_contents.has_outgoing(tx, row.centra_id)
    numbers = order_story.whistl_numbers(tx, row)
    values = erasure.identifying_values(tx, row)
    return {
        "order": row,
        "lines": order_contents.lines(tx, row.centra_id),
        "numbers at Whistl": numbers,
        "contents as Centra gave them": contents,
        "request to Whistl": order_contents.outgoing(tx, row.centra_id) if has_request else None,
        "calls": submissions.of_order(tx, row.centra_id),
        "events": order_story.events(tx, row.centra_id),
        "despatch messages": [
            json.loads(message.body)
            for number in numbers
            for message in despatches.of_order(tx, number)
        ],
        "messages not applied yet": [body for _, body in erasure.raw_messages(tx, row, values)],
        "parcels": despatches.parcels_of_order(tx, row.centra_id),
        "exceptions": order_story.exceptions_of(tx, row),
        "actions at the desk": order_story.desk_actions_about(tx, row),
        "alerts": order_story.alerts_about(tx, row),
    }
