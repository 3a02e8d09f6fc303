"""Characters that no reader sees, written out."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories with no glyph: control, format, surrogate, line and paragraph separators."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Return text with every hidden character written out, such as `\x1b` for ESC.

    A customer's name can hold escape sequences that recolour, clear or retitle the terminal of
    whoever lists it, marks that turn the order of letters round on a page, and a SKU can hold a
    zero-width space that keeps it from matching.

    Args:
        text: what Centra, Whistl or a shopper wrote.
        keep: hidden characters that are left as they are.
    """
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
