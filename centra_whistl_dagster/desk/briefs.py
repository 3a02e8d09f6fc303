"""The briefs: by day and by week at `/briefs`, one at `/briefs/{name}`."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from centra_whistl_dagster.desk.visits import Visit
from centra_whistl_dagster.domain.brief_periods import Cadence, period_named
from centra_whistl_dagster.workflows.briefs import keeping

_STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)


def briefs(visit: Visit) -> Response:
    """List the briefs that are kept, newest first."""
    kept = keeping.kept(visit.installation.settings)
    return visit.render(
        "briefs.html",
        by_cadence={
            cadence: [period for period in kept if period.cadence is cadence] for cadence in Cadence
        },
    )


def brief(visit: Visit) -> Response:
    """Show one brief, as it was written."""
    period = period_named(visit.request.path_params["name"])
    html = keeping.read(visit.installation.settings, period) if period else None
    if html is None:
        raise HTTPException(404, "No such brief is kept: it was not written, or is too old.")
    return HTMLResponse(html, headers={"Content-Security-Policy": _policy(html)})


def _policy(html: str) -> str:
    """Allow the file's own style and nothing else: no script, no form, no picture."""
    style = _STYLE.search(html)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
