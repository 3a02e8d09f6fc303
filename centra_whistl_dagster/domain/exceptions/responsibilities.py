"""Who fixes a kind of problem, by when, and how: what `config/exceptions.toml` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_MINUTES_OF_AN_HOUR = 60


class Owner(StrEnum):
    """The teams that fix exceptions."""

    CX = "cx"  # customer service: talks to the customer, corrects the order in Centra
    MERCHANDISING = "merchandising"  # products and SKUs
    ECOMMERCE = "ecommerce"  # the shop's set-up: shipping options, the mapping, order rules
    FULFILMENT = "fulfilment"  # the liaison with the warehouse
    DATA = "data"  # runs this project
    FINANCE = "finance"  # money and agreement of the books


TEAMS: Mapping[Owner, str] = MappingProxyType(
    {
        Owner.CX: "Customer service",
        Owner.MERCHANDISING: "Merchandising",
        Owner.ECOMMERCE: "Ecommerce",
        Owner.FULFILMENT: "Fulfilment",
        Owner.DATA: "Data team",
        Owner.FINANCE: "Finance",
    }
)
"""What people call them."""


def team_name(owner: str) -> str:
    """Return what people call an owner; one that this release does not know, as it is."""
    return TEAMS[Owner(owner)] if owner in set(Owner) else owner


class Severity(StrEnum):
    """What is at risk as long as the exception is open."""

    URGENT = "urgent"  # wrong goods, lost goods or money at risk now
    BLOCKING = "blocking"  # an order waits
    WARNING = "warning"  # nothing waits; somebody should look


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsibility:
    """Who fixes one kind of exception, by when, and how."""

    owner: Owner
    severity: Severity
    channel: str
    """The name of an alert channel; its address is a setting, not in this file."""
    time_limit_minutes: int
    """From opening to escalation."""
    title: str
    """A few words for a heading."""
    instructions: str
    """What the owner does, in which system, after which the order or SKU goes on by itself."""

    @property
    def time_limit(self) -> str:
        """The time limit as people say it: `90 min`, `4 h`."""
        hours, rest = divmod(self.time_limit_minutes, _MINUTES_OF_AN_HOUR)
        return f"{self.time_limit_minutes} min" if rest else f"{hours} h"


UNCONFIGURED = Responsibility(
    owner=Owner.DATA,
    severity=Severity.URGENT,
    channel="data",
    time_limit_minutes=30,
    title="Something is wrong, and config/exceptions.toml cannot be read",
    instructions="Correct config/exceptions.toml: it says who is responsible for what.",
)
"""Who hears of an exception while the operators' file cannot be read."""
