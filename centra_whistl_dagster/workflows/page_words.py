"""How pages write moments, amounts and spans of time: those of the desk, and the briefs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.domain.london import LONDON

_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$"}


def moment(at: datetime | None) -> str | Markup:
    """Return a moment in London time, such as `09:30, 24 Nov`; `never` for none."""
    if at is None:
        return "never"
    text = f"{at.astimezone(LONDON):%H:%M, %d %b}"
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), text.replace(" ", "\u00a0")
    )


def second(at: datetime) -> Markup:
    """Return a moment to the second, for a timeline."""
    text = f"{at.astimezone(LONDON):%d %b %Y, %H:%M:%S}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), text)


def span(length: timedelta | None) -> str:
    """Return a length of time in its largest unit, such as `40 seconds` or `3 hours`."""
    if length is None:
        return "never"
    seconds = max(0, round(length.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return counted(seconds, "second")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun, such as `1 order` or `1,204 orders`."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def amount(value: Decimal, currency: str) -> str:
    """Return an amount such as `£1,204.50`, or `1,204.50 SEK`."""
    sign = _SIGNS.get(currency)
    return f"{sign}{value:,.2f}" if sign else f"{value:,.2f} {currency}"


def amounts(by_currency: dict[str, Decimal]) -> str:
    """Return amounts in several currencies, such as `£1,204.50 and €80.00`."""
    return " and ".join(amount(value, currency) for currency, value in sorted(by_currency.items()))


def in_words(name: object) -> str:
    """Return a code as people read it: `in_doubt` is `in doubt`."""
    return str(name).replace("_", " ")


def shown(value: object) -> object:
    """Return what a page shows of a value: hidden characters in texts are written out."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, keep="\n")
    return value
