"""Measure what the page "Health" shows; neither system is asked.

Does not belong here: what counts as well (`domain.health`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from centra_whistl_dagster.alerts.rules import DELIVERED_WITHIN, STILL_RED_FOR
from centra_whistl_dagster.domain.health import (
    Area,
    Condition,
    Finding,
    area,
    clock,
    in_line,
    in_minutes,
    late,
    measured,
    slow,
    token_expiry,
    too_many,
)
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.domain.orders.breaker import BreakerState
from centra_whistl_dagster.domain.orders.states import OrderState
from centra_whistl_dagster.ledger import (
    alerts,
    api_calls,
    breaker,
    despatches,
    failing_steps,
    generations,
    health,
    orders,
    state,
    stock,
)
from centra_whistl_dagster.ledger.api_calls import QuotaUse
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.service_levels import (
    Spread,
    despatched_to_completed,
    seen_to_accepted,
)
from centra_whistl_dagster.workflows.access import refused_groups
from centra_whistl_dagster.workflows.link import Installation
from centra_whistl_dagster.workflows.orders.balance import last_balance
from centra_whistl_dagster.workflows.stock.age import age_of
from centra_whistl_dagster.workflows.stock.last_sync import last_sync

POLLS_CENTRA = "new_centra_orders"
POLLS_WHISTL = "new_whistl_despatches"
PUBLISHES = "analytics/published_history"
_MINUTE = timedelta(minutes=1)
_DATA_TEAM = "The data team"
_MUCH = 5
"""Times the target that something may wait before somebody checks why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Each area, what is paused, and what the calls of this hour took of the quotas."""

    areas: tuple[Area, ...]
    paused: tuple[str, ...]
    quotas: tuple[QuotaUse, ...]
    red: tuple[tuple[str, str], ...]
    """Title and owner of every check, job and sensor that fails."""


def examine_health(installation: Installation) -> Health:
    """Say how everything is."""
    with installation.ledger.reading() as tx:
        now = tx.now
        red = health.red(tx, seen_since=now - STILL_RED_FOR)
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return Health(
            areas=(
                _connection(tx, red),
                _orders(tx, installation),
                _despatches(tx, installation),
                _stock(tx, installation),
                _alerts(tx),
                _history(tx, installation),
                _access(tx, installation.settings.token_expires),
            ),
            paused=tuple(_paused(tx)),
            quotas=tuple(api_calls.quota_use(tx, hour)),
            red=tuple(red),
        )


def _connection(tx: Transaction, red: Sequence[tuple[str, str]]) -> Area:
    generation = generations.newest(tx)
    alive_at = generation.alive_at if generation else None
    failing = health.failing(tx)
    steps = "1 step fails" if len(failing) == 1 else f"{len(failing)} steps fail"
    checks = "1 check is red" if len(red) == 1 else f"{len(red)} checks are red"
    findings = [
        late(
            "The connection last showed a sign of life",
            "The connection has shown no sign of life yet",
            alive_at,
            tx.now,
            warn=2 * _MINUTE,
            fail=10 * _MINUTE,
            who=_DATA_TEAM,
        ),
        too_many(len(failing), f"{steps}: {', '.join(failing)}. {_DATA_TEAM} sees to it."),
        too_many(len(red), f"{checks}."),
    ]
    return area(
        "Connection",
        findings,
        well="It runs.",
        facts=[("Last sign of life", clock(alive_at))],
    )


def _orders(tx: Transaction, installation: Installation) -> Area:
    targets = installation.configuration.service_targets
    last = failing_steps.last_success(tx, POLLS_CENTRA)
    states = orders.counts_by_state(tx)
    ready = health.orders_in(tx, OrderState.RECEIVED, OrderState.READY, OrderState.SENDING)
    blocked, doubt = states[OrderState.BLOCKED], states[OrderState.IN_DOUBT]
    accepted = seen_to_accepted(tx, tx.now - timedelta(days=1))
    compared = last_balance(tx)
    apart = compared[0].differences if compared else 0
    findings = [
        _poll_late("Centra", "new orders", last, tx.now),
        too_many(
            breaker.read(tx).state(tx.now) is not BreakerState.CLOSED,
            "Orders are not sent: Whistl's answers were lost.",
        ),
        slow(
            tx.now,
            ready.since,
            timedelta(seconds=_MUCH * targets.accepted_seconds),
            "sent to Whistl",
        ),
        too_many(
            apart,
            "Centra and this connection disagree about open orders: "
            f"{apart} of them. {_DATA_TEAM} sees to it.",
            is_bad=True,
        ),
    ]
    facts = [
        ("Last read from Centra", clock(last)),
        ("On their way to Whistl", in_line(ready.count, ready.since, tx.now)),
        ("Blocked", f"{blocked:,}"),
        ("In doubt", f"{doubt:,}"),
        ("Held in Centra", f"{states[OrderState.WAITING]:,}"),
        (
            "Accepted by Whistl in 24 hours",
            _measured(accepted, targets.accepted_percent, targets.accepted_seconds),
        ),
    ]
    if compared:
        balance, at = compared
        facts.append(
            (
                "Open in Centra and known here",
                f"{balance.in_centra:,} and {balance.in_ledger:,}, compared at {clock(at)}",
            )
        )
    return area("Orders", findings, well="Orders go to Whistl.", facts=facts)


def _poll_late(system: str, what: str, last: datetime | None, now: datetime) -> Finding | None:
    return late(
        f"{system} was last read for {what}",
        f"{system} has not been read for {what} yet",
        last,
        now,
        warn=2 * _MINUTE,
        fail=10 * _MINUTE,
        who=_DATA_TEAM,
    )


def _measured(spread: Spread, percent: int, seconds: int) -> str:
    return measured(spread.count, spread.p50, spread.p95, percent, seconds)


def _despatches(tx: Transaction, installation: Installation) -> Area:
    targets = installation.configuration.service_targets
    last = failing_steps.last_success(tx, POLLS_WHISTL)
    to_write = health.parcels_to_write(tx)
    completed = despatched_to_completed(tx, tx.now - timedelta(days=1))
    findings = [
        _poll_late("Whistl", "despatches", last, tx.now),
        slow(
            tx.now,
            to_write.since,
            timedelta(seconds=_MUCH * targets.completed_seconds),
            "written to Centra",
        ),
    ]
    facts = [
        ("Last read from Whistl", clock(last)),
        ("Messages to apply", f"{despatches.count_to_apply(tx):,}"),
        ("Parcels to write to Centra", in_line(to_write.count, to_write.since, tx.now)),
        (
            "Completed in Centra in 24 hours",
            _measured(completed, targets.completed_percent, targets.completed_seconds),
        ),
    ]
    return area("Despatches", findings, well="Parcels reach Centra.", facts=facts)


def _stock(tx: Transaction, installation: Installation) -> Area:
    snapshot, synced = stock.latest_accepted(tx), last_sync(tx)
    targets = installation.configuration.service_targets
    refused = len(stock.refused_since(tx, snapshot.taken_at if snapshot else None))
    age = age_of(installation, snapshot) if snapshot else None
    findings: list[Finding | None] = [
        too_many(
            refused,
            f"{refused} newer stock {'feed was' if refused == 1 else 'feeds were'} refused: see "
            "Refused feeds.",
        ),
        too_many(
            generations.are_parcels_unchecked(tx),
            "Stock waits until parcels were compared with Centra after a gap in the ledger.",
        ),
    ]
    facts = [("Snapshot in use", clock(snapshot.taken_at if snapshot else None))]
    if age is None:
        sentence = f"No stock has been read from Whistl yet. {_DATA_TEAM} sees to it."
        findings.append(Finding(condition=Condition.WARNING, sentence=sentence))
    else:
        facts.append(
            (
                "Age of the stock in use",
                f"{in_minutes(tx.now - age.taken_at)} (promised: {targets.stock_age_minutes})",
            )
        )
        if age.minutes > targets.stock_age_minutes:
            findings.append(
                Finding(
                    condition=Condition.BAD if age.is_too_old else Condition.WARNING,
                    sentence=f"{age}. Centra keeps its figures; fulfilment asks Whistl.",
                )
            )
    if synced:
        facts.append(("Last full sync", clock(synced.full_at)))
        facts.append(("SKUs still to be written", f"{synced.unfinished:,}"))
    facts.append(("Centra last answered for a quantity", clock(health.last_stock_write(tx))))
    if decided := health.last_decision(tx):
        reason, at = decided
        facts.append(("Last decision about a sync", f"{reason} ({clock(at)})"))
    return area("Stock", findings, well="Stock is up to date.", facts=facts)


def _alerts(tx: Transaction) -> Area:
    waiting = alerts.backlogs(tx)
    behind = [each for each in waiting if tx.now - each.oldest_at > DELIVERED_WITHIN]
    names = ", ".join(each.channel for each in behind)
    findings = [
        too_many(
            len(behind),
            f"Alerts do not get through: {names}. Tell these teams in person; the data team "
            "corrects the channel.",
            is_bad=True,
        )
    ]
    facts = [("Not accepted by a channel yet", f"{sum(each.alerts for each in waiting):,}")]
    facts += [
        (f"Channel {each.channel}", f"{each.alerts:,} waiting since {clock(each.oldest_at)}")
        for each in waiting
    ]
    return area("Alerts", findings, well="Every alert has been accepted.", facts=facts)


def _history(tx: Transaction, installation: Installation) -> Area:
    last = failing_steps.last_success(tx, PUBLISHES)
    finding = late(
        "The history was last published",
        "The history has not been published yet",
        last,
        tx.now,
        warn=10 * _MINUTE,
        fail=30 * _MINUTE,
        who=_DATA_TEAM,
    )
    size = None
    if installation.settings.published_path.exists():
        size = installation.settings.published_path.stat().st_size
    facts = [("Last published", clock(last))]
    if size is not None:
        facts.append(("Size", f"{size / 1e6:,.1f} MB"))
    return area("History", [finding], well="Analysts read figures of minutes ago.", facts=facts)


def _access(tx: Transaction, token_expires: date | None) -> Area:
    refused = refused_groups(tx)
    findings = [
        token_expiry(token_expires, tx.now.astimezone(LONDON).date()),
        too_many(
            len(refused),
            f"Centra refuses {', '.join(refused)}. {_DATA_TEAM} grants the permission.",
            is_bad=True,
        ),
    ]
    expiry = f"{token_expires:%d %B %Y}" if token_expires else "not stated (CENTRA_TOKEN_EXPIRES)"
    return area(
        "Access",
        findings,
        well="No call is refused.",
        facts=[("Centra's token expires", expiry)],
    )


def _paused(tx: Transaction) -> list[str]:
    """Say what is not done at present, and until when."""
    paused = []
    held = breaker.read(tx)
    if held.state(tx.now) is not BreakerState.CLOSED:
        paused.append(
            "Orders are not sent: Whistl's answers were lost. The next try is at "
            f"{clock(held.probe_at)}."
        )
    paused += [f"No call is made for {group}: Centra refused it." for group in refused_groups(tx)]
    if why := state.read(tx, state.REFERENCE_TRIED):
        paused.append(f"The catalogues could not be read again: {why}.")
    if generations.unaccounted(tx) is not None:
        paused.append(
            "After a gap in the ledger, orders are looked up at Whistl before they are sent, and "
            "stock waits until parcels were compared with Centra."
        )
    return paused
