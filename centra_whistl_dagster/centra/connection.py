"""How to reach one Centra environment.

Belongs here: the configuration, and putting the parts of a connection together. Does not belong
here: what is asked over it (`client`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from centra_whistl_dagster.centra.graphql import (
    ACCESS_ADVICE,
    PLANS,
    SYSTEM,
    GraphQL,
    read_refusal,
    stock_lane,
)
from centra_whistl_dagster.transport import BearerToken, Judge, Pacer, Quota, Transport, Wire

MOST_PER_PAGE = 200
"""Centra's own limit (https://centra.dev/graphql/warehouse.html)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraConfig:
    """One Centra environment, and what it lets us do."""

    base_url: str
    """What comes before `/graphql`."""
    token: str = field(repr=False)
    warehouse_id: int
    """The Centra warehouse that stands for the Whistl site."""
    plan: str = "growth"
    """A key of `graphql.PLANS`."""
    quota_share: float = 0.5
    """Of the plan's quotas; the rest is left to the client's other integrations."""
    stock_share: float = 0.5
    """Of that, what reading and writing stock takes at most: orders never wait for it."""
    page_size: int = MOST_PER_PAGE
    captures_payment: bool = False
    """Let Centra capture the payment when a parcel has left."""
    marks_paid: bool = True
    """Call a shipment paid, for stores that capture elsewhere. Not said when we capture."""
    pacing_file: Path | None = None
    """Where all processes count their calls together; None counts this one's alone."""
    trust_env: bool = False
    """Take a proxy and certificates from the environment."""


def connect(
    config: CentraConfig,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    rng: random.Random,
    monotonic: Callable[[], float],
    wire: Wire | None,
) -> GraphQL:
    """Put the connection together; nothing is sent.

    Raises:
        ValueError: naming what in the configuration cannot be used.
    """
    if config.plan not in PLANS:
        raise ValueError(f"a Centra plan is one of {', '.join(PLANS)}, not {config.plan!r}")
    if not 1 <= config.page_size <= MOST_PER_PAGE:
        raise ValueError(f"a page has 1 to {MOST_PER_PAGE} records, not {config.page_size}")
    judge = Judge(SYSTEM, read_refusal, access_advice=ACCESS_ADVICE, now=now)
    plan = PLANS[config.plan]
    for_stock = {
        stock_lane(resource): [
            Quota(units=math.floor(quota.units * config.stock_share), seconds=quota.seconds)
            for quota in quotas
        ]
        for resource, quotas in plan.items()
    }
    pacer = Pacer(
        {**plan, **for_stock},
        system=SYSTEM,
        share=config.quota_share,
        now=now,
        file=config.pacing_file,
    )
    transport = Transport(
        SYSTEM,
        wire or Wire(config.base_url, trust_env=config.trust_env, monotonic=monotonic),
        judge,
        auth=BearerToken(config.token),
        pacer=pacer,
        now=now,
        sleep=sleep,
        rng=rng,
        monotonic=monotonic,
    )
    return GraphQL(transport, judge)
