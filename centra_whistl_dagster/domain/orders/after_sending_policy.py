"""What a brand wants done when an order changes after it was sent: `[after_sending]` of the policy.

The defaults lose time, never goods: what must not be delivered as it was sent is stopped, and what
only makes a difference to the parcel is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OnEdit(StrEnum):
    """What happens to an order that was edited after it was sent."""

    ASK = "ask"  # the owner is notified, and Whistl goes on
    REPLACE = "replace"  # stopped at Whistl, then sent again as it is now, under a new number


class OnPause(StrEnum):
    """What happens to an order that Centra does not let go any more after it was sent."""

    ASK = "ask"  # the owner is notified, and Whistl goes on
    STOP = "stop"  # stopped at Whistl, and sent under a new number once Centra releases it


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterSendingPolicy:
    """The brand's choice for each change, and how often Whistl is asked."""

    on_hold: OnPause = OnPause.STOP
    on_unpaid: OnPause = OnPause.STOP
    on_other_warehouse: OnPause = OnPause.STOP
    on_address: OnEdit = OnEdit.REPLACE
    on_fewer_units: OnEdit = OnEdit.REPLACE
    on_more_units: OnEdit = OnEdit.ASK
    on_contact: OnEdit = OnEdit.ASK
    on_shipping_option: OnEdit = OnEdit.ASK
    stop_attempts: int = 6
    """Times that Whistl is asked to stop an order before that is left to its owner."""
    stop_follow_up_minutes: int = 30
    """Until Whistl is asked again that has said it would try to stop an order."""

    def stops(self, change: StrEnum) -> bool:
        """Say whether an order with this change is stopped at Whistl until Centra releases it."""
        return getattr(self, f"on_{change.name.lower()}") is OnPause.STOP

    def replaces(self, change: StrEnum) -> bool:
        """Say whether an order with this change is stopped at Whistl and sent again at once."""
        return getattr(self, f"on_{change.name.lower()}") is OnEdit.REPLACE
