"""The daily and the weekly brief: written, kept, sent to their list."""

import dagster as dg

from centra_whistl_dagster.defs import freshness, metadata
from centra_whistl_dagster.defs.assets.operations import GROUP
from centra_whistl_dagster.defs.resources import LinkResource
from centra_whistl_dagster.domain.brief_periods import Period, day_before, week_before
from centra_whistl_dagster.workflows.briefs.keeping import keep, kept
from centra_whistl_dagster.workflows.briefs.rendering import write_brief
from centra_whistl_dagster.workflows.briefs.sending import send
from centra_whistl_dagster.workflows.link import Link

_DEPS = [
    ["operations", "open_exceptions"],
    ["operations", "service_levels"],
    ["analytics", "published_history"],
]


@dg.asset(
    key=["operations", "daily_brief"],
    deps=_DEPS,
    group_name=GROUP,
    kinds={"html"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.DAILY,
    description=(
        "What to read at the start of the day: what needs a person first, what went out yesterday "
        "against target, what waits and what it is worth, whether stock agrees, money, and what "
        "changed. One HTML file, kept, shown at the desk, and sent to its list."
    ),
)
def daily_brief(link: LinkResource) -> dg.MaterializeResult:
    """Write the brief of yesterday."""
    with link.open("operations/daily_brief") as opened:
        return _made(opened, day_before(opened.now()))


@dg.asset(
    key=["operations", "weekly_brief"],
    deps=_DEPS,
    group_name=GROUP,
    kinds={"html"},
    owners=["team:fulfilment"],
    freshness_policy=freshness.DAILY,
    description=(
        "What repeats and what would end it, shipping options, what buffers cost, service levels "
        "with their error budgets, and when Centra's token expires. Written once for each week, by "
        "the first run after its Sunday; every other day it says that it is there."
    ),
)
def weekly_brief(link: LinkResource) -> dg.MaterializeResult:
    """Write the brief of the last whole week, unless it is there."""
    with link.open("operations/weekly_brief") as opened:
        period = week_before(opened.now())
        if period in kept(opened.settings):
            return dg.MaterializeResult(metadata={**_where(opened, period), "is_new": False})
        return _made(opened, period)


def _made(link: Link, period: Period) -> dg.MaterializeResult:
    brief = write_brief(link, period)
    # Kept last: a weekly brief that is kept is not written again. `send` sends none twice.
    is_sent = send(link.ledger, link.settings.alerts, brief)
    keep(link.settings, brief)
    return dg.MaterializeResult(
        metadata={
            **_where(link, period),
            "is_new": True,
            "needs_a_person": brief.needs_a_person,
            "sent_to_its_list": is_sent,
        }
    )


def _where(link: Link, period: Period) -> dict[str, dg.MetadataValue | str]:
    path = link.settings.briefs_path / f"{period.name}.html"
    return {
        **metadata.at_desk(link.settings, f"/briefs/{period.name}"),
        "file": dg.MetadataValue.path(path.absolute()),
        "period": period.in_words,
    }
