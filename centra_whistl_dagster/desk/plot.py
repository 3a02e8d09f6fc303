"""A week of one SKU's stock as lines of an SVG picture: no script, no image file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from centra_whistl_dagster.domain.london import LONDON
from centra_whistl_dagster.workflows.stock.sku_view import Step

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A label at a place of the picture."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What the template draws."""

    whistl: str
    """The path of what Whistl had free."""
    centra: str
    """The path of what the shop could sell."""
    days: tuple[Mark, ...]
    units: tuple[Mark, ...]
    zero: float
    """The height of no units."""


def plot(
    whistl: Sequence[Step], centra: Sequence[Step], *, since: datetime, until: datetime
) -> Plot | None:
    """Return the picture of a period; None where there is nothing to draw."""
    shown = [step.units for step in (*whistl, *centra) if step.units is not None]
    if not shown or until <= since:
        return None
    low, high = min(0, *shown), max(1, *shown)

    def x(at: datetime) -> float:
        share = (max(at, since) - since) / (until - since)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(units: int) -> float:
        share = (units - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def path(steps: Sequence[Step]) -> str:
        parts: list[str] = []
        is_drawing = False
        for step, following in zip(steps, [*steps[1:], None], strict=False):
            if step.units is None:
                is_drawing = False
                continue
            level = y(step.units)
            parts.append(f"{'L' if is_drawing else 'M'}{x(step.at)} {level}")
            parts.append(f"H{x(following.at if following else until)}")
            is_drawing = True
        return "".join(parts)

    midnights = []
    day = since.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
    while (day := day + timedelta(days=1)) < until:
        midnights.append(Mark(x=x(day), y=HEIGHT - 8, text=f"{day:%a %d}"))
    return Plot(
        whistl=path(whistl),
        centra=path(centra),
        days=tuple(midnights),
        units=tuple(Mark(x=_LEFT - 6, y=y(n) + 4, text=f"{n:,}") for n in {low, 0, high}),
        zero=y(0),
    )
