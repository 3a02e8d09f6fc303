"""The demo's brief of the day so far: no demo lasts until seven in the morning."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from centra_whistl_dagster.demo.day import Day
from centra_whistl_dagster.domain.brief_periods import day_of, week_before
from centra_whistl_dagster.settings import load_settings
from centra_whistl_dagster.workflows.briefs.keeping import keep
from centra_whistl_dagster.workflows.briefs.rendering import write_brief
from centra_whistl_dagster.workflows.link import open_installation


def write_briefs(day: Day) -> Path:
    """Write the brief of today and that of last week; return the folder that keeps them.

    They are sent to nobody: in production the asset operations/daily_brief does that.
    """
    settings = load_settings(day.product_settings())
    with open_installation(settings, now=lambda: datetime.now(UTC)) as installation:
        now = installation.now()
        for period in (day_of(now), week_before(now)):
            keep(settings, write_brief(installation, period))
    return settings.briefs_path
