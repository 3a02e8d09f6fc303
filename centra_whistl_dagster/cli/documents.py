"""The command that regenerates the generated documents."""

from __future__ import annotations

import sys

import click

from centra_whistl_dagster.cli import PROJECT
from centra_whistl_dagster.documents.generated import GENERATORS, generate


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a document is out of date.")
def docs(*, check: bool) -> None:
    """Regenerate the generated documents."""
    outdated = []
    for name in GENERATORS:
        path, text = PROJECT / name, generate(name, PROJECT)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        outdated.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    for name in outdated:
        click.echo(f"{name}: {'out of date; make docs regenerates it' if check else 'updated'}")
    if check and outdated:
        sys.exit(1)
