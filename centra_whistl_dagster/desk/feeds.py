"""Refused stock feeds: the list `/feeds`, one with a preview `/feeds/{id}`, its release."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from centra_whistl_dagster.desk.visits import Visit, go_to
from centra_whistl_dagster.workflows.stock import releasing


def feeds(visit: Visit) -> Response:
    """List the refused feeds that are still kept, newest first."""
    limit = visit.installation.configuration.stock.guard.second_person_units
    found = releasing.refused_feeds(visit.installation)
    return visit.render("feeds.html", found=found, limit=limit)


def feed(visit: Visit) -> Response:
    """Show what releasing a feed would change."""
    snapshot_id = visit.request.path_params["id"]
    found = [
        each
        for each in releasing.refused_feeds(visit.installation)
        if each.feed.snapshot_id == snapshot_id
    ]
    if not found:
        raise HTTPException(
            404, "No refused feed of this name is kept: it was released, or is too old."
        )
    preview = releasing.preview_feed(visit.installation, snapshot_id)
    return visit.render("feed.html", feed=found[0], preview=preview)


def act(visit: Visit) -> Response:
    """Carry out what a form asks for, and show the list."""
    installation, person = visit.installation, visit.person
    snapshot_id = visit.request.path_params["id"]
    reason = visit.form.get("reason", "")
    shown = visit.form.get("units", "")
    acts: dict[str, Callable[[], str]] = {
        "release": lambda: releasing.ask_for_release(
            installation, snapshot_id, person, reason, shown=shown
        ),
        "confirm": lambda: releasing.confirm_release(
            installation, snapshot_id, person, shown=shown
        ),
        "withdraw": lambda: releasing.withdraw_release(installation, snapshot_id, person),
    }
    action = visit.request.path_params["action"]
    if action not in acts:
        raise HTTPException(404, "There is no such action.")
    acts[action]()
    is_open = any(
        each.feed.snapshot_id == snapshot_id for each in releasing.refused_feeds(installation)
    )
    return go_to(f"/feeds/{quote(snapshot_id, safe='')}" if is_open else "/feeds")
