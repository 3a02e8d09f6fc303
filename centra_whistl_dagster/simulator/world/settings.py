"""How busy and how awkward the simulated world is, and which tokens its Centra accepts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from centra_whistl_dagster.simulator.centra.permissions import ALL_PERMISSIONS

TEST_TOKEN = "centra-test-token"  # noqa: S105 - opens nothing but this simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraToken:
    """What one Integration API token may do, and until when."""

    permissions: frozenset[str] = ALL_PERMISSIONS
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentraLimits:
    """Centra's quotas, shared by all who call one environment; the defaults are its Growth plan."""

    requests_per_10_seconds: int = 60
    requests_per_hour: int = 5_000
    mutations_per_10_seconds: int = 20
    mutations_per_hour: int = 1_800
    complexity_per_10_seconds: int = 250_000
    complexity_per_hour: int = 30_000_000


@dataclass(slots=True, kw_only=True)
class Settings:
    """How busy and how awkward the world is. Durations are trading-day seconds: `speed` divides."""

    seed: int = 7
    speed: float = 1.0
    """How much faster than life pickers and customer service act. Timestamps stay real."""
    skus: int = 200
    orders_per_minute: float = 40.0
    """Real minutes: not scaled by `speed`."""
    unseen_orders_per_minute: float = 6.0
    """The second sales channel: takes Whistl stock, invisible to Centra."""
    goods_in_per_minute: float = 2.0
    spoiled_share: float = 0.15
    """Share of shoppers' orders that carry something the warehouse cannot accept."""
    never_corrected_share: float = 0.2
    """Of the spoiled ones, the share whose customer never answers."""
    correction_seconds: float = 1200.0
    """From when customer service knows of a bad order until it has corrected it."""
    corrections_wait_for_report: bool = False
    """Customer service knows of a bad order once it is reported to it (`People.report`), instead of
    from the start: then none is corrected before anybody read it, however slow the reader is."""
    allocate_seconds: float = 60.0
    pick_seconds: float = 900.0
    pack_seconds: float = 600.0
    hand_over_seconds: float = 600.0
    snapshot_seconds: float = 900.0
    several_parcels_share: float = 0.15
    cancelled_share: float = 0.03
    """Share of healthy orders that the customer cancels in Centra soon after placing them."""
    hold_share: float = 0.04
    """Share of orders that start on hold or unpaid and are released a little later."""
    mark: str = ""
    """A word in the name, street and e-mail of every shopper, and in every tracking number: where
    it turns up, somebody kept personal data."""
    centra_tokens: dict[str, CentraToken] = field(
        default_factory=lambda: {TEST_TOKEN: CentraToken()}
    )
    centra_limits: CentraLimits | None = field(default_factory=CentraLimits)
    """None lifts them, for a test whose clock stands still."""
    pushes_to: str = ""
    """Where Centra pushes what happens to orders; blank: nowhere."""
    push_secret: str = ""
    """What it signs them with."""
    switches: dict[str, Any] = field(default_factory=dict)
    """Behaviour by name; `switches.SWITCHES` has all names and their defaults."""
