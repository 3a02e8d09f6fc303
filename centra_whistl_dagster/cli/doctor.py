"""The command that tests every connection."""

from __future__ import annotations

import os
import sys

import click

from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.upkeep.doctor import examine


@click.command()
def doctor() -> None:
    """Test every connection; reads only.

    Makes one small request to each part of Centra and Whistl, opens the ledger, and prints a line
    for each. Ends with status 1 if one failed.
    """
    with open_link(load_settings(os.environ)) as link:
        findings = examine(link)
    for finding in findings:
        fit = "warn" if finding.is_warning else "ok  "
        mark = fit if finding.is_well else "FAIL"
        click.echo(f"{mark}  {finding.subject}: {visible(finding.detail)}")
    if not all(finding.is_well for finding in findings):
        sys.exit(1)
