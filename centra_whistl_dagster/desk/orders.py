"""One order `/orders/{number}`, and the search box `/find`."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from centra_whistl_dagster.desk.visits import Visit, go_to
from centra_whistl_dagster.domain.exceptions.responsibilities import TEAMS
from centra_whistl_dagster.workflows.orders.order_view import search_orders, view_order
from centra_whistl_dagster.workflows.stock.sku_view import view_sku

_LONGEST = 100


def order(visit: Visit) -> Response:
    """Show everything that is known of one order."""
    number = visit.number("number")
    view = view_order(visit.installation, number)
    if view is None:
        raise HTTPException(
            404,
            f"Order {number} is not known here. If it was placed just now, try again in a minute; "
            "it is read once it is confirmed in Centra.",
        )
    template = visit.desk.settings.centra_order_url
    return visit.render(
        "order.html",
        view=view,
        row=view.row,
        teams=TEAMS,
        centra_url=template.replace("{number}", str(number)) if template else "",
    )


def find(visit: Visit) -> Response:
    """Go to the order or SKU that somebody looks for, or list what was found."""
    text = visit.asked("q")
    if not text or len(text) > _LONGEST:
        return go_to("/")
    found = search_orders(visit.installation, text)
    if len(found) == 1:
        return go_to(f"/orders/{found[0].number}")
    if not found and view_sku(visit.installation, text) is not None:
        return go_to(f"/skus/{quote(text, safe='')}")
    return visit.render("found.html", text=text, found=found)
