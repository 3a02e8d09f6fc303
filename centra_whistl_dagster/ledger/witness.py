"""A small file beside the ledger that says how far the ledger had got, written before each effect.

A ledger that is older than its witness was restored, whoever did it and by whatever means. The file
is never part of a backup. Keep it where a restore of the ledger does not bring it back too.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from centra_whistl_dagster.domain.generations import Witness


class WitnessUnusable(Exception):
    """The file cannot be read or written; the text says which, and what to do."""


def read(path: Path) -> Witness | None:
    """Return what the file says; None when there is none.

    Raises:
        WitnessUnusable: it is there and cannot be read, or says nothing that can be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "cannot be read") from error
    return _parsed(path, text)


def note(path: Path, seen: Witness) -> None:
    """Write how far the ledger has got, on the disk when this returns; the file never goes back.

    Raises:
        WitnessUnusable: it cannot be read or written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            # Threads and processes write it at once, and the highest number counts.
            fcntl.flock(file, fcntl.LOCK_EX)
            kept = _parsed(path, file.read())
            effects = max(seen.effects, kept.effects if kept else 0)
            if kept == Witness(token=seen.token, effects=effects):
                return
            file.seek(0)
            # One length for every number, so that no cut-off leaves half of an older text behind.
            file.write(json.dumps({"token": seen.token, "effects": f"{effects:020d}"}) + "\n")
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, "cannot be written") from error


def _parsed(path: Path, text: str) -> Witness | None:
    if not text.strip():
        return None
    try:
        read = json.loads(text)
        return Witness(token=str(read["token"]), effects=int(read["effects"]))
    except (ValueError, TypeError, KeyError) as error:
        raise _unusable(path, "is damaged") from error


def _unusable(path: Path, what: str) -> WitnessUnusable:
    return WitnessUnusable(
        f"The ledger's witness {path} {what}. Nothing is sent without it. If it cannot be used any "
        "more, stop everything, delete it, run: centra-whistl restore --mark, and start again."
    )
