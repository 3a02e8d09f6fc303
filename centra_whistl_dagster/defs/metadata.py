"""What the UI shows beside a materialization, said the same way everywhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from centra_whistl_dagster.domain.tally import Tally

_SHOWN_ROWS = 50


def of_tally(tally: Tally) -> dict[str, Any]:
    """Return a step's honest count as metadata; each figure plots itself over time in the UI."""
    return {
        "dagster/partition_row_count": tally.read,
        "read": tally.read,
        "written": tally.written,
        "unchanged": tally.unchanged,
        "skipped": tally.skipped.total(),
        "failed": tally.failed.total(),
        **({"why_skipped": dict(tally.skipped)} if tally.skipped else {}),
        **({"why_failed": dict(tally.failed)} if tally.failed else {}),
    }


def table(rows: Iterable[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Return rows as a readable table, cut at a length a person reads."""
    everything = list(rows)
    if not everything:
        return dg.MetadataValue.md("None.")
    names = list(everything[0])
    lines = [_line(names), _line(["---"] * len(names))]
    lines += [_line([row[name] for name in names]) for row in everything[:_SHOWN_ROWS]]
    if len(everything) > _SHOWN_ROWS:
        lines.append(f"\n… and {len(everything) - _SHOWN_ROWS} more.")
    return dg.MetadataValue.md("\n".join(lines))


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def columns(*described: tuple[str, str, str]) -> dg.TableSchema:
    """Return a column schema from (name, type, description)."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=type_, description=description)
            for name, type_, description in described
        ]
    )
