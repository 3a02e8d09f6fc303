"""One SKU: `/skus/{sku}`."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from centra_whistl_dagster.desk.plot import HEIGHT, WIDTH, plot
from centra_whistl_dagster.desk.visits import Visit
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS
from centra_whistl_dagster.workflows.stock.sku_view import WEEK, view_sku


def sku(visit: Visit) -> Response:
    """Show what both systems have of a SKU, and why they differ."""
    name = visit.request.path_params["sku"]
    view = view_sku(visit.installation, name)
    if view is None:
        raise HTTPException(
            404, "No SKU of this spelling is known here, neither at Whistl nor in Centra."
        )
    now = visit.installation.now()
    picture = (
        plot(view.past.whistl, view.past.centra, since=now - WEEK, until=now) if view.past else None
    )
    return visit.render(
        "sku.html", view=view, picture=picture, width=WIDTH, height=HEIGHT, teams=TEAMS
    )
