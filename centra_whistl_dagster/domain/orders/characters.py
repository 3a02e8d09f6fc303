"""Which characters the warehouse can hold, and how the others are spelled with those it can.

Whistl's name and address columns are `varchar`, so a character outside the site's code page is at
risk, and its label tool deletes line feeds instead of putting a space (the field dictionary
published with Whistl-Fulfilment-South-West/TAFIE). Which code page is not published: Latin-1 is our
assumption, kept in this one place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from centra_whistl_dagster.domain.orders.transliteration import latin_letters

_PLAIN = re.compile(r"[ -;=?-{}\xa1-\xac\xae-\xff]*")
"""Printable Latin-1 without `<`, `>`, `|` and `~`, which mean something inside Whistl's tools."""

_SPELLED = {
    "~": "-",
    "|": "-",
    # Quotes, primes and the Hawaiian okina.
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02c8", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2022\u2212", "-"),  # dashes, bullet
    **dict.fromkeys("\u02bd\u02be\u02bf\u02c0\u02c1", ""),  # ayn and hamza, as in \u02bfAl\u012b
    "\u2044": "/",  # fraction slash
}
"""Punctuation that Unicode does not decompose into plainer signs."""

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class CarriedText:
    """A text as the warehouse can hold it, and the characters that it cannot."""

    text: str
    unsupported: str = ""
    """The characters that were left out of `text`, each once, in order."""
    respelled: str = ""
    """The first few characters that `text` writes with others: `\u0141 as L, \u2019 as '`."""


@lru_cache(maxsize=65536)
def carried(raw: str) -> CarriedText:
    """Return `raw` with only characters the warehouse can hold, single-spaced and trimmed.

    White space of every kind, line feeds included, becomes one space; invisible characters go;
    letters and punctuation outside Latin-1 that have a plain spelling get it (Ł becomes L, Ж Zh). A
    text with anything left over must not be sent: what is missing from it may be a name.
    """
    if _PLAIN.fullmatch(raw):
        return CarriedText(raw if _is_single_spaced(raw) else " ".join(raw.split()))
    spelled: list[str] = []
    unsupported: dict[str, None] = {}
    respelled: dict[str, None] = {}
    for character in unicodedata.normalize("NFC", raw):
        spelling = _spelling(character)
        if spelling is None:
            unsupported[character] = None
            continue
        spelled.append(spelling)
        if spelling != character and not _is_invisible(character):
            respelled[f"{character} as {spelling}" if spelling else f"{character} left out"] = None
    text = " ".join("".join(spelled).split())
    return CarriedText(text, "".join(unsupported), _few(sorted(respelled)))


def named(characters: str) -> str:
    """Name characters so that a reader can identify them: `Ж (U+0416)`."""
    return ", ".join(
        f"{character} (U+{ord(character):04X})"
        if character.isprintable()
        else f"U+{ord(character):04X}"
        for character in characters
    )


def _few(respelled: list[str]) -> str:
    """Show the first, in the order of the alphabet: a whole list would spell the person's name."""
    more = len(respelled) - _SHOWN
    shown = ", ".join(respelled[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _is_single_spaced(text: str) -> bool:
    return "  " not in text and not text.startswith(" ") and not text.endswith(" ")


@lru_cache(maxsize=4096)
def _spelling(character: str) -> str | None:
    """Return the spelling of one character: blank for an invisible one, None when there is none."""
    if character.isspace():
        return " "
    if character in _SPELLED:
        return _SPELLED[character]
    if _PLAIN.fullmatch(character):
        return character
    if _is_invisible(character):
        return ""
    letters = latin_letters(character)
    if letters is not None:
        return letters
    parts = unicodedata.normalize("NFKD", character)
    spellings = [] if parts == character else [_spelling(part) for part in parts]
    return "".join(map(str, spellings)) if spellings and None not in spellings else None


def _is_invisible(character: str) -> bool:
    """White space, control characters, formatting (zero-width, direction), loose accents."""
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Mn"}
