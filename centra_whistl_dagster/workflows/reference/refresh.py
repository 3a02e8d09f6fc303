"""Read both catalogues and Whistl's services, for screening to check orders against."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import catalogues, exceptions, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.screening.reference_data import colliding_skus
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.link import Link

FRESH_FOR = timedelta(minutes=30)
"""At least; Centra's catalogue is read less often where it has many pages."""
_SHARE_OF_CATALOGUE = 0.2
"""Of the quota's part for stock and catalogues, what reading Centra's catalogue may take."""
TRIED_EVERY = timedelta(minutes=5)
"""After a failed attempt screening tries no more often: each may take a minute."""
_QUICK_PAGES = 15
"""Of Centra's catalogue: the stock lane of its smallest plan lets as many through at once."""
SUBJECT = "catalogues"
"""What the exception about old reference data is about."""
_OVERLAP = timedelta(minutes=2)
"""The two clocks may differ by as much."""

_logger = logging.getLogger("centra_whistl_dagster.workflows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """How much was read."""

    services: int
    whistl_products: int
    centra_sizes: int


def refresh_reference(link: Link) -> Refreshed:
    """Replace the reference data with what both systems say now, all of it or none.

    Raises:
        IntegrationError: a system could not be read to the end; the old data stays.
    """
    with link.ledger.reading() as tx:
        known = catalogues.count_centra_sizes(tx)
    takes_hours = not known or not _is_quick(link, known)
    services = list(link.whistl.services())
    products = list(link.whistl.products())
    sizes = [
        (size.product_size_id, size.sku, size.is_active)
        for size in link.centra.product_sizes(takes_hours=takes_hours)
    ]
    colliding = colliding_skus(
        [product.sku for product in products],
        {sku for _, sku, _ in sizes if sku},
        link.configuration.screening,
    )
    with link.ledger.transaction() as tx:
        catalogues.replace_services(tx, services)
        catalogues.replace_products(tx, products)
        catalogues.replace_centra_sizes(tx, sizes)
        catalogues.replace_collisions(tx, colliding)
        state.set_to(tx, state.REFERENCE, catalogues.fingerprint(tx))
        state.set_to(tx, state.REFERENCE_TRIED, "")
        exceptions.resolve(tx, SubjectType.CONNECTION, SUBJECT, [ExceptionKind.REFERENCE_STALE])
    return Refreshed(services=len(services), whistl_products=len(products), centra_sizes=len(sizes))


def has_changed_at_whistl(link: Link) -> bool:
    """Ask Whistl, in two cheap requests, whether a service or a product is new or different.

    Raises:
        IntegrationError: Whistl could not be asked.
    """
    with link.ledger.reading() as tx:
        read_at = state.moved_at(tx, state.REFERENCE)
        known_services = catalogues.services(tx)
    if read_at is None:
        return True
    if {service.code: service for service in link.whistl.services()} != known_services:
        return True
    since = read_at - _OVERLAP
    changed = {product.sku: product for product in link.whistl.products(since)}
    with link.ledger.reading() as tx:
        return catalogues.products(tx, changed) != changed


def is_due(link: Link) -> bool:
    """Say whether the reference data was never read, or too long ago."""
    with link.ledger.reading() as tx:
        age, sizes = _age(tx), catalogues.count_centra_sizes(tx)
    return age is None or age > _fresh_for(link, sizes)


def _is_due_while_orders_wait(link: Link) -> bool:
    with link.ledger.reading() as tx:
        age, sizes = _age(tx), catalogues.count_centra_sizes(tx)
    if age is None or age > _most(link):
        return True
    return _is_quick(link, sizes) and age > _fresh_for(link, sizes)


def _is_quick(link: Link, sizes: int) -> bool:
    return sizes <= _QUICK_PAGES * link.centra.page_size


def _fresh_for(link: Link, sizes: int) -> timedelta:
    """Return how long a catalogue of that size stays fresh."""
    hourly = link.centra.stock_requests_an_hour()
    if hourly is None:
        return FRESH_FOR
    pages = sizes / link.centra.page_size
    affordable = timedelta(hours=pages / (hourly * _SHARE_OF_CATALOGUE))
    # Screening stops at the limit: the second half of it is for attempts that fail.
    return max(FRESH_FOR, min(affordable, _most(link) / 2))


def usable_age(link: Link) -> timedelta | None:
    """Return the age of the reference data, read anew where that is due, quick, and works.

    What takes minutes is left to the job of its own while the data may still be used. Old data is
    better than none, up to the age that the policy allows. None when it is older, or was never
    read: orders must wait, and the owner of the exception is alerted.
    """
    if _is_due_while_orders_wait(link) and not _has_just_failed(link):
        try:
            refresh_reference(link)
        except IntegrationError as error:
            _logger.warning("the reference data could not be read: %s", error)
            with link.ledger.transaction() as tx:
                state.set_to(tx, state.REFERENCE_TRIED, f"{error.system}: {error.detail}")
    with link.ledger.reading() as tx:
        age, failure = _age(tx), state.read(tx, state.REFERENCE_TRIED) or ""
    if age is not None and age <= _most(link):
        return age
    with link.ledger.transaction() as tx:
        exceptions.open_or_refresh(tx, [_stale(age, failure)])
    return None


def waits_for_reference(link: Link) -> bool:
    """Say whether orders must wait for reference data that was tried in vain just now."""
    with link.ledger.reading() as tx:
        age = _age(tx)
    return (age is None or age > _most(link)) and _has_just_failed(link)


def _most(link: Link) -> timedelta:
    return timedelta(hours=float(link.configuration.screening.reference_max_age_hours))


def _has_just_failed(link: Link) -> bool:
    with link.ledger.reading() as tx:
        tried_at = state.moved_at(tx, state.REFERENCE_TRIED)
        has_failed = bool(state.read(tx, state.REFERENCE_TRIED))
        return has_failed and tried_at is not None and tx.now - tried_at < TRIED_EVERY


def _age(tx: Transaction) -> timedelta | None:
    read_at = state.moved_at(tx, state.REFERENCE)
    return None if read_at is None else tx.now - read_at


def _stale(age: timedelta | None, reason: str) -> Problem:
    since = "were never read" if age is None else f"were last read {_in_words(age)} ago"
    why = f" The last attempt failed. {reason}." if reason else ""
    return Problem(
        kind=ExceptionKind.REFERENCE_STALE,
        subject_type=SubjectType.CONNECTION,
        subject=SUBJECT,
        field="reference data",
        value="",
        message=f"Orders are not screened: the catalogues and services {since}.{why}",
    )


def _in_words(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.0f} hours"
