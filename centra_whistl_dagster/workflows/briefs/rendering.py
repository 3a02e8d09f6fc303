"""A brief as one HTML file that needs nothing else, and as a few lines of text for a chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from centra_whistl_dagster.alerts.messages import TITLE_CHARACTERS, one_line
from centra_whistl_dagster.domain.brief_periods import Cadence, Period
from centra_whistl_dagster.domain.exceptions.responsibilities import team_name
from centra_whistl_dagster.domain.health import Finding, token_expiry
from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.workflows import page_words as words
from centra_whistl_dagster.workflows.briefs.figures import Level
from centra_whistl_dagster.workflows.briefs.past import past_of_day, past_of_week
from centra_whistl_dagster.workflows.briefs.plots import HEIGHT, WIDTH, plot
from centra_whistl_dagster.workflows.briefs.register import Register, read_register
from centra_whistl_dagster.workflows.link import Installation

_HTML, _TEXT = ".html", ".txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One brief, written and not kept yet. It holds no personal data and no masked value."""

    period: Period
    title: str
    html: str
    text: str
    needs_a_person: int
    """Open exceptions that are urgent or overdue."""


def write_brief(installation: Installation, period: Period) -> Brief:
    """Write the brief of a day or a week, with what waits as of now.

    Raises:
        HistoryError: the published copy cannot be read.
    """
    register = read_register(installation)
    is_daily = period.cadence is Cadence.DAILY
    past = past_of_day(installation, period) if is_daily else past_of_week(installation, period)
    title = _title(period, register)
    kinds = installation.configuration.exception_kinds
    context: dict[str, object] = {
        "title": title,
        "period": period,
        "now": installation.now(),
        "desk_url": installation.settings.desk_url,
        "register": register,
        "past": past,
        "titles": {str(kind): responsibility.title for kind, responsibility in kinds.items()},
        "token_expires": installation.settings.token_expires,
        "token": _token(installation.settings.token_expires, installation.now()),
    }
    templates = _templates()
    html, text = (
        templates.get_template(f"{period.cadence}{ending}").render(context)
        for ending in (_HTML, _TEXT)
    )
    return Brief(
        period=period,
        title=title,
        html=html,
        text=text,
        needs_a_person=sum(group.count for group in register.first),
    )


def _title(period: Period, register: Register) -> str:
    if period.cadence is Cadence.WEEKLY:
        return one_line(f"Weekly brief, {period.in_words}", TITLE_CHARACTERS)
    waiting = words.counted(register.blocked, "order")
    return one_line(
        f"Daily brief, {period.in_words}: {waiting} blocked, {register.overdue:,} overdue",
        TITLE_CHARACTERS,
    )


def _token(expires: date | None, now: datetime) -> Finding | None:
    return token_expiry(expires, now.astimezone(LONDON).date())


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("centra_whistl_dagster.workflows.briefs"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=words.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (words.moment, words.counted, words.amount, words.amounts, words.in_words):
        templates.filters[filter_.__name__] = filter_
    templates.filters |= {"target": _target, "percent": _percent, "one_line": one_line}
    templates.filters |= {"team": team_name, "query": _query, "sentence": _sentence}
    templates.filters |= {"units": _units, "hours": _hours}
    templates.globals |= {"plot": plot, "plot_width": WIDTH, "plot_height": HEIGHT}
    return templates


def _target(level: Level) -> str:
    """Return what a target promises, as people say it."""
    length = _length(level.within_seconds)
    promised = {
        "accepted": f"Orders accepted by Whistl within {length}",
        "despatched": f"Orders despatched within {length} of being placed",
        "completed": f"Parcels shown in Centra within {length} of leaving",
        "stock_age": f"Time with stock figures younger than {length}",
        "exceptions": "Exceptions over within their time limit",
    }
    return promised[level.target]


def _length(seconds: int) -> str:
    for unit, size in (("hour", 3_600), ("minute", 60)):
        if seconds % size == 0 and seconds > size:
            return words.counted(seconds // size, unit)
    return words.counted(seconds, "second")


def _percent(share: float | None) -> str:
    """Return a share such as `97.4%`, rounded down: one just missed is not shown as met."""
    return "–" if share is None else f"{int(share * 1000 + 1e-9) / 10:.1f}%"  # noqa: RUF001 - a dash


def _units(number: float) -> str:
    """Return an average as people read it: whole, or with one decimal where it is small."""
    is_whole = number >= 10 or abs(number - round(number)) < 0.05
    return f"{number:,.0f}" if is_whole else f"{number:.1f}"


def _hours(hours: float) -> str:
    if hours >= 2:
        return f"{_units(hours)} hours"
    return words.counted(round(hours * 60), "minute")


def _sentence(text: str) -> str:
    """Return text with a capital to begin with; names within it keep theirs."""
    return text[:1].upper() + text[1:]


def _query(filters: Mapping[str, str]) -> str:
    return urlencode(filters)
