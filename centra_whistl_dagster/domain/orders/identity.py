"""Whether the order that Whistl shows under a number is the one that we sent.

Whistl's fingerprint of an order proves that it is ours when it equals our own. When it differs it
proves nothing: spacing, escaping or a field that Whistl adds changes it. What we sent is compared
instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIdentity:
    """What distinguishes one order from another. Blank where Whistl does not show it."""

    external_reference: str = ""
    """Ours, with Centra's id of the order."""
    units: Mapping[str, int] = field(default_factory=dict)
    """Units by SKU, as ordered."""
    postcode: str = field(default="", repr=False)
    country: str = ""
    name: str = field(default="", repr=False)


def is_same_order(sent: OrderIdentity, shown: OrderIdentity) -> bool:
    """Say whether Whistl shows the order that was sent. What it does not show is not compared.

    The units must be shown, and be the same: without them nothing says what would be picked.
    """
    is_same_destination = all(
        not theirs or _letters(ours) == _letters(theirs)
        for ours, theirs in (
            (sent.external_reference, shown.external_reference),
            (sent.postcode, shown.postcode),
            (sent.country, shown.country),
        )
    )
    # Whistl's label tool cuts a name at 35 characters.
    is_same_name = not shown.name or _letters(sent.name).startswith(_letters(shown.name))
    return is_same_destination and is_same_name and dict(sent.units) == dict(shown.units)


def is_of_same_sale(sent: OrderIdentity, shown: OrderIdentity) -> bool:
    """Say whether Whistl shows an order of the same sale in Centra, whatever its contents."""
    theirs = _letters(shown.external_reference)
    return bool(theirs) and theirs == _letters(sent.external_reference)


def _letters(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))
