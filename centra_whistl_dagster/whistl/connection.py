"""How to reach one Whistl account: its configuration, and the assembled connection."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

from centra_whistl_dagster.transport import (
    BearerToken,
    CallCounter,
    Judge,
    Pacer,
    Quota,
    Transport,
    Wire,
)
from centra_whistl_dagster.whistl.refusals import (
    ACCESS_ADVICE,
    SYSTEM,
    read_refusal,
    read_token_refusal,
)
from centra_whistl_dagster.whistl.tokens import ClientCredentials

MOST_PER_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WhistlConfig:
    """One Whistl account. Either a client id with its secret, or a static token."""

    base_url: str
    """The address without `/v2` and `/oauth/token`."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    static_token: str = field(default="", repr=False)
    client_code: str
    """Whistl's name for the brand."""
    site: str
    """The warehouse that ships."""
    requests_per_minute: int = 120
    """Whistl's limit for the account; 0 for no limit."""
    quota_share: float = 0.8
    """The part of that limit that we use."""
    stock_share: float = 0.5
    """The part of it that stock, catalogues and sweeps may take: orders never wait for them."""
    page_size: int = MOST_PER_PAGE
    pacing_file: Path | None = None
    """The file in which all processes count their calls; None counts this process alone."""
    duplicate_codes: frozenset[str] = frozenset()
    """Codes, besides the usual ones, by which Whistl says that an order number is in use."""
    line_fields: Mapping[str, str] = field(default_factory=dict)
    """Whistl's names for fields of an order line, by ours, where they differ."""
    zone: tzinfo | None = None
    """Of times that Whistl gives without an offset; None refuses them, naming the field."""
    trust_env: bool = False
    """Take a proxy and certificates from the environment."""


def connect(
    config: WhistlConfig,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    rng: random.Random,
    monotonic: Callable[[], float],
    wire: Wire | None,
) -> tuple[Transport, Judge]:
    """Assemble the connection; nothing is sent.

    Raises:
        ValueError: naming what in the configuration cannot be used.
    """
    if not config.static_token and not (config.client_id and config.client_secret):
        raise ValueError("Whistl needs a client id and its secret, or a static token")
    if not 1 <= config.page_size <= MOST_PER_PAGE:
        raise ValueError(f"page_size must be 1 to {MOST_PER_PAGE}, not {config.page_size}")
    shared_wire = wire or Wire(config.base_url, trust_env=config.trust_env, monotonic=monotonic)
    limit = Quota(units=config.requests_per_minute, seconds=60)
    pacer = Pacer(
        {"requests": (limit,)} if config.requests_per_minute else {},
        system=SYSTEM,
        share=config.quota_share,
        now=now,
        file=config.pacing_file,
        stock_share=config.stock_share,
    )
    judge = Judge(SYSTEM, read_refusal, access_advice=ACCESS_ADVICE, now=now)
    transport_with = partial(
        Transport,
        SYSTEM,
        shared_wire,
        pacer=pacer,
        sleep=sleep,
        rng=rng,
        monotonic=monotonic,
        counter=CallCounter(SYSTEM, now=now, allowed=pacer.allowed_in_an_hour),
    )
    if config.static_token:
        return transport_with(judge, auth=BearerToken(config.static_token)), judge
    credentials = ClientCredentials(
        transport_with(
            Judge(SYSTEM, read_token_refusal, access_advice=ACCESS_ADVICE, now=now),
            auth=None,
            deadline_seconds=20.0,
            try_seconds=8.0,
        ),
        system=SYSTEM,
        client_id=config.client_id,
        client_secret=config.client_secret,
        now=now,
    )
    return transport_with(judge, auth=credentials), judge
