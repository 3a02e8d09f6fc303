"""What the published history says of a day or a week, for its brief.

Each figure is that of one of the analysts' views. Does not belong here: SQL (`history`), what waits
now (`register`), or how a brief looks (`rendering`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from centra_whistl_dagster.domain.brief_periods import Period
from centra_whistl_dagster.domain.exceptions.prevention import prevention_of
from centra_whistl_dagster.domain.service_targets import ErrorBudget
from centra_whistl_dagster.domain.stock.sum_in_words import CAUSES
from centra_whistl_dagster.history.publish import open_published
from centra_whistl_dagster.history.reads import Reader
from centra_whistl_dagster.workflows.briefs.figures import (
    Agreement,
    BufferCost,
    Cause,
    Change,
    DayBar,
    Level,
    Money,
    PastOfDay,
    PastOfWeek,
    Repeat,
    WentOut,
)
from centra_whistl_dagster.workflows.link import Installation

DAYS_IN_PLOT = 14
_SHOWN = 10
_Past = TypeVar("_Past")


def past_of_day(installation: Installation, period: Period) -> PastOfDay | None:
    """Return what the history says of a day; None where none has been published yet."""
    return _read(installation, lambda reader: _day(reader, period.first))


def past_of_week(installation: Installation, period: Period) -> PastOfWeek | None:
    """Return what the history says of a week; None where none has been published yet."""
    return _read(installation, lambda reader: _week(reader, period))


def _read(installation: Installation, read: Callable[[Reader], _Past]) -> _Past | None:
    settings = installation.settings
    if not settings.published_path.exists():
        return None
    with open_published(
        settings.published_path,
        memory_limit=settings.history_memory,
        threads=settings.history_threads,
    ) as reader:
        return read(reader)


def _day(reader: Reader, day: date) -> PastOfDay:
    stock = reader.rows_of_view("oversold_and_withheld")
    return PastOfDay(
        as_of=reader.data_as_of(),
        went_out=_went_out(reader, day),
        levels=_levels(reader.rows_of_view("service_levels_against_targets", (day, day))),
        agreement=_agreement(reader, day),
        oversold=_money(stock, "oversold_units", "oversold_value"),
        withheld=_money(stock, "withheld_units", "withheld_value"),
        changes=_changes(reader.rows_of_view("changes_by_day", (day, day))),
    )


def _went_out(reader: Reader, day: date) -> WentOut:
    days = _days_until(day)
    rows = reader.rows_of_view("orders_despatched_by_day", (days[0], day))
    by_day = {row["day"]: row for row in rows}
    of_day = by_day.get(day, {})
    carriers = reader.rows_of_view("carrier_performance", (day, day))
    return WentOut(
        orders=of_day.get("orders", 0),
        units=of_day.get("units", 0),
        within_target=of_day.get("within_target") or 0,
        p50_hours=of_day.get("p50_hours"),
        within_seconds=of_day.get("within_seconds") or 0,
        wanted_percent=of_day.get("wanted_percent") or 0,
        parcels=sum(row["parcels"] for row in carriers),
        carriers=carriers,
        days=[_bar(each, by_day, "within_target", "orders") for each in days],
    )


def _bar(day: date, by_day: Mapping[date, Mapping[str, Any]], part: str, whole: str) -> DayBar:
    row = by_day.get(day)
    if row is None or row[part] is None:  # no row of that day, or no target to judge it by
        return DayBar(day=day, good=None, bad=None)
    return DayBar(day=day, good=row[part], bad=row[whole] - row[part])


def _days_until(day: date) -> list[date]:
    return [day - timedelta(days=ago) for ago in reversed(range(DAYS_IN_PLOT))]


def _levels(rows: Sequence[Mapping[str, Any]]) -> list[Level]:
    """Add up each target's rows; of days that are not final only where no other day is."""
    by_target: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_target[row["target"]].append(row)
    levels = []
    for target in _TARGETS:
        of_target = by_target.get(target, [])
        counted = [row for row in of_target if row["is_final"]] or of_target
        if not counted:
            continue
        budget = ErrorBudget(
            measured=sum(row["measured"] for row in counted),
            met=sum(row["met"] for row in counted),
            wanted_percent=counted[0]["wanted_percent"],
        )
        levels.append(
            Level(
                target=target,
                within_seconds=counted[0]["within_seconds"],
                budget=budget,
                is_final=all(row["is_final"] for row in counted),
            )
        )
    return levels


_TARGETS = ("accepted", "despatched", "completed", "stock_age", "exceptions")


def _agreement(reader: Reader, day: date) -> Agreement | None:
    days = _days_until(day)
    by_day = {row["day"]: row for row in reader.rows_of_view("inventory_accuracy", (days[0], day))}
    row = by_day.get(day)
    if row is None:
        return None
    causes = [
        Cause(name=CAUSES[cause["cause"]], units=cause["units_without_sign"], skus=cause["skus"])
        for cause in reader.rows_of_view("divergence_over_time", (day, day))
        if cause["period"] == "day" and cause["units_without_sign"]
    ]
    explained = {
        each: {**of_day, "explained": of_day["differing_units"] - of_day["unexplained_units"]}
        for each, of_day in by_day.items()
    }
    return Agreement(
        comparisons=row["comparisons"],
        units=row["units"],
        differing_units=row["differing_units"],
        unexplained_units=row["unexplained_units"],
        share_alike_or_explained=row["share_of_units_alike_or_explained"],
        causes=causes,
        days=[_bar(each, explained, "explained", "differing_units") for each in days],
    )


def _money(rows: Sequence[Mapping[str, Any]], units: str, value: str) -> Money:
    concerned = [row for row in rows if row[units]]
    by_currency: dict[str, Decimal] = defaultdict(Decimal)
    for row in concerned:
        if row[value] is not None:
            by_currency[row["currency"]] += Decimal(row[value])
    concerned.sort(key=lambda row: (row[value] is None, -(row[value] or 0), row["sku"]))
    return Money(
        units=sum(row[units] for row in concerned),
        by_currency=dict(by_currency),
        without_price=sum(row[units] for row in concerned if row[value] is None),
        skus=concerned[:_SHOWN],
    )


def _changes(rows: Sequence[Mapping[str, Any]]) -> list[Change]:
    by_what: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        by_what[row["what"]][row["about"]] = row["number"]
    return [
        Change(
            what=what,
            number=sum(numbers.values()),
            kinds={kind: number for kind, number in numbers.items() if kind},
        )
        for what, numbers in by_what.items()
    ]


def _week(reader: Reader, period: Period) -> PastOfWeek:
    days = (period.first, period.last)
    rows = reader.rows_of_view("exceptions_that_repeat")
    repeats = [_repeat(row) for row in rows if row["times"] > 1]
    return PastOfWeek(
        as_of=reader.data_as_of(),
        levels=_levels(reader.rows_of_view("service_levels_against_targets", days)),
        repeats=repeats[:_SHOWN],
        more_repeats=max(0, len(repeats) - _SHOWN),
        options_resolved=reader.rows_of_view("shipping_options_resolved", days),
        buffers=_buffers(reader.rows_of_view("cost_of_buffers")),
    )


def _repeat(row: Mapping[str, Any]) -> Repeat:
    return Repeat(
        owner=row["owner"],
        kind=row["kind"],
        field=row["field"],
        times=row["times"],
        subjects=row["subjects"],
        subjects_again=row["subjects_again"],
        open=row["open"],
        prevention=prevention_of(row["kind"]),
    )


def _buffers(rows: Sequence[Mapping[str, Any]]) -> BufferCost:
    return BufferCost(
        withheld=_money(rows, "withheld_units", "withheld_value"),
        not_sold=_money(rows, "units_not_sold", "value_not_sold"),
        hours_sold_out=sum(row["hours_sold_out"] for row in rows),
    )
