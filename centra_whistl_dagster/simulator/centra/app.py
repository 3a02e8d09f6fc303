"""The simulated Centra over HTTP: one GraphQL address, its tokens, quotas and kinds of answer.

Does not belong here: what each field of the schema says (`views`, `goods`, `orders`, `shipments`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution import execute_sync
from graphql.execution.values import get_variable_values
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from centra_whistl_dagster.simulator.centra.answers import Caller, missing_permission
from centra_whistl_dagster.simulator.centra.limits import Quota
from centra_whistl_dagster.simulator.centra.schema import centra_schema, default_resolver
from centra_whistl_dagster.simulator.centra.survey import Survey, survey
from centra_whistl_dagster.simulator.centra.views import type_name
from centra_whistl_dagster.simulator.world.settings import CentraToken
from centra_whistl_dagster.simulator.world.world import CentraOrder, World

REMEMBERED_DOCUMENTS = 200


def centra_routes(world: World) -> list[Route]:
    """Return the route of a world's Centra, to be mounted where its base address is."""
    centra = Centra(world)

    async def endpoint(request: Request) -> Response:
        return centra.answer(request.headers.get("Authorization", ""), await request.body())

    return [Route("/graphql", endpoint, methods=["POST"])]


class Refusal(Exception):
    """An answer other than HTTP 200."""

    def __init__(
        self, status: int, *errors: GraphQLError, retry_after: float | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, read and found valid."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    survey: Survey


class Centra:
    """Answers one request at a time, under the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._schema = centra_schema(world)
        self._quota = Quota(world.settings.centra_limits, world.now)
        self._documents: dict[str, DocumentNode] = {}

    def answer(self, authorization: str, body: bytes) -> Response:
        """Answer one request."""
        with self._world.lock:
            try:
                token = self._token(authorization)
                self._take(requests=1)
                asked = self._read(body)
                mutates = asked.operation.operation is OperationType.MUTATION
                self._take(
                    complexity=asked.survey.complexity,
                    mutations=len(asked.survey.root_fields) if mutates else 0,
                )
                return self._respond(200, self._run(asked, token), asked.survey)
            except Refusal as refusal:
                headers = self._when_to_resume(refusal.retry_after)
                content = {"errors": [error.formatted for error in refusal.errors]}
                return self._respond(refusal.status, content, Survey(), headers)

    def _when_to_resume(self, wait_seconds: float | None) -> dict[str, str]:
        form = self._world.switch("centra_retry_after")
        if wait_seconds is None or form is None:
            return {}
        wait = math.ceil(wait_seconds)
        at = self._world.centra_clock() + timedelta(seconds=wait)
        if at.microsecond:
            at = at.replace(microsecond=0) + timedelta(seconds=1)
        spelled = {
            "seconds": str(wait),
            "unix time": str(int(at.timestamp())),
            "iso 8601": at.isoformat(),
            "http date": format_datetime(at, usegmt=True),
        }
        return {"Retry-After": spelled[form]}

    def _token(self, authorization: str) -> CentraToken:
        scheme, _, secret = authorization.partition(" ")
        token = self._world.settings.centra_tokens.get(secret)
        is_known = scheme.lower() == "bearer" and token is not None
        if token is None or not is_known:
            raise Refusal(403, GraphQLError("Invalid access token"))
        if token.expires_at is not None and token.expires_at <= self._world.now():
            raise Refusal(403, GraphQLError("Access token has expired"))
        return token

    def _take(self, **costs: float) -> None:
        wait = self._quota.take(**costs)
        if wait:
            raise Refusal(429, GraphQLError("Too many requests"), retry_after=wait)

    def _read(self, body: bytes) -> _Asked:
        """Read a request down to an operation that the schema can run, or refuse it with 400."""
        try:
            sent = json.loads(body)
            query, variables = sent["query"], sent.get("variables") or {}
            name = sent.get("operationName")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(400, GraphQLError("The body must be JSON with a query")) from None
        document = self._document(query)
        operation = get_operation_ast(document, name)
        if operation is None:
            raise Refusal(400, GraphQLError("Unknown operation, or its name is missing"))
        coerced = get_variable_values(self._schema, operation.variable_definitions, variables)
        if isinstance(coerced, list):
            raise Refusal(400, *coerced)
        fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        found = survey(self._schema, operation, fragments, coerced)
        return _Asked(document, operation, variables, found)

    def _document(self, query: object) -> DocumentNode:
        """Parse and validate a document once: callers send the same few again and again."""
        if not isinstance(query, str):
            raise Refusal(400, GraphQLError("The query must be text"))
        known = self._documents.get(query)
        if known is not None:
            return known
        try:
            document = parse(query)
        except GraphQLError as error:
            raise Refusal(400, error) from None
        if errors := validate(self._schema, document):
            raise Refusal(400, *errors)
        if len(self._documents) < REMEMBERED_DOCUMENTS:
            self._documents[query] = document
        return document

    def _run(self, asked: _Asked, token: CentraToken) -> dict[str, object]:
        for permission, (node, path) in asked.survey.permissions.items():
            if permission not in token.permissions:
                error = missing_permission(permission, node.name.value, nodes=node, path=path)
                beside = self._world.switch("centra_null_data_beside_errors")
                return {"errors": [error.formatted], **({"data": None} if beside else {})}
        self._world.calls[f"centra {asked.operation.operation.value}"] += 1
        for name in asked.survey.root_fields:
            self._world.calls[f"centra {name}"] += 1
        result = execute_sync(
            self._schema,
            asked.document,
            context_value=Caller(
                world=self._world, permissions=token.permissions, quota=self._quota
            ),
            variable_values=asked.variables,
            operation_name=asked.operation.name.value if asked.operation.name else None,
            field_resolver=default_resolver,
            type_resolver=type_name,
            middleware=_failing(self._world),
        )
        return dict(result.formatted)

    def _respond(
        self,
        status: int,
        content: dict[str, Any],
        found: Survey,
        headers: dict[str, str] | None = None,
    ) -> Response:
        content["extensions"] = {
            "complexity": found.complexity,
            "permissionsUsed": list(found.permissions),
            "appVersion": self._world.switch("centra_app_version"),
        }
        date = format_datetime(self._world.centra_clock(), usegmt=True)
        return JSONResponse(content, status_code=status, headers={"Date": date, **(headers or {})})


def _failing(world: World) -> tuple[Callable[..., object], ...]:
    """Return what lets the fields fail that the switch names."""
    failing = world.switch("centra_failing_fields")

    def resolved(
        resolve: Callable[..., object], source: object, info: GraphQLResolveInfo, **args: Any
    ) -> object:
        if isinstance(source, CentraOrder) and failing.get(source.number) == info.field_name:
            raise GraphQLError("Internal server error")
        return resolve(source, info, **args)

    return (resolved,) if failing else ()
