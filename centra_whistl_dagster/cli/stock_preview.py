"""The command that previews a change of the stock policy, before anybody edits the file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from centra_whistl_dagster.cli.terminal import Refusal
from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.domain.hidden_characters import visible
from centra_whistl_dagster.domain.stock.policy_change import PolicyChange, PolicyChangeInvalid
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.link import open_link
from centra_whistl_dagster.workflows.stock.preview import (
    PolicyPreview,
    UnknownSkus,
    Withheld,
    preview_policy,
)
from centra_whistl_dagster.workflows.stock.reconciliation import NothingToReconcile


class _Floor(click.ParamType[tuple[str, int]]):
    name = "SKU=UNITS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read `SKU=2`; the SKU may hold an equals sign."""
        pattern, sign, units = str(value).rpartition("=")
        if not (sign and pattern.strip() and units.strip().isdecimal()):
            self.fail(f"{value!r} must be a SKU and whole units, such as DRESS-RED-M=2", param, ctx)
        return pattern.strip(), int(units)


class _Moment(click.ParamType[datetime]):
    name = "MOMENT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read an ISO 8601 moment with its offset."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"{value!r} must be a moment such as 2026-11-27T09:00Z", param, ctx)
        return moment.astimezone(UTC)


@click.command()
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An edited copy of config/policy.toml. The other options are applied on top of it.",
)
@click.option(
    "--floor",
    "floors",
    type=_Floor(),
    multiple=True,
    help="Always hold back this many units of a SKU, or of each SKU of a pattern such as DRESS-*.",
)
@click.option("--share", type=float, help="Hold back this share of a day's sales in addition.")
@click.option("--risk", type=float, help="Chance that unseen demand exceeds the buffer.")
@click.option("--only", default="", help="SKUs, as a pattern, whose --share and --risk change.")
@click.option(
    "--at",
    type=_Moment(),
    help="The moment to work it out for, such as the middle of a planned sale. Default: now.",
)
@click.option("--rows", default=20, show_default=True, type=click.IntRange(min=0), help="SKUs.")
def preview(
    *,
    policy_file: Path | None,
    floors: tuple[tuple[str, int], ...],
    share: float | None,
    risk: float | None,
    only: str,
    at: datetime | None,
    rows: int,
) -> None:
    """Show what a change of the stock policy would withhold and avoid; changes nothing."""
    change = PolicyChange(floors=floors, risk=risk, share_of_daily_sales=share, only=only)
    if only and risk is None and share is None:
        raise click.UsageError("--only says whose --share or --risk changes; give one of them.")
    if policy_file is None and change == PolicyChange():
        raise click.UsageError("Say what to change: --floor, --share, --risk or --policy.")
    try:
        with open_link(load_settings(os.environ), now=lambda: at or datetime.now(UTC)) as link:
            base = link.configuration.stock
            if policy_file is not None:
                text = policy_file.read_text(encoding="utf-8")
                base = load_policy(text, str(policy_file)).stock
            found = preview_policy(link, change.applied_to(base), named=change.patterns())
    except (NothingToReconcile, UnknownSkus, PolicyChangeInvalid) as error:
        raise Refusal(str(error)) from error
    _show(found, rows)
    if toml := change.as_toml():
        click.echo(
            f"\nNothing has been changed. To make this change, put into policy.toml:\n\n{toml}"
        )


def _show(found: PolicyPreview, rows: int) -> None:
    click.echo(
        f"Whistl's stock of {found.taken_at:%d %b %H:%M} UTC, for {found.at:%d %b %H:%M} UTC. "
        f"{found.skus} SKUs are in both systems."
    )
    if not found.is_demand_measured:
        click.echo("Demand has not been measured yet: only floors hold anything back.")
    for pattern in found.without_effect:
        click.echo(f"{visible(pattern)} matches no SKU: that rule or sale does nothing.")
    value = found.value_by_currency()
    worth = ", ".join(f"{amount:+.2f} {currency}" for currency, amount in sorted(value.items()))
    click.echo(
        f"Withheld: {found.withheld_now} units now, {found.withheld_then} with the change "
        f"({found.withheld_then - found.withheld_now:+d}{f', worth {worth}' if worth else ''}).\n"
        f"Oversold a day, if the shop sells all that it offers: {found.oversold_a_day_now:.2f} "
        f"units now, {found.oversold_a_day_then:.2f} with the change."
    )
    if not found.changed:
        click.echo("The change concerns no SKU.")
        return
    table = Table("SKU", "withheld", "for sale", "value", "risk between two syncs", "oversold/day")
    for line in found.changed[:rows]:
        table.add_row(*(Text(cell) for cell in _cells(line)))
    if rows:
        Console().print(table)
    if len(found.changed) > rows:
        click.echo(f"{len(found.changed) - rows} more SKUs change; --rows shows more.")


def _cells(line: Withheld) -> tuple[str, ...]:
    return (
        visible(line.sku),
        f"{line.withheld_now} → {line.withheld_then}",
        f"{line.for_sale_now} → {line.for_sale_then}",
        "-" if line.value is None else f"{line.value:+.2f} {line.currency}",
        f"{line.chance_now:.2%} → {line.chance_then:.2%}",
        f"{line.oversold_a_day_now:.2f} → {line.oversold_a_day_then:.2f}",
    )
