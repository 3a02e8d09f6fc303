"""What a GraphQL operation asks for, read before it runs: its permissions, and what it costs.

Centra does not publish how it scores complexity. Here, near the scores in its examples: 100 for a
mutation, 10 for a query, then one a field, times the `limit` of every paged list around it; a stock
quantity that has to be summed costs 5, `freeToAllocateQuantity` nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from centra_whistl_dagster.simulator.centra.permissions import FIELD_PERMISSIONS, TYPE_PERMISSIONS

WithFields: TypeAlias = GraphQLObjectType | GraphQLInterfaceType

BASE_COST = {OperationType.QUERY: 10, OperationType.MUTATION: 100}
QUANTITY_COSTS = {"freeToAllocateQuantity": 0}
SUMMED_QUANTITY_COST = 5
DEFAULT_LIMIT = 20


@dataclass(slots=True)
class Survey:
    """What one operation asks for."""

    complexity: int = 0
    root_fields: list[str] = field(default_factory=list)
    permissions: dict[str, tuple[FieldNode, list[str]]] = field(default_factory=dict)
    """By name: the first field that needs it, and the path there."""


def survey(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: dict[str, Any],
) -> Survey:
    """Read an operation that has been found valid."""
    root = cast(GraphQLObjectType, schema.get_root_type(operation.operation))
    return _Surveyor(schema, fragments, variables).read(root, operation)


class _Surveyor:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._found = Survey()

    def read(self, root: GraphQLObjectType, operation: OperationDefinitionNode) -> Survey:
        cost = self._selections(root, operation.selection_set, [])
        self._found.complexity = BASE_COST[operation.operation] + cost
        return self._found

    def _selections(self, parent: WithFields, selections: SelectionSetNode, path: list[str]) -> int:
        cost = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                cost += self._field(parent, node, path)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                within = self._type(condition.name.value) if condition else parent
                cost += self._selections(within, node.selection_set, path)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                within = self._type(fragment.type_condition.name.value)
                cost += self._selections(within, fragment.selection_set, path)
        return cost

    def _field(self, parent: WithFields, node: FieldNode, path: list[str]) -> int:
        name = node.name.value
        if name.startswith("__"):
            return 0
        here = [*path, node.alias.value if node.alias else name]
        if not path:
            self._found.root_fields.append(name)
        child = get_named_type(parent.fields[name].type)
        for permission in (
            FIELD_PERMISSIONS.get((_family(parent.name), name)),
            TYPE_PERMISSIONS.get(_family(child.name)),
        ):
            if permission:
                self._found.permissions.setdefault(permission, (node, here))
        if node.selection_set is None:
            return _scalar_cost(parent.name, name)
        inner = self._selections(cast(WithFields, child), node.selection_set, here)
        return 1 + inner * self._limit(parent, node)

    def _limit(self, parent: WithFields, node: FieldNode) -> int:
        if "limit" not in parent.fields[node.name.value].args:
            return 1
        given = next((item.value for item in node.arguments if item.name.value == "limit"), None)
        if isinstance(given, IntValueNode):
            return int(given.value)
        if isinstance(given, VariableNode):
            return int(self._variables.get(given.name.value) or DEFAULT_LIMIT)
        return DEFAULT_LIMIT

    def _type(self, name: str) -> WithFields:
        return cast(WithFields, self._schema.type_map[name])


def _family(type_name: str) -> str:
    """An interface's permission covers its kinds."""
    return {
        "DirectToConsumerOrder": "Order",
        "DirectToConsumerShipment": "Shipment",
    }.get(type_name, type_name)


def _scalar_cost(parent: str, name: str) -> int:
    if parent == "Stock":
        return QUANTITY_COSTS.get(name, SUMMED_QUANTITY_COST)
    return 1
