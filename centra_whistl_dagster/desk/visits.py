"""One request at the desk: who asks, what is open for it, and the page that answers.

Belongs here: what every page shares. Does not belong here: what a page shows, or who may enter
(`access`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from centra_whistl_dagster.desk.access import (
    FormTokens,
    Visitor,
    refuse_other_sites,
    visitor_of,
)
from centra_whistl_dagster.desk.settings import DeskSettings
from centra_whistl_dagster.domain.desk_roles import Person
from centra_whistl_dagster.workflows import page_words as words
from centra_whistl_dagster.workflows.link import Installation, open_installation

_LARGEST_FORM = 32_768
"""Bytes. The longest note is a thousand characters."""


def make_templates() -> Environment:
    """Return the templates: everything that is put into one is escaped."""
    templates = Environment(
        loader=PackageLoader("centra_whistl_dagster.desk"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for filter_ in (
        *(words.moment, words.second, words.span, words.counted),
        *(words.amount, words.amounts, words.in_words),
    ):
        templates.filters[filter_.__name__] = filter_
    templates.filters["path"] = lambda text: quote(str(text), safe="")
    return templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What serves every request."""

    settings: DeskSettings
    now: Callable[[], datetime]
    over_socket: bool
    tokens: FormTokens
    templates: Environment = field(default_factory=make_templates)

    def visitor(self, request: Request) -> Visitor:
        """Say who asks.

        Raises:
            HTTPException: 403.
        """
        return visitor_of(request.headers, self.settings, over_socket=self.over_socket)

    def render(
        self,
        template: str,
        context: Mapping[str, object],
        *,
        visitor: Visitor | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Return a page."""
        token = self.tokens.issue(visitor.name) if visitor and visitor.role else ""
        html = self.templates.get_template(template).render(
            {
                "visitor": visitor,
                "token": token,
                "now": self.now(),
                "settings": self.settings,
                **context,
            }
        )
        return HTMLResponse(html, status_code=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request, with what is kept here open for its length."""

    request: Request
    desk: Desk
    visitor: Visitor
    installation: Installation
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        """Who acts.

        Raises:
            HTTPException: 403; the visitor may only read.
        """
        return self.visitor.person

    def asked(self, name: str) -> str:
        """Return a value of the address after `?`; blank where there is none."""
        return self.request.query_params.get(name, "").strip()

    def number(self, name: str) -> int:
        """Return a number from the address's path.

        Raises:
            HTTPException: 404; it is none.
        """
        text = self.request.path_params[name]
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise HTTPException(404, "There is no such page: the address should end in a number.")
        return int(text)

    def render(self, template: str, **context: object) -> HTMLResponse:
        """Return a page for this visitor."""
        return self.desk.render(template, context, visitor=self.visitor)


Handler = Callable[[Visit], Response]


def page(desk: Desk, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Serve a page that only reads."""

    async def serve(request: Request) -> Response:
        visitor = desk.visitor(request)
        return await run_in_threadpool(_visited, desk, request, visitor, handle, {})

    return serve


def action(desk: Desk, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Serve a form: refused unless it is our own, of a person with a role."""

    async def serve(request: Request) -> Response:
        visitor = desk.visitor(request)
        refuse_other_sites(request.headers, desk.settings)
        person = visitor.person
        form = await _form(request)
        desk.tokens.check(form.get("token", ""), person.name)
        return await run_in_threadpool(_visited, desk, request, visitor, handle, form)

    return serve


def _visited(
    desk: Desk, request: Request, visitor: Visitor, handle: Handler, form: Mapping[str, str]
) -> Response:
    # Opened for each request, which takes some milliseconds: changes of config/ hold at once.
    with open_installation(desk.settings, now=desk.now) as installation:
        visit = Visit(
            request=request, desk=desk, visitor=visitor, installation=installation, form=form
        )
        return handle(visit)


async def _form(request: Request) -> dict[str, str]:
    """Read a form's fields.

    Raises:
        HTTPException: 413 or 400.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise HTTPException(413, "The form is too large. Nothing was changed.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read. Nothing was changed.") from error


def go_to(path: str) -> RedirectResponse:
    """Show another page, so that loading it again repeats no form."""
    return RedirectResponse(path, status_code=303)
