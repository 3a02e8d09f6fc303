"""Numbered SQL files that bring a store up to date: what the ledger and the history share.

A package keeps them in its folder `migrations_sql/`. A released file is never edited: a later
change is a later file. Each store runs the files with its own SQL library and records their names
and checksums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources


class UnknownMigration(Exception):
    """A later release wrote the store, or a released migration was edited."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    name: str
    """Without `.sql`; the leading number gives the order."""
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations_in(package: str) -> tuple[Migration, ...]:
    """Return a package's migrations in order."""
    folder = resources.files(package).joinpath("migrations_sql")
    files = sorted((p for p in folder.iterdir() if p.name.endswith(".sql")), key=lambda p: p.name)
    return tuple(Migration(file.name.removesuffix(".sql"), file.read_text()) for file in files)


def pending(migrations: Iterable[Migration], applied: Mapping[str, str]) -> tuple[Migration, ...]:
    """Return the migrations that are still to be applied.

    Args:
        migrations: all that this release has.
        applied: checksums by name, as the store has noted them.

    Raises:
        UnknownMigration: one was applied that this release does not have in that form.
    """
    known = {migration.name: migration for migration in migrations}
    for name, checksum in applied.items():
        if name not in known:
            raise UnknownMigration(
                f"The database was written by a newer release (migration '{name}'). Run that "
                "release, or a later one."
            )
        if known[name].checksum != checksum:
            raise UnknownMigration(
                f"Migration '{name}' differs from the one that the database was written with. Run "
                "the release that wrote it."
            )
    return tuple(migration for name, migration in known.items() if name not in applied)
