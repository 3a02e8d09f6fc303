"""The command line: runs a command, and prints errors an operator can fix without a trace.

A command's module is imported only when the command is run: Dagster, pandas and the simulators take
seconds to import, and `--help` needs none of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click
from dotenv import load_dotenv

from centra_whistl_dagster.cli import PROJECT
from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.extras import ExtraMissing, require_extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command that is not imported yet. Its function has its name, with `_` for `-`."""

    module: str
    """Module of this package that defines it."""
    summary: str
    """Its line in `--help`, which is also the first line of its docstring."""
    extra: tuple[str, str] | None = None
    """The optional extra it cannot run without, and a package of that extra."""


COMMANDS: Mapping[str, Entry] = {
    "exceptions": Entry(
        module="exceptions", summary="List open exceptions, the most overdue first."
    ),
    "order": Entry(module="story", summary="Show what happened to one order, and what comes next."),
    "access": Entry(
        module="access", summary="List calls refused to our token, or allow them again."
    ),
    "screen": Entry(module="orders", summary="Explain why an order is blocked."),
    "orders": Entry(
        module="orders", summary="Decide about one order: accept it, retry it, or replace it."
    ),
    "stock": Entry(
        module="stock",
        summary="Preview a policy change; release refused snapshots.",
    ),
    "subject-access": Entry(
        module="personal_data",
        summary="Print all that is kept about a customer or an order, as JSON.",
    ),
    "erase": Entry(
        module="personal_data",
        summary="Erase what identifies a customer, of orders that are over.",
    ),
    "encrypt": Entry(module="encrypt", summary="Encrypt all order contents with LEDGER_KEY."),
    "hooks": Entry(
        module="hooks", summary="Receive Centra's pushes, which make polling start at once."
    ),
    "events": Entry(module="events", summary="Ask Centra for events of orders, or for no more."),
    "doctor": Entry(module="doctor", summary="Test every connection; reads only."),
    "backup": Entry(
        module="backup", summary="Back up ledger, stock archive, history and configuration."
    ),
    "restore": Entry(module="backup", summary="Restore a backup; every process must be stopped."),
    "desk": Entry(module="desk", summary="Serve pages for people without a shell."),
    "dev": Entry(module="dev", summary="Run Dagster against the systems in .env."),
    "demo": Entry(
        module="demo",
        summary="Simulate a trading day and check the result.",
        extra=("demo", "aiosmtpd"),
    ),
    "simulate": Entry(
        module="simulate", summary="Run a simulated Centra and a simulated Whistl on this machine."
    ),
    "backtest": Entry(module="bench", summary="Replay past orders against a stock policy."),
    "bench": Entry(module="bench", summary="Run the benchmarks."),
    "docs": Entry(module="documents", summary="Regenerate the generated documents."),
}


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command.

        Raises:
            ExtraMissing: it needs an optional extra that is not installed.
        """
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if entry.extra is not None:
            extra, package = entry.extra
            require_extra(extra, package, needed_for=f"centra-whistl {cmd_name}")
        module = import_module(f"centra_whistl_dagster.cli.{entry.module}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list from `COMMANDS`; click's own method would import every command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup)
def commands() -> None:
    """Orders, shipments and stock between a Centra store and a Whistl warehouse."""


def main() -> None:
    """Run a command. Errors an operator can fix are printed without a trace.

    Settings come from the environment, and from `.env` where the environment has none.
    """
    os.umask(0o077)
    load_dotenv(PROJECT / ".env")
    # SIGTERM gets what Ctrl-C gets: every process that was started ends too. SIGINT is set as well,
    # since a shell script starts its background commands with SIGINT ignored.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except _errors_an_operator_can_fix() as error:
        Refusal(str(error)).show()
        sys.exit(2)


def _errors_an_operator_can_fix() -> tuple[type[Exception], ...]:
    """Python evaluates this only once a command has failed, so `--help` imports no httpx."""
    from centra_whistl_dagster.launching.dagster_processes import DidNotStart  # noqa: PLC0415
    from centra_whistl_dagster.launching.processes import ProcessDied  # noqa: PLC0415
    from centra_whistl_dagster.workflows.exceptions.step_failures import (  # noqa: PLC0415
        FOR_OPERATORS,
    )

    return (*FOR_OPERATORS, DidNotStart, ExtraMissing, ProcessDied)
