"""Our GraphQL documents, against the part of Centra's schema that we rely on."""

from __future__ import annotations

from importlib.resources import files

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from centra_whistl_dagster.centra.graphql import document

HERE = files("centra_whistl_dagster.centra")
OPERATIONS = sorted(file.name.removesuffix(".graphql") for file in (HERE / "operations").iterdir())


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((HERE / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_document_is_valid_against_the_schema(schema: GraphQLSchema, operation: str) -> None:
    assert validate(schema, parse(document(operation))) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_document_holds_one_operation_of_its_own_name(operation: str) -> None:
    found = [
        node.name.value
        for node in parse(document(operation)).definitions
        if isinstance(node, OperationDefinitionNode) and node.name
    ]

    assert found == [operation]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_mutation_asks_for_its_errors_and_warnings(operation: str) -> None:
    text = document(operation)

    if text.startswith("mutation"):
        assert "userErrors" in text
        assert "userWarnings" in text


def test_a_field_that_centra_does_not_have_would_be_noticed(schema: GraphQLSchema) -> None:
    broken = document("ProductSizes").replace("SKU", "GTIN")

    assert validate(schema, parse(broken)) != []
