"""What can go wrong with the history, as one tree.

::

HistoryError
├── HistoryBusy          another process has the file; nothing was changed, try again later
├── HistoryUnreadable    the file or its log is damaged; it is built again
├── SchemaDrift          the tables are not what this release says they are
├── FrameRefused         a whole load has the wrong columns or types; a programmer mends it
└── SnapshotUnusable     a whole stock reading cannot be kept as it is
"""

from __future__ import annotations


class HistoryError(Exception):
    """The history could not do what was asked; the message says what to do, in plain words."""


class HistoryBusy(HistoryError):
    """Another process has the history file open. Nothing was changed; the next run tries again."""


class HistoryUnreadable(HistoryError):
    """The history file cannot be opened. It is built again from the ledger and the stock files."""


class SchemaDrift(HistoryError):
    """The tables in the file differ from the models, or a later release wrote the file."""


class FrameRefused(HistoryError):
    """A load misses a column, has one too many, or a whole column has the wrong type."""


class SnapshotUnusable(HistoryError):
    """A stock reading repeats a SKU, lacks a figure, or is older than the last one kept."""
