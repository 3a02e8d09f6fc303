"""How a Centra mutation answers: on HTTP 200 with `userErrors`, or with a permission refused."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from centra_whistl_dagster.simulator.centra.goods import Resolver
from centra_whistl_dagster.simulator.centra.limits import Quota
from centra_whistl_dagster.simulator.centra.permissions import ORDER_LOCK
from centra_whistl_dagster.simulator.world.world import CentraOrder, World


@dataclass(slots=True, kw_only=True)
class Caller:
    """What a resolver knows of a request besides its arguments."""

    world: World
    permissions: frozenset[str]
    quota: Quota


class NotDone(Exception):
    """A mutation that changed nothing; its message and path go to the caller."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = list(path)


def payload(
    *, errors: list[NotDone] | None = None, warnings: list[str] | None = None, **members: Any
) -> dict[str, object]:
    """Build a mutation's payload."""
    return {
        **members,
        "userErrors": [{"message": e.message, "path": e.path} for e in errors or ()],
        "userWarnings": [{"message": text, "path": []} for text in warnings or ()],
    }


def answering(act: Resolver) -> Resolver:
    """Turn a refusal of a mutation into a payload with the user error."""

    @functools.wraps(act)
    def answer(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> dict[str, object]:
        try:
            done: dict[str, Any] = act(source, info, **arguments)
        except NotDone as refusal:
            return payload(errors=[refusal])
        return done

    return answer


def one_of(reference: dict[str, Any], *path: str) -> tuple[str, Any]:
    """Return the one field given in a one-of reference.

    Raises:
        NotDone: none or several were given.
    """
    given = [(name, value) for name, value in reference.items() if value is not None]
    if len(given) != 1:
        raise NotDone("Exactly one input field should be provided", *path)
    return given[0]


def order_named(world: World, reference: dict[str, Any], *path: str) -> CentraOrder:
    """Find the order of an OrderInput.

    Raises:
        NotDone: no order has that id or number, or not exactly one of them was given.
    """
    field, value = one_of(reference, *path)
    found = world.orders.get(value) if field == "id" else world.orders_by_number.get(value)
    if found is None:
        raise NotDone(f"Order not found: {value}", *path)
    return found


def require(info: GraphQLResolveInfo, permission: str) -> None:
    """Refuse a caller whose token lacks a permission that depends on the data.

    Raises:
        GraphQLError: in the shape that Centra documents for a missing permission.
    """
    if permission not in info.context.permissions:
        raise missing_permission(permission, info.field_name)


def require_unlocked(info: GraphQLResolveInfo, order: CentraOrder) -> None:
    """Refuse to act on a locked order without the permission to lock."""
    if order.is_locked:
        require(info, ORDER_LOCK)


def missing_permission(permission: str, field: str, **where: Any) -> GraphQLError:
    """Say that a permission is missing, as Centra does."""
    return GraphQLError(
        f"You need {permission} permission to access {field}.",
        extensions={"category": "authorization"},
        **where,
    )
