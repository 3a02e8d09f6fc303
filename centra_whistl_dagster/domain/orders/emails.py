"""Whether a text is an e-mail address that a carrier's notification can be sent to.

The rule is the HTML standard's (`input type=email`) with RFC 5321's lengths, and stricter in two
points: the domain needs a dot, and `|` and `~`, which the warehouse cannot hold, are not allowed.
"""

from __future__ import annotations

import re

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{}-]+"
_EMAIL = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+"
    r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
)

MAXIMUM_LENGTH = 254
"""RFC 5321: a path is at most 256 with its angle brackets."""


def is_email(text: str) -> bool:
    """Say whether `text` is a valid e-mail address. Whether it exists is not checked."""
    return len(text) <= MAXIMUM_LENGTH and _EMAIL.fullmatch(text) is not None
