"""The commands that make and restore backups."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.ledger.copies import CopyUnusable
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.upkeep import backup as backups
from centra_whistl_dagster.workflows.upkeep import restore as restores

_FOLDER = click.Path(file_okay=False, path_type=Path)


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@click.argument("into", type=_FOLDER)
@click.option("--no-ledger", is_flag=True, help="Leave the ledger out, as where it is PostgreSQL.")
def backup(*, into: Path, no_ledger: bool) -> None:
    """Back up ledger, stock archive, history and configuration.

    Everything may run meanwhile. Makes a new folder inside INTO, with a manifest, and checks it.
    It holds customers' names and addresses, as the ledger does.
    """
    try:
        folder = backups.back_up(
            load_settings(os.environ), into, now=_now, is_without_ledger=no_ledger
        )
        manifest = backups.verify(folder)
    except (backups.BackupRefused, CopyUnusable) as error:
        raise Refusal(str(error)) from error
    orders = f"{manifest.rows['orders']} orders" if manifest.rows else "no ledger"
    click.echo(f"{folder}: {orders}, {len(manifest.files)} files, checked.")


@click.command()
@click.argument("folder", type=_FOLDER, required=False)
@click.option("--with-config", is_flag=True, help="Replace the files of CONFIG_DIR too.")
@click.option("--check", is_flag=True, help="Check the backup, and restore nothing.")
@click.option("--mark", is_flag=True, help="The ledger was restored by other means: say so.")
def restore(*, folder: Path | None, with_config: bool, check: bool, mark: bool) -> None:
    """Restore a backup; every process must be stopped.

    What was sent since the backup is not known to it. So the next start looks up each order at
    Whistl before it is sent, and compares each parcel with Centra: `centra-whistl doctor` says how
    far that is. --mark does the same for a ledger that was restored by other means, as PostgreSQL
    is by pg_restore.
    """
    if mark == (folder is not None):
        raise click.UsageError("Name the FOLDER of a backup, or say --mark.")
    try:
        settings = load_settings(os.environ)
        if folder is None:
            restores.mark_restored(settings, now=_now)
            click.echo("The next start looks up what may have been sent since.")
        elif check:
            manifest = backups.verify(folder)
            click.echo(f"{folder} of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC is whole.")
        else:
            _print(restores.restore(settings, folder, now=_now, is_with_config=with_config))
    except (backups.BackupRefused, CopyUnusable) as error:
        raise Refusal(str(error)) from error


def _print(done: restores.Restored) -> None:
    click.echo(
        f"The ledger of {done.made_at:%Y-%m-%d %H:%M:%S} UTC with {done.orders} orders is in place;"
        f" {done.files} other files were put back."
    )
    if done.replaced is not None:
        click.echo(f"The ledger that was there is kept as {done.replaced}.")
    click.echo("The next start looks up what may have been sent since.")
