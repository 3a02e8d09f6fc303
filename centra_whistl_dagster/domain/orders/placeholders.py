"""Texts that shoppers, imports and testers write where a form insists on something.

Only a text that is a placeholder as a whole counts: `Test Valley`, `Christopher Null` and `Xu` are
real. What is also a real place or person somewhere (None in Piedmont, Nan in Thailand) is left out
or has its exception here.
"""

from __future__ import annotations

import re

_NOTHING = r"n\W{0,2}a\W?|n/?k|none|nil|null|nul|undefined|unknown|unspecified|empty|blank"
_TYPED = (
    r"test(?:e|ing|er|123)?|(?:asd|sdf|dfg|fgh|ghj|hjk|jkl|qwe|wer(?=t)|rty|zxc|xcv){1,4}[fghjkl]{0,3}"
    r"|qwerty|abc|abcd|abcde|xyz|foo|foobar|dummy|fake|lorem|ipsum|blah|tb[acd]|todo"
    r"|mustermann|musterfrau|musterstra(?:sse|\xdfe|\xdfe?)|musterstadt|musterort|muster"
)
_BESIDE_FILLER = (
    r"\d+|street|st|str|address|name|city|town|user|customer|order|person|account|max|data|line"
)


def _filler(letter: str) -> str:
    """Return the pattern of a word that stands for nothing. `letter` names the group it needs."""
    return rf"{_NOTHING}|{_TYPED}|x{{2,}}|(?P<{letter}>[^\W\d_])(?P={letter}){{2,14}}"


_FILLER = re.compile(_filler("a"))
_WORDS = re.compile(
    rf"[\W_]*(?:{_filler('a')}|{_BESIDE_FILLER})"
    rf"(?:[\W_]+(?:{_filler('b')}|{_BESIDE_FILLER}))*[\W_]*"
)
"""Filler, and words that people put beside it: `Test Street 1`."""

_PHRASE = re.compile(
    r"x(?:\W*x)+|same(?: as (?:above|billing|before))?|(?:as|see) above|to be (?:confirmed|advised)"
    r"|not (?:applicable|available|provided|known|given|set|required)"
    r"|no (?:name|address|city|street)"
    r"|keine?(?: angabe)?|k\.? ?a\.?|ohne|sans|aucune?|ninguno|nessuno|brak|\[object object\]"
    r"|(?:first|last|full|your|sur)? ?name|(?:street |your )?address(?: line)?(?: \d)?|line \d"
    r"|city|town|street|state|county|country|company|post ?code|zip(?: code)?"
)
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
_ZEROS = re.compile(r"[\W_]*0[\W_0]*")
_REAL_PLACES = {("IT", "none"), ("IT", "na"), ("US", "na")}
"""None is a town near Turin, NA the province of Naples."""


def is_placeholder(text: str, country: str = "") -> bool:
    """Say whether a text stands for nothing: `-`, `N/A`, `xxx`, `00000`, `test`, `asdf`.

    Args:
        text: one field of an address, as typed.
        country: the destination's ISO code, for the few placeholders that are places there.
    """
    folded = " ".join(text.casefold().split())
    if not folded:
        return False
    if _NO_LETTER_OR_DIGIT.fullmatch(folded) or _ZEROS.fullmatch(folded):
        return True
    if (country, folded) in _REAL_PLACES:
        return False
    if _PHRASE.fullmatch(folded):
        return True
    return bool(_WORDS.fullmatch(folded)) and any(
        _FILLER.fullmatch(word.strip(".,;:!?-_*")) for word in folded.split()
    )


def has_no_letter(text: str) -> bool:
    """Say whether a text, such as a city's name, is digits and signs alone."""
    return bool(text) and not any(c.isalpha() for c in text)
