"""Every generated document and its generator. `make docs` writes them; a test finds stale ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from centra_whistl_dagster.documents.dependencies import dependencies
from centra_whistl_dagster.documents.handbook import handbook
from centra_whistl_dagster.documents.stock_age import stock_age
from centra_whistl_dagster.history.dictionary import data_dictionary

GENERATORS: Mapping[str, Callable[[Path], str]] = {
    "docs/handbook.md": handbook,
    "docs/data-dictionary.md": lambda _: data_dictionary(),
    "docs/stock-age.md": lambda _: stock_age(),
    "docs/dependencies.md": dependencies,
}
"""Path below the project's folder -> a function of that folder that returns the whole text."""


def generate(name: str, project: Path) -> str:
    """Return what a generated document should hold.

    Raises:
        ConfigError: a file in `config/` that it is generated from is invalid.
        KeyError: no document of that name is generated.
        ValueError: the document lost the marks around its generated part.
    """
    return GENERATORS[name](project)
