"""Whether a text is an e-mail address that a carrier's notification can be sent to.

The rule is the HTML standard's (`input type=email`) with RFC 5321's lengths, and stricter in three
points: the domain needs a dot, `|` and `~`, which the warehouse cannot hold, are not allowed, and
the last label must not be a known slip of `com` or `org`, or one that is never in the network.
"""

from __future__ import annotations

import re

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{}-]+"
_EMAIL = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+"
    r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
)

_PLAIN = re.compile(r"[A-Za-z0-9_%+-][A-Za-z0-9._%+-]*@[A-Za-z0-9.-]*[A-Za-z0-9]")
"""An address with nothing around it."""

_SLIPS = "con cmo ocm vom xom comm coom cpm clm vcom ocom nett nte ogr orgg"
_NO_TOP_LEVEL = frozenset([*_SLIPS.split(), "invalid", "localhost", "local"])

_NOBODY = re.compile(
    r"(?:no|none|non|nil|na|n\.?a|null|fake|dummy|invalid|unknown|test(?:e|er|ing)?|noemail|no-email"
    r"|nomail|no\.?email|asdf?|qwe(?:rty)?|abc|xyz|foo|bar|x{2,}|0+|([a-z])\1{2,14}|(?:asd|sdf|dfg|fgh)+)"
    r"[0-9]{0,3}"
)
_NO_MAIL = re.compile(
    r"(?:no|none|no[._-]?e?-?mail|does?nt?have|do[._-]?not[._-]?reply|no[._-]?reply)"
)

MAXIMUM_LENGTH = 254
"""RFC 5321: a path is at most 256 with its angle brackets."""


def is_email(text: str) -> bool:
    """Say whether `text` is a valid e-mail address. Whether it exists is not checked."""
    is_formed = len(text) <= MAXIMUM_LENGTH and _EMAIL.fullmatch(text) is not None
    return is_formed and text.rpartition(".")[2].lower() not in _NO_TOP_LEVEL


def is_email_placeholder(text: str) -> bool:
    """Say whether an address is one that people type to get past a form: `test@test.com`."""
    local, _, domain = text.lower().partition("@")
    if _NO_MAIL.fullmatch(local):
        return True
    name = domain.partition(".")[0]
    if _NOBODY.fullmatch(local) and (_NOBODY.fullmatch(name) or name in {"example", "mail"}):
        return True
    return len(local) == 1 and local == name


def in_plain_form(text: str) -> str:
    """Return an address without what an address book puts around it, its domain in ASCII.

    `mailto:`, angle brackets and a full stop or comma at the end go. A domain in other letters is
    written as the network knows it, beginning with `xn--`.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    bare = text.removeprefix("mailto:").strip(" \t\r\n<>.,;\u200b\ufeff")
    local, at, domain = bare.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return bare
    return f"{local}{at}{domain}"
