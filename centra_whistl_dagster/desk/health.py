"""Whether all is well: `/health`."""

from __future__ import annotations

from starlette.responses import Response

from centra_whistl_dagster.desk.visits import Visit
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS
from centra_whistl_dagster.domain.health import Condition, in_one_sentence, worst
from centra_whistl_dagster.workflows.upkeep.health import examine_health

_COLOURS = {Condition.BAD: "bad", Condition.WARNING: "warning", Condition.GOOD: "good"}


def health(visit: Visit) -> Response:
    """Show each area with its last success, what waits, and what is paused."""
    found = examine_health(visit.installation)
    return visit.render(
        "health.html",
        found=found,
        sentence=in_one_sentence(found.areas),
        worst=worst(found.areas),
        colours=_COLOURS,
        teams=TEAMS,
    )
