"""The numbers an order can have at Whistl: its own, then `-2`, `-3` where it is sent again."""

from __future__ import annotations


def renumbered(first: str, used: int) -> str:
    """Return the number under which an order is sent after `used` of its numbers were used up."""
    return f"{first}-{used + 1}" if used else first
