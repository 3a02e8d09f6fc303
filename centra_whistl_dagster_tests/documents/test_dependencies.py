"""The list of dependencies follows the lock, is the same everywhere, and names each licence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from centra_whistl_dagster.documents.dependencies import dependencies, rows_of

PROJECT = Path(__file__).parents[2]
DOCUMENT = (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8")
MAY_BE_SHIPPED_WITH = re.compile(
    r"(MIT|MIT-0|MIT-CMU|0BSD|BSD-[23]-Clause|BSD 3-Clause|BSD License|Apache-2\.0|ISC|Zlib"
    r"|CC0-1\.0|PSF-2\.0|Python Software Foundation License|MPL-2\.0|LGPL with exceptions)"
)
"""MPL and LGPL packages are used as they are published, never changed or built in."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the document is generated from."""
    (tmp_path / "docs").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "docs/dependencies.md"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def test_every_licence_is_one_that_the_project_may_be_installed_with() -> None:
    rows = rows_of(DOCUMENT)
    parts = {row.name: re.split(r" (?:AND|OR) ", row.licence) for row in rows}

    assert len(rows) > 100
    assert {
        name: licences
        for name, licences in parts.items()
        if not all(MAY_BE_SHIPPED_WITH.fullmatch(licence) for licence in licences)
    } == {}


def test_a_row_whose_version_is_locked_is_kept_whatever_is_installed(project: Path) -> None:
    document = project / "docs" / "dependencies.md"
    elsewhere = re.sub(r"(\| duckdb \| \S+ \| MIT) \| [\d.]+", r"\1 | 99.9", DOCUMENT)
    document.write_text(elsewhere, encoding="utf-8")

    assert "| duckdb | 2.0.0 | MIT | 99.9 | product |" in dependencies(project)


def test_a_row_of_another_version_is_made_anew(project: Path) -> None:
    document = project / "docs" / "dependencies.md"
    document.write_text(DOCUMENT.replace("| click | ", "| click | 0."), encoding="utf-8")

    assert rows_of(dependencies(project)) == rows_of(DOCUMENT)


def test_a_locked_version_that_is_not_installed_is_refused_by_name(project: Path) -> None:
    lock = project / "requirements.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"^click==\S+", "click==99.0", text, flags=re.M), encoding="utf-8")

    with pytest.raises(ValueError, match=r"click \S+ is installed, the lock says 99\.0"):
        dependencies(project)


def test_the_product_needs_no_package_of_the_demo_the_tests_or_postgresql() -> None:
    needed_by = {row.name: row.needed_by for row in rows_of(DOCUMENT)}

    assert needed_by["duckdb"] == needed_by["uvloop"] == "product"
    assert needed_by["psycopg2-binary"] == "postgres"
    assert needed_by["aiosmtpd"] == "demo"
    assert needed_by["matplotlib"] == "plots"
    assert needed_by["pytest"] == "dev"
