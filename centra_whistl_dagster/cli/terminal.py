"""Text from outside, made safe for a terminal and for a spreadsheet."""

from __future__ import annotations

import click

from centra_whistl_dagster.domain.hidden_characters import visible

FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of a spreadsheet formula, with the full-width forms that some accept."""


class Refusal(click.ClickException):
    """A command that cannot do what was asked; its message may quote Centra or Whistl."""

    def format_message(self) -> str:
        """Return the message for the terminal."""
        return visible(self.message, keep="\n")


def safe_cell(value: object) -> str:
    """Return a CSV cell that no spreadsheet takes for a formula.

    A formula could fetch and send data when somebody opens the file, and some spreadsheets skip
    leading spaces and line breaks before it. The apostrophe is OWASP's advice on CSV injection.
    """
    text = visible("" if value is None else str(value))
    return f"'{text}" if text.lstrip().startswith(FORMULA_SIGNS) else text
