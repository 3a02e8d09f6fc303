"""Text from outside, made safe for a terminal and for a spreadsheet."""

from __future__ import annotations

import unicodedata

import click

FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of a spreadsheet formula, with the full-width forms that some accept."""

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories with no glyph: control, format, surrogate, line and paragraph separators."""


class Refusal(click.ClickException):
    """A command that cannot do what was asked; its message may quote Centra or Whistl."""

    def format_message(self) -> str:
        """Return the message for the terminal."""
        return visible(self.message, keep="\n")


def visible(text: str, *, keep: str = "") -> str:
    r"""Return text with every hidden character written out, such as `\x1b` for ESC.

    A customer's name can hold escape sequences that recolour, clear or retitle the terminal of
    whoever lists it, and a SKU can hold a zero-width space that keeps it from matching.

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


def safe_cell(value: object) -> str:
    """Return a CSV cell that no spreadsheet takes for a formula.

    A formula could fetch and send data when somebody opens the file, and some spreadsheets skip
    leading spaces and line breaks before it. The apostrophe is OWASP's advice on CSV injection.
    """
    text = visible("" if value is None else str(value))
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text
