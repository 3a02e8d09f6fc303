"""What the UI shows beside a materialization or a check, the same way everywhere."""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.domain.tally import Tally
from centra_whistl_dagster.history.columns import HistoryTable, columns_of
from centra_whistl_dagster.settings import InstallationSettings

_SHOWN_ROWS = 50


def of_tally(tally: Tally) -> dict[str, int]:
    """Return a step's counts as metadata; each figure plots itself over time in the UI.

    A reason that kept no record back has no entry: absent is not zero.
    """
    return {
        "read": tally.read,
        "written": tally.written,
        "unchanged": tally.unchanged,
        "skipped": tally.skipped.total(),
        "failed": tally.failed.total(),
        **{f"skipped: {reason}": count for reason, count in tally.skipped.items()},
        **{f"failed: {reason}": count for reason, count in tally.failed.items()},
    }


def table(rows: Iterable[Mapping[str, object]]) -> dg.MarkdownMetadataValue:
    """Return rows as a Markdown table of at most 50 rows, with a count of those left out."""
    everything = list(rows)
    if not everything:
        return dg.MetadataValue.md("None.")
    names = list(everything[0])
    lines = [_line(names), _line(["---"] * len(names))]
    lines += [_line([row[name] for name in names]) for row in everything[:_SHOWN_ROWS]]
    if len(everything) > _SHOWN_ROWS:
        lines.append(f"\n… and {len(everything) - _SHOWN_ROWS} more.")
    return dg.MetadataValue.md("\n".join(lines))


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def whose(
    kind: ExceptionKind, responsibilities: Mapping[ExceptionKind, Responsibility]
) -> dict[str, str]:
    """Return the cells that say who fixes a kind of exception, how, and the time limit."""
    responsibility = responsibilities[kind]
    return {
        "owner": responsibility.owner.value,
        "what to do": responsibility.instructions,
        "time limit": responsibility.time_limit,
    }


def at_desk(settings: InstallationSettings, path: str) -> dict[str, dg.UrlMetadataValue]:
    """Return a link to a page of the desk; nothing where nobody has said where the desk is."""
    return {"desk": dg.MetadataValue.url(settings.desk_url + path)} if settings.desk_url else {}


def columns(*described: tuple[str, str, str]) -> dict[str, dg.TableSchema]:
    """Return an asset's column schema from (name, type, description)."""
    return _schema(
        dg.TableColumn(name=name, type=type_, description=description)
        for name, type_, description in described
    )


def columns_of_table(model: type[HistoryTable], *names: str) -> dict[str, dg.TableSchema]:
    """Return an asset's column schema as the history declares it.

    Args:
        model: the table.
        names: the columns that the asset shares with it, in this order; every column if empty.

    Raises:
        KeyError: the table has no such column.
    """
    facts = {column.name: column for column in columns_of(model)}
    return _schema(
        dg.TableColumn(
            name=fact.name,
            type=fact.type,
            description=fact.description,
            constraints=dg.TableColumnConstraints(nullable=fact.is_nullable),
        )
        for fact in ([facts[name] for name in names] or facts.values())
    )


def _schema(described: Iterable[dg.TableColumn]) -> dict[str, dg.TableSchema]:
    return {"dagster/column_schema": dg.TableSchema(columns=list(described))}
