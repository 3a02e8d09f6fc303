"""The measured part of `docs/reliability.md`, which the commands that measure write themselves."""

from __future__ import annotations

from collections.abc import Sequence

from centra_whistl_dagster_tests.workflows.conftest import PROJECT

DOCUMENT = PROJECT / "docs" / "reliability.md"


def write(text: str, *, part: str = "faults") -> None:
    """Replace what is between the marks of a part.

    Raises:
        ValueError: the document has lost the marks.
    """
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, found, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(f"docs/reliability.md must contain the marks {begin} and {end}")
    DOCUMENT.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
