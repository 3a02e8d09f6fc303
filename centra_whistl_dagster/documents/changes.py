"""The handbook's table of what happens when an order changes after it was sent to Whistl."""

from __future__ import annotations

from centra_whistl_dagster.domain.orders.after_sending_policy import AfterSendingPolicy
from centra_whistl_dagster.domain.orders.changes_after_sending import (
    MATRIX,
    Cell,
    Change,
    Reaction,
    Standing,
)

BEGIN = "<!-- generated from domain/orders/changes_after_sending.py: begin -->"
END = "<!-- generated from domain/orders/changes_after_sending.py: end -->"

_SHORT = {
    Reaction.STOP: "stop",
    Reaction.PAUSE: "stop until released",
    Reaction.REPLACE: "replace",
    Reaction.NOTIFY: "notify",
    Reaction.WAIT: "wait",
    Reaction.NOTHING: "nothing",
}
_POLICY = AfterSendingPolicy()


def matrix_table() -> str:
    """Return the matrix in Markdown: what is done, with numbered notes on what it means."""
    columns = _columns()
    notes: dict[Cell, int] = {}
    header = ["changed in Centra", *(", ".join(columns[name]) for name in columns), "switch"]
    rows = [header, ["---"] * len(header)]
    for change, cells in MATRIX.items():
        shown = []
        for standings in columns.values():
            cell = cells[standings[0]]
            note = notes.setdefault(cell, len(notes) + 1)
            shown.append(f"{_SHORT[cell.reaction]} ({note})")
        rows.append([str(change), *shown, _switch(change)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    meanings = "\n".join(f"{number}. {cell.meaning}" for cell, number in notes.items())
    return f"{table}\n\n{meanings}\n"


def _columns() -> dict[tuple[Cell, ...], list[Standing]]:
    """Return the standings that every change treats alike, together."""
    columns: dict[tuple[Cell, ...], list[Standing]] = {}
    for standing in Standing:
        cells = tuple(MATRIX[change][standing] for change in MATRIX)
        columns.setdefault(cells, []).append(standing)
    return columns


def _switch(change: Change) -> str:
    """Name the policy's switch for a change, with its default."""
    name = f"on_{change.name.lower()}"
    value = getattr(_POLICY, name, None)
    return "" if value is None else f'`{name} = "{value}"`'
