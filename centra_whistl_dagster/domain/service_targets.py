"""What the business has promised itself: how fast, and how often (`[service_targets]`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTargets:
    """Targets that the history is measured against. They change nothing that is sent."""

    accepted_seconds: int = 60
    """From an order being read in Centra to Whistl accepting it."""
    accepted_percent: int = 95
    despatched_hours: int = 24
    """From the shopper ordering to everything having left."""
    despatched_percent: int = 90
    completed_seconds: int = 300
    """From a parcel leaving to Centra having its shipment."""
    completed_percent: int = 95
    stock_age_minutes: int = 30
    """Age of the stock figures in use."""
    stock_age_percent: int = 99
    """Of the time."""
    exceptions_percent: int = 90
    """Exceptions that are over before their own time limit (`config/exceptions.toml`)."""

    def rows(self) -> list[dict[str, str | int]]:
        """Return a row of the history for each target."""
        return [
            _row("accepted", self.accepted_seconds, self.accepted_percent),
            _row("despatched", 3600 * self.despatched_hours, self.despatched_percent),
            _row("completed", self.completed_seconds, self.completed_percent),
            _row("stock_age", 60 * self.stock_age_minutes, self.stock_age_percent),
            _row("exceptions", 0, self.exceptions_percent),
        ]


def _row(target: str, seconds: int, percent: int) -> dict[str, str | int]:
    return {"target": target, "within_seconds": seconds, "wanted_percent": percent}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget:
    """How many times a target may be missed in a period, and how many times it was."""

    measured: float
    """Orders, parcels, minutes or exceptions."""
    met: float
    wanted_percent: int

    @property
    def allowed(self) -> float:
        """How many may miss the target."""
        return self.measured * (100 - self.wanted_percent) / 100

    @property
    def missed(self) -> float:
        """How many missed it."""
        return self.measured - self.met

    @property
    def share_used(self) -> float | None:
        """Which part of the budget is used, 1 for all of it; None where there is no budget."""
        return self.missed / self.allowed if self.allowed else None

    @property
    def is_kept(self) -> bool:
        """Whether the target was met."""
        return 100 * self.met >= self.wanted_percent * self.measured
