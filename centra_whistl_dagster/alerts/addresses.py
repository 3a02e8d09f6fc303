"""Where alerts go: an address for each channel, a default, and a fallback for dead channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TRIES_BEFORE_SECOND = 2
"""Attempts on an alert's own channel before the fallback is used: about ten seconds."""

ESCALATION = "escalation"
"""The channel that is alerted, as well as the owner's, to what was not fixed in time."""

BRIEF = "brief"
"""The channel of the daily and the weekly brief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAddresses:
    """Apprise addresses, such as `mailto://…` or `slack://…`. Each holds a secret."""

    by_channel: Mapping[str, str] = field(default_factory=dict, repr=False)
    default: str = field(default="", repr=False)
    """For channels without one of their own."""
    fallback: str = field(default="", repr=False)
    """The second channel, for every alert."""

    @property
    def are_there(self) -> bool:
        """Whether there is any address to send to."""
        return bool(self.by_channel or self.default or self.fallback)

    def has(self, channel: str) -> bool:
        """Return whether a channel has its own address."""
        return channel in self.by_channel

    def for_attempt(self, channel: str, attempts: int) -> str:
        """Return the address for the next attempt on an alert; blank when there is none.

        Once its own channel has failed `TRIES_BEFORE_SECOND` times, the two channels take turns:
        either may recover first.
        """
        own = self.by_channel.get(channel) or self.default or self.fallback
        second = self.fallback or self.default or own
        is_turn_of_second = (attempts - TRIES_BEFORE_SECOND) % 2 == 0
        return second if attempts >= TRIES_BEFORE_SECOND and is_turn_of_second else own

    def is_second(self, channel: str, attempts: int) -> bool:
        """Return whether that attempt uses another channel than the alert's own."""
        return self.for_attempt(channel, attempts) != self.for_attempt(channel, 0)
