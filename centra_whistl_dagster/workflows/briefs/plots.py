"""Days as stacked bars of an SVG plot: no script, no image file, no style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from centra_whistl_dagster.workflows.briefs.figures import DayBar

WIDTH, HEIGHT = 640, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 18, 26
_GAP = 0.25
"""Of a day's width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """One part of a day's bar."""

    x: float
    y: float
    width: float
    height: float
    is_bad: bool
    label: str
    """What a person reads who points at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A label at a place of the plot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What the template draws."""

    rectangles: tuple[Rectangle, ...]
    days: tuple[Mark, ...]
    top: float
    """The height of the largest value."""
    largest: float
    zero: float


def plot(days: Sequence[DayBar], *, good: str, bad: str) -> Plot | None:
    """Return the plot of some days; None where fewer than two of them have anything to show.

    Args:
        days: in order; a day about which nothing is known has no bar.
        good: the name of the lower part of a bar.
        bad: the name of the upper part.
    """
    known = [(day.good or 0) + (day.bad or 0) for day in days if day.good is not None]
    largest = max(known, default=0)
    if len(known) < 2 or largest <= 0:
        return None
    step = (WIDTH - _LEFT - _RIGHT) / len(days)
    zero = HEIGHT - _BOTTOM
    scale = (zero - _TOP) / largest
    rectangles, marks = [], []
    for position, day in enumerate(days):
        left = _LEFT + position * step
        if (len(days) - 1 - position) % 2 == 0 or len(days) <= 7:
            mark = Mark(
                x=round(left + step / 2, 1), y=HEIGHT - 8, text=f"{day.day:%a} {day.day.day}"
            )
            marks.append(mark)
        bottom = float(zero)
        for value, name, is_bad in ((day.good, good, False), (day.bad, bad, True)):
            if not value or value < 0:
                continue
            height = value * scale
            bottom -= height
            rectangles.append(
                Rectangle(
                    x=round(left + step * _GAP / 2, 1),
                    y=round(bottom, 1),
                    width=round(step * (1 - _GAP), 1),
                    height=round(height, 1),
                    is_bad=is_bad,
                    label=f"{day.day:%a} {day.day.day}: {value:,.0f} {name}",
                )
            )
    return Plot(
        rectangles=tuple(rectangles),
        days=tuple(marks),
        top=float(_TOP),
        largest=largest,
        zero=float(zero),
    )
