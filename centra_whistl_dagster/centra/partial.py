"""Answers of which Centra could not give some fields: which records those belong to.

One nullable field of one order that fails comes as null, with an error that names its place
(GraphQL specification, 7.1.2). The other records of the list are whole; read as it stands, the
record itself would seem to have no address, or no lines. A field that may not be null takes the
whole list with it: then `pages` reads the records again in smaller parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from centra_whistl_dagster.transport import Json
from centra_whistl_dagster.transport.errors import field_of
from centra_whistl_dagster.transport.fields import UNRESOLVED


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an answer's data a field is missing: in which element of which list."""

    records: list[Json]
    index: int
    field: str


def are_all_in_records(data: Json, errors: Iterable[Mapping[str, Json]]) -> bool:
    """Say whether each error is about one record of a list, so that the others can be used."""
    return all(_place_of(data, error.get("path")) is not None for error in errors)


def broken_field(errors: Iterable[Mapping[str, Json]]) -> str | None:
    """Return the field of a list's record that each error is about, the first if several; or None.

    For answers that lost the whole list.
    """
    fields = []
    for error in errors:
        match error.get("path"):
            case [str(), int(), *rest]:
                fields.append(field_of(".".join(map(str, rest))) or "record")
            case _:
                return None
    return fields[0] if fields else None


def mark(data: Json, errors: Iterable[Mapping[str, Json]]) -> None:
    """Mark in place the records that the errors are about, so that none is read as if whole."""
    for error in errors:
        place = _place_of(data, error.get("path"))
        if place is None:
            continue
        record = place.records[place.index]
        known = record if isinstance(record, dict) else {}
        place.records[place.index] = {**known, UNRESOLVED: place.field}


def _place_of(data: Json, path: Json) -> _Place | None:
    value, place = data, None
    steps = path if isinstance(path, list) else []
    for depth, step in enumerate(steps):
        if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            rest = ".".join(map(str, steps[depth + 1 :]))
            place = _Place(value, step, field_of(rest) or "record")
            value = value[step]
        elif isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        else:
            break
    return place
