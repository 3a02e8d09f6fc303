"""Centra's schema with a resolver behind each field, and how a switch changes the schema itself."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_ast_schema,
    parse,
)
from graphql.validation.validate import assert_valid_sdl

from centra_whistl_dagster.simulator.centra.announcements import (
    EVENT_MUTATIONS,
    events,
    read_number,
)
from centra_whistl_dagster.simulator.centra.orders import ORDER_MUTATIONS
from centra_whistl_dagster.simulator.centra.search import SEARCHES
from centra_whistl_dagster.simulator.centra.shipments import SHIPMENT_MUTATIONS
from centra_whistl_dagster.simulator.centra.stock import STOCK_MUTATIONS
from centra_whistl_dagster.simulator.centra.times import read_time, spelled
from centra_whistl_dagster.simulator.centra.views import VIEWS
from centra_whistl_dagster.simulator.world.world import World

SDL = Path(__file__).parents[2] / "centra" / "schema.graphql"

MUTATIONS = {**ORDER_MUTATIONS, **SHIPMENT_MUTATIONS, **STOCK_MUTATIONS, **EVENT_MUTATIONS}
QUERIES_OF_EVENTS = {"Query": {"events": events}}


def centra_schema(world: World) -> GraphQLSchema:
    """Build the schema that this world's Centra serves."""
    schema = build_ast_schema(_document(_sdl(world)), assume_valid_sdl=True)
    moment = cast(Any, schema.type_map["DateTimeTz"])
    moment.serialize = spelled
    moment.parse_value = lambda value: read_time(value, world.now())
    cast(Any, schema.type_map["Int64"]).serialize = read_number
    for resolvers in (VIEWS, SEARCHES, QUERIES_OF_EVENTS, {"Mutation": MUTATIONS}):
        for name, fields in resolvers.items():
            known = cast(GraphQLObjectType, schema.type_map[name]).fields
            for field, resolver in fields.items():
                if field in known:  # one of them comes and goes with a switch
                    known[field].resolve = resolver
    return schema


@lru_cache
def _document(sdl: str) -> DocumentNode:
    """Parse and validate a schema once: every test that serves a world needs one."""
    document = parse(sdl)
    assert_valid_sdl(document)
    return document


def _sdl(world: World) -> str:
    sdl = SDL.read_text(encoding="utf-8")
    if world.switch("centra_has_shipped_quantity"):
        sdl = sdl.replace(
            "  returnedQuantity: Int!", "  returnedQuantity: Int!\n  shippedQuantity: Int!"
        )
    if not world.switch("centra_shows_rate_limits"):
        sdl = sdl.replace("  rateLimits: [RateLimit!]!\n", "")
    if unknown := world.switch("centra_unknown_status"):
        sdl = sdl.replace("CANCELLED } #", f"CANCELLED {unknown} }} #", 1)
    return sdl


def default_resolver(source: object, info: GraphQLResolveInfo) -> Any:
    """Read a field of the same name from a record, or from a dict whose missing keys are null."""
    if isinstance(source, dict):
        return source.get(info.field_name)
    return getattr(source, info.field_name)
