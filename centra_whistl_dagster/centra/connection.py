"""How to reach one Centra environment: its configuration, and the assembled connection."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from centra_whistl_dagster.centra.graphql import PLANS, GraphQL
from centra_whistl_dagster.centra.refusals import ACCESS_ADVICE, SYSTEM, read_refusal
from centra_whistl_dagster.transport import (
    BearerToken,
    CallCounter,
    Judge,
    Pacer,
    Transport,
    Wire,
)

MOST_PER_PAGE = 200
"""Centra's own limit (https://centra.dev/graphql/warehouse.html)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraConfig:
    """One Centra environment, and how it is to be used."""

    base_url: str
    """The address without `/graphql`."""
    token: str = field(repr=False)
    warehouse_id: int
    """The Centra warehouse that stands for the Whistl site."""
    plan: str = "growth"
    """A key of `graphql.PLANS`."""
    quota_share: float = 0.5
    """Our share of the plan's quotas; the rest is left to the shop's other integrations."""
    stock_share: float = 0.5
    """The part of it that stock and catalogues may take: orders never wait for them."""
    page_size: int = MOST_PER_PAGE
    captures_payment: bool = False
    """Centra captures the payment when a parcel has left."""
    marks_paid: bool = True
    """Mark shipments as paid, for stores that capture elsewhere. Ignored when Centra captures."""
    pacing_file: Path | None = None
    """The file in which all processes count their calls; None counts this process alone."""
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
    """Assemble the connection; nothing is sent.

    Raises:
        ValueError: naming what in the configuration cannot be used.
    """
    if config.plan not in PLANS:
        raise ValueError(f"the Centra plan must be one of {', '.join(PLANS)}, not {config.plan!r}")
    if not 1 <= config.page_size <= MOST_PER_PAGE:
        raise ValueError(f"page_size must be 1 to {MOST_PER_PAGE}, not {config.page_size}")
    judge = Judge(SYSTEM, read_refusal, access_advice=ACCESS_ADVICE, now=now)
    pacer = Pacer(
        PLANS[config.plan],
        system=SYSTEM,
        share=config.quota_share,
        now=now,
        file=config.pacing_file,
        stock_share=config.stock_share,
    )
    transport = Transport(
        SYSTEM,
        wire or Wire(config.base_url, trust_env=config.trust_env, monotonic=monotonic),
        judge,
        auth=BearerToken(config.token),
        pacer=pacer,
        sleep=sleep,
        rng=rng,
        monotonic=monotonic,
        counter=CallCounter(SYSTEM, now=now, allowed=pacer.allowed_in_an_hour),
    )
    return GraphQL(transport, judge, now=now)
