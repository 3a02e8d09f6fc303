"""SKUs: which ones Whistl accepts, which ones look alike, and how two catalogues differ.

Which characters Whistl accepts is an assumption: only the length is published (column `part` of the
dictionary published with Whistl-Fulfilment-South-West/TAFIE). SQL Server ignores letter case by
default, and a picker ignores more than that, so SKUs that differ only there get mixed up on a pick
list.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]*")


class Ignored(StrEnum):
    """Differences that a picker, a scanner or a database may not notice."""

    CASE = "case"
    SPACES = "spaces"
    PUNCTUATION = "punctuation"
    LEADING_ZEROS = "leading_zeros"


EVERYTHING = frozenset(Ignored)


def is_well_formed(sku: str, *, maximum_length: int) -> bool:
    """Say whether Whistl accepts a SKU. SKUs are compared and sent exactly as they are written."""
    return len(sku) <= maximum_length and _FORM.fullmatch(sku) is not None


def is_not_a_product(sku: str, patterns: Iterable[str]) -> bool:
    """Say whether a SKU is postage, a fee or a voucher, by patterns (`gift_*`), case ignored."""
    return any(fnmatchcase(sku.casefold(), pattern.casefold()) for pattern in patterns)


def folded(sku: str, ignoring: Collection[Ignored] = EVERYTHING) -> str:
    """Return what is left of a SKU once the ignored differences are dropped."""
    if Ignored.CASE in ignoring:
        sku = sku.casefold()
    if Ignored.SPACES in ignoring:
        sku = "".join(sku.split())
    if Ignored.PUNCTUATION in ignoring:
        sku = "".join(c for c in sku if c.isalnum() or c.isspace())
    if Ignored.LEADING_ZEROS in ignoring:
        sku = sku.lstrip("0") or sku[-1:]
    return sku


def collisions(
    skus: Iterable[str], ignoring: Collection[Ignored] = EVERYTHING
) -> dict[str, tuple[str, ...]]:
    """Return, for each SKU that is not alone in its folded form, the others, sorted.

    A SKU without a twin is not in the answer.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for sku in skus:
        groups[folded(sku, ignoring)].add(sku)
    return {
        sku: tuple(sorted(group - {sku}))
        for group in groups.values()
        if len(group) > 1
        for sku in group
    }


class Alignment(StrEnum):
    """Which of the two catalogues has a SKU, and how the two differ in it."""

    SAME = "same"
    CASE = "differs in letter case"
    SPACES = "differs in spaces"
    PUNCTUATION = "differs in punctuation"
    LEADING_ZEROS = "differs in leading zeros"
    SEVERAL = "differs in several of these"
    CENTRA_ONLY = "in Centra only"
    WHISTL_ONLY = "at Whistl only"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSku:
    """One row of the comparison; the side that does not have the SKU is blank."""

    centra_sku: str
    whistl_sku: str
    alignment: Alignment


def align(centra_skus: Collection[str], whistl_skus: Collection[str]) -> list[AlignedSku]:
    """Compare two catalogues: exactly, then with case, spaces, punctuation and zeros ignored.

    A SKU that both have exactly is `SAME`, whatever else looks like it. A SKU that only looks like
    one of the other side is paired with it and the difference named. The rest is on one side only.
    """
    centra, whistl = set(centra_skus), set(whistl_skus)
    rows = [
        AlignedSku(centra_sku=sku, whistl_sku=sku, alignment=Alignment.SAME)
        for sku in centra & whistl
    ]
    lookalikes = _by_folded(whistl - centra)
    paired: set[str] = set()
    for sku in sorted(centra - whistl):
        alike = lookalikes.get(folded(sku), ())
        paired.update(alike)
        rows += [
            AlignedSku(centra_sku=sku, whistl_sku=other, alignment=_difference(sku, other))
            for other in alike
        ] or [AlignedSku(centra_sku=sku, whistl_sku="", alignment=Alignment.CENTRA_ONLY)]
    rows += [
        AlignedSku(centra_sku="", whistl_sku=sku, alignment=Alignment.WHISTL_ONLY)
        for sku in whistl - centra - paired
    ]
    return sorted(rows, key=lambda row: (row.centra_sku or row.whistl_sku, row.whistl_sku))


def _by_folded(skus: Iterable[str]) -> Mapping[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for sku in sorted(skus):
        groups[folded(sku)].append(sku)
    return groups


def _difference(one: str, other: str) -> Alignment:
    for ignored in Ignored:
        if folded(one, {ignored}) == folded(other, {ignored}):
            return Alignment[ignored.name]
    return Alignment.SEVERAL
