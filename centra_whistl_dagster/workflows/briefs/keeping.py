"""The folder of briefs: one HTML file each, readable by whoever may read the published history."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

from centra_whistl_dagster.domain.brief_periods import Period, period_named
from centra_whistl_dagster.history.publish import make_folder, mode_of
from centra_whistl_dagster.settings import InstallationSettings
from centra_whistl_dagster.workflows.briefs.rendering import Brief


def keep(settings: InstallationSettings, brief: Brief) -> Path:
    """Put a brief into the folder, in place of an earlier one of the same period.

    Raises:
        OSError: the folder or the file cannot be written; an earlier brief stays.
    """
    folder = settings.briefs_path
    if not folder.exists():
        make_folder(settings.published_path)
        folder.mkdir(parents=True)
        folder.chmod(stat.S_IMODE(settings.published_path.parent.stat().st_mode))
    path = _path(settings, brief.period)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(brief.html)
        file.flush()
        os.fsync(file.fileno())
    unfinished.chmod(mode_of(settings.published_path))
    unfinished.replace(path)
    return path


def kept(settings: InstallationSettings) -> list[Period]:
    """Return the periods that have a brief, the newest first."""
    names = (path.stem for path in settings.briefs_path.glob("*.html"))
    return sorted(filter(None, map(period_named, names)), reverse=True)


def read(settings: InstallationSettings, period: Period) -> str | None:
    """Return a kept brief as HTML; None where there is none."""
    try:
        return _path(settings, period).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def forget_old(settings: InstallationSettings, now: datetime) -> int:
    """Delete the briefs of periods that ended too long ago; return how many."""
    old = [each for each in kept(settings) if each.until < now - settings.keeps_briefs_for]
    for period in old:
        _path(settings, period).unlink(missing_ok=True)
    return len(old)


def _path(settings: InstallationSettings, period: Period) -> Path:
    return settings.briefs_path / f"{period.name}.html"
