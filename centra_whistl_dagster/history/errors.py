"""What can go wrong with the history, as one tree.

::

HistoryError
├── HistoryBusy          another process has the file; nothing was changed, try again later
├── HistoryUnreadable    the file or its log is damaged; it has to be built again
├── SchemaDrift          the tables are not what this release says they are
├── FrameRefused         a whole load has the wrong columns or types; a programmer fixes it
└── SnapshotUnusable     a whole stock reading cannot be kept
"""

from __future__ import annotations


class HistoryError(Exception):
    """The history could not do what was asked; the message says what to do."""


class HistoryBusy(HistoryError):
    """Another process has the history file open. Nothing was changed; the next run tries again."""


class HistoryUnreadable(HistoryError):
    """The history file cannot be opened. It can be built again from ledger and stock files."""


class SchemaDrift(HistoryError):
    """The tables in the file differ from the models, or a later release wrote the file."""


class FrameRefused(HistoryError):
    """A load lacks a column, has one too many, or a whole column has the wrong type."""


class SnapshotUnusable(HistoryError):
    """A stock reading repeats a SKU, lacks a figure, or is older than the last one kept."""
