"""Try every connection once and say which works: for the first day, and for a bad one.

Does not belong here: any repair, and what a finding rests on (each in its own module).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from centra_whistl_dagster.alerts.addresses import BRIEF, ESCALATION
from centra_whistl_dagster.domain.exceptions.responsibilities import Owner
from centra_whistl_dagster.domain.generations import IN_WORDS, Beginning, beginning
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.history.keeping import forecast
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.ledger import (
    former_numbers,
    generations,
    hints,
    order_contents,
    orders,
    witness,
)
from centra_whistl_dagster.ledger.witness import WitnessUnusable
from centra_whistl_dagster.screening.data_age import ADDRESSES, PHONES, ReferenceData, age_of
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.link import Link
from centra_whistl_dagster.workflows.orders.lag import look_up_lag
from centra_whistl_dagster.workflows.orders.polling import cadence_in_words
from centra_whistl_dagster.workflows.quotas import DOES_NOT_SAY

_UNITS = {
    "requests": "requests",
    "mutations": "mutations",
    "complexity": "thousand of query complexity",
}
"""By resource, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of trying one connection."""

    subject: str
    is_well: bool
    detail: str
    is_warning: bool = False
    """It works, and somebody should see to it."""


def examine(link: Link) -> list[Finding]:
    """Read something small from each system. Writes nothing."""
    return [
        _tried("Centra: orders", lambda: f"{link.centra.count_open_orders()} open orders"),
        _tried("Centra: stock", lambda: _first_level(link)),
        _tried("Centra: catalogue", lambda: _first_size(link)),
        _quotas(link),
        *_announcements(link),
        _tried("Whistl: services", lambda: f"{len(link.whistl.services())} services"),
        _tried("Whistl: stock", lambda: f"snapshot of {link.whistl.latest_snapshot().taken_at}"),
        _tried("Whistl: despatches", lambda: _last_despatch(link)),
        _tried("Ledger", lambda: _ledger(link)),
        *_generation(link),
        *_history(link),
        _age(link, "Address data", ADDRESSES),
        _age(link, "Phone data", PHONES),
        *(
            Finding(subject="Settings", is_well=True, is_warning=True, detail=detail)
            for detail in [
                *link.settings.unstated(),
                *link.settings.unencrypted(),
                *_still_in_clear(link),
                *link.settings.readable_by_others(),
                *_earlier_prefix(link),
            ]
        ),
        *_alerts(link),
    ]


def _tried(subject: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(subject=subject, is_well=True, detail=work())
    except IntegrationError as error:
        return Finding(subject=subject, is_well=False, detail=str(error))


def _quotas(link: Link) -> Finding:
    """Say what Centra allows, or that the plan that was typed in has to serve."""
    subject = "Centra: quotas"
    plan = f"those of the plan apply (CENTRA_PLAN={link.settings.centra.plan})"
    try:
        windows = link.centra.quota_windows()
    except DOES_NOT_SAY as error:
        detail = f"Centra does not say its quotas, so {plan}. {error}"
        return Finding(subject=subject, is_well=True, is_warning=True, detail=detail)
    except IntegrationError as error:
        detail = f"Centra could not be asked; the quotas that were read last apply. {error}"
        return Finding(subject=subject, is_well=False, detail=detail)
    if not windows:
        is_as_planned = link.settings.centra.plan == "unlimited"
        detail = f"Centra names no quota, so {plan}"
        return Finding(subject=subject, is_well=True, is_warning=not is_as_planned, detail=detail)
    texts = [
        f"{window.units:,} {_UNITS[window.resource]} in {window.seconds:,} s ({window.used:,} used)"
        for window in windows
    ]
    share = f"this project takes at most {link.settings.centra.quota_share:.0%} of each"
    return Finding(
        subject=subject, is_well=True, detail=f"read from Centra: {', '.join(texts)}; {share}"
    )


def _announcements(link: Link) -> list[Finding]:
    """Say whether Centra's pushes and events work, where they are in use."""
    findings = []
    if link.settings.webhook_secret:
        with link.ledger.reading() as tx:
            record = hints.push_record(tx)
            cadence = cadence_in_words(tx, link)
        heard = record.heard_at if record else None
        last = f"The last one was signed at {_time(heard)}. " if heard else ""
        is_alive = record is not None and record.are_alive
        findings.append(
            Finding(
                subject="Centra: pushes",
                is_well=True,
                is_warning=not is_alive,
                detail=f"{last}{cadence}",
            )
        )
    if link.settings.reads_events:
        work = "Centra: events", lambda: f"{len(link.centra.order_events())} wait to be confirmed"
        findings.append(_tried(*work))
    return findings


def _history(link: Link) -> list[Finding]:
    """Say how large the history will be in a year, and whether it can then still be published."""
    settings = link.settings
    if not settings.published_path.exists():
        return [Finding(subject="History", is_well=True, detail="Nothing has been published yet.")]
    try:
        with open_published(settings.published_path) as reader:
            growth = reader.growth()
    except HistoryError as error:
        return [Finding(subject="History", is_well=False, detail=str(error))]
    days = settings.keeps_history_for.days
    expected = forecast(
        skus=growth.skus,
        changes_per_day=growth.changes_per_day,
        orders_per_day=growth.orders_per_day,
        days=days,
    )
    detail = (
        f"at this rate the file takes {_size(expected.file)} once it has {days} days of stock and "
        f"a year of orders, copied in about {expected.seconds_to_copy:.0f} s; the days beside it "
        f"take {_size(expected.day_files_per_year)} a year"
    )
    if expected.is_too_large_to_copy:
        detail += ". Publishing would take too long: set KEEP_HISTORY_DAYS to fewer days"
    return [
        Finding(
            subject="History",
            is_well=True,
            detail=detail,
            is_warning=expected.is_too_large_to_copy,
        )
    ]


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e8 else f"{size_bytes / 1e6:.1f} MB"


def _age(link: Link, subject: str, data: ReferenceData) -> Finding:
    age = age_of(data, link.now().date())
    return Finding(subject=subject, is_well=True, is_warning=age.is_old, detail=age.text)


def _first_level(link: Link) -> str:
    level = next(link.centra.stock_levels(), None)
    return "the warehouse is empty" if level is None else f"SKU {level.sku}, {level.physical} held"


def _first_size(link: Link) -> str:
    size = next(iter(link.centra.product_sizes()), None)
    return "no product sizes" if size is None else f"SKU {size.sku}"


def _last_despatch(link: Link) -> str:
    page = link.whistl.despatches_after(0, limit=1)
    return "none yet" if not page.despatches else f"from {page.despatches[0].despatched_at} on"


def _ledger(link: Link) -> str:
    with link.ledger.reading() as tx:
        return f"{sum(orders.counts_by_state(tx).values())} orders known"


def _generation(link: Link) -> list[Finding]:
    """Say whether the ledger has a gap, and what waits until that is accounted for."""
    subject = "Ledger generation"
    try:
        seen = witness.read(link.settings.witness_path)
    except WitnessUnusable as error:
        return [Finding(subject=subject, is_well=False, detail=str(error))]
    with link.ledger.reading() as tx:
        row = generations.newest(tx)
        why = beginning(generations.standing(tx), seen, now=tx.now)
        waiting = generations.to_be_looked_up(tx)
        proves_at = generations.gap_of(row).absence_proves(look_up_lag(tx, link)) if row else None
    if why is Beginning.NEW:
        return []
    if why is not None:
        detail = (
            f"the next start finds a gap: {IN_WORDS[why]}. Orders are looked up at Whistl before "
            "they are sent, and parcels are compared with Centra."
        )
        return [Finding(subject=subject, is_well=True, is_warning=True, detail=detail)]
    if row is None or proves_at is None:
        return []
    detail = f"{row.id}, since {_time(row.began_at)}: {IN_WORDS[row.reason]}"
    if row.last_known_at is not None:
        detail += f"; complete up to {_time(row.last_known_at)}"
    if row.accounted_for_at is not None:
        done = f"{detail}. The gap was accounted for at {_time(row.accounted_for_at)}."
        return [Finding(subject=subject, is_well=True, detail=done)]
    parcels = "compared" if row.parcels_checked_at else "not all compared yet"
    detail = (
        f"{detail}. The gap is not accounted for: {waiting} orders on their way are looked up at "
        f"Whistl first; what Whistl does not show counts as not sent from {_time(proves_at)}. "
        f"Parcels: {parcels} with Centra."
    )
    return [Finding(subject=subject, is_well=True, is_warning=True, detail=detail)]


def _time(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%Y-%m-%d %H:%M:%S} (London time)"


def _alerts(link: Link) -> list[Finding]:
    """Say which alerts would reach nobody."""
    addresses = link.settings.alerts
    if not addresses.are_there:
        detail = "no address is set, so nobody is notified of anything. Set ALERT_DEFAULT_URL."
        return [Finding(subject="Alerts", is_well=False, detail=detail)]
    named = {each.channel for each in link.configuration.exception_kinds.values()}
    details = [
        f"ALERT_{channel.upper()}_URL is set, and config/exceptions.toml names no such channel."
        for channel in sorted(addresses.by_channel.keys() - named - {*Owner, ESCALATION, BRIEF})
    ]
    if not addresses.default:
        instead = "they go to the second channel" if addresses.fallback else "they are not sent"
        details += [
            f"channel {channel} has no address: {instead}. Set ALERT_{channel.upper()}_URL."
            for channel in sorted(named - addresses.by_channel.keys())
        ]
    return [
        Finding(subject="Alerts", is_well=True, is_warning=True, detail=detail)
        for detail in details
    ]


def _still_in_clear(link: Link) -> list[str]:
    """Say how much is in clear though there is a key."""
    with link.ledger.reading() as tx:
        count = order_contents.count_clear(tx)
    if not count or link.settings.ledger_keys.current is None:
        return []
    warning = (
        f"LEDGER_KEY is set, and the contents of {count} orders are still in clear. Run "
        "`centra-whistl encrypt`."
    )
    return [warning]


def _earlier_prefix(link: Link) -> list[str]:
    prefix = link.settings.order_number_prefix
    with link.ledger.reading() as tx:
        count = former_numbers.count_open_without_prefix(tx, prefix)
    if not count:
        return []
    warning = (
        f"ORDER_NUMBER_PREFIX is {prefix}; open orders under another prefix: {count}. Whistl knows "
        "orders by their number: set the old prefix again unless it was changed on purpose. "
        "Despatches under the old prefix are still applied."
    )
    return [warning]
