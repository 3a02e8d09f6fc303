"""How letters that the warehouse cannot hold are written with Latin ones.

Latin letters lose the mark that Unicode's own name for them says they have (LATIN SMALL LETTER L
WITH STROKE). Cyrillic follows ICAO Doc 9303 part 3, which passports and customs documents use;
Greek ELOT 743; Georgian the national system of 2002; Armenian the BGN/PCGN system without its
apostrophes. Scripts that do not write their vowels, or whose signs are read differently in each
language (Arabic, Hebrew, Chinese, Japanese, Thai), have no safe spelling, so there is none here.
"""

from __future__ import annotations

import re
import unicodedata

_BASE_OF_NAME = re.compile(
    r"LATIN (CAPITAL|SMALL) LETTER (?:DOTLESS |AFRICAN )?([A-Z])(?: WITH .+)?"
)

_LATIN = {
    "\u018f": "A",  # schwa, as in the Azerbaijani passport: Aliyev
    "\u0259": "a",
    "\u01dd": "e",  # turned e, as in Kanuri
    "\u018e": "E",
    "\u0190": "E",  # open e and o, as in Ewe
    "\u025b": "e",
    "\u0186": "O",
    "\u0254": "o",
    "\u014a": "N",  # eng, as in Sami
    "\u014b": "n",
    "\u0152": "OE",
    "\u0153": "oe",
    "\u1e9e": "SS",
    "\u017f": "s",  # long s
    "\u0138": "q",  # kra, as in Greenlandic
    "\u01b7": "Z",  # ezh, as in Skolt Sami
    "\u0292": "z",
    "\u0194": "G",  # gamma, iota and upsilon, as in languages of West Africa
    "\u0263": "g",
    "\u0196": "I",
    "\u0269": "i",
    "\u01b1": "U",
    "\u028a": "u",
}

# One spelling for each letter from the first on: Russian, then what other languages add.
_RUSSIAN = "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y - e iu ia"
_MORE_CYRILLIC = "ie e dj g ie dz i i j lj nj c k - u dz"
_CENTRAL_ASIAN = {
    **dict.fromkeys("\u0491\u0493", "g"),
    **dict.fromkeys("\u049b\u049f\u04a1", "k"),
    **dict.fromkeys("\u04af\u04b1\u04ef", "u"),
    **dict.fromkeys("\u04b3\u04bb", "h"),
    "\u0497": "zh",
    "\u04a3": "n",
    "\u04b7": "ch",
    "\u04d9": "a",
    "\u04e3": "i",
    "\u04e9": "o",
}
_GREEK = "a v g d e z i th i k l m n x o p r s s t y f ch ps o"
_GEORGIAN = "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h"
_ARMENIAN = (
    "a b g d e z e y t zh i l kh ts k h dz gh ch m y n sh o ch p j r s v t r ts w p k o f ev"
)
_SILENT = "-"


def _from(first: int, spellings: str) -> dict[str, str]:
    """Give letters that follow each other in Unicode their spellings."""
    return {chr(first + n): spelling for n, spelling in enumerate(spellings.split())}


_OTHER_SCRIPTS = {
    **_from(0x430, _RUSSIAN),
    **_from(0x450, _MORE_CYRILLIC),
    **_CENTRAL_ASIAN,
    **_from(0x3B1, _GREEK),
    **_from(0x10D0, _GEORGIAN),
    **_from(0x561, _ARMENIAN),
}


def latin_letters(character: str) -> str | None:
    """Return the spelling of one letter in plain Latin letters, None when there is none.

    A capital keeps its case: `Щ` becomes `Shch`. A sign without a sound of its own becomes blank.
    """
    if character in _LATIN:
        return _LATIN[character]
    small = character.lower()
    if small in _OTHER_SCRIPTS:
        spelling = _OTHER_SCRIPTS[small].replace(_SILENT, "")
        return spelling if small == character else spelling.capitalize()
    base = _BASE_OF_NAME.fullmatch(unicodedata.name(character, ""))
    if base is None:
        return None
    return base[2] if base[1] == "CAPITAL" else base[2].lower()
