"""Exceptions about the stock of single SKUs: oversold, not listed by Whistl, refused by Centra."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import replace

import numpy as np

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.ledger.rows import StockIntent
from centra_whistl_dagster.ledger.states import WriteOutcome
from centra_whistl_dagster.workflows.stock.reconciliation import Reconciliation
from centra_whistl_dagster.workflows.stock.writing import WriteAnswer

_WRITE_KINDS = (ExceptionKind.STOCK_WRITE_NOT_TAKEN, ExceptionKind.STOCK_WRITE_REFUSED)
_NOTHING_NEW = frozenset({WriteOutcome.NOT_SENT, WriteOutcome.UNKNOWN})
"""Of a quantity that may not have reached Centra, nothing new is known."""


def update_write_exceptions(tx: Transaction, intent: StockIntent, answer: WriteAnswer) -> None:
    """Raise or resolve the exceptions about one quantity, by what came of writing it."""
    if answer.outcome in _NOTHING_NEW:
        return
    problems = _write_problems(intent, answer, intent.sku)
    exceptions.set_for_subject(tx, SubjectType.SKU, intent.sku, _WRITE_KINDS, problems)


def update_shared_write_exceptions(
    tx: Transaction, intent: StockIntent, answer: WriteAnswer
) -> None:
    """Raise or resolve the exceptions about one of the sizes that share a SKU."""
    if answer.outcome in _NOTHING_NEW:
        return
    size_id = intent.product_size_id
    problems = [
        replace(problem, field=_quantity_of(size_id), contents=f"{problem.contents} {size_id}")
        for problem in _write_problems(intent, answer, f"{intent.sku} (size {size_id})")
    ]
    raised = {problem.kind for problem in problems}
    resolve_shared_write(tx, intent.sku, size_id, except_kinds=raised)
    exceptions.open_or_refresh(tx, problems)


def resolve_shared_write(
    tx: Transaction, sku: str, size_id: int, *, except_kinds: Set[ExceptionKind] = frozenset()
) -> None:
    """Resolve the exceptions about one of the sizes that share a SKU: nothing of it is for sale."""
    kinds = set(_WRITE_KINDS) - except_kinds
    exceptions.resolve(tx, SubjectType.SKU, sku, kinds, field=_quantity_of(size_id))


def resolve_writes_of_former_sizes(tx: Transaction, sizes: Mapping[str, Collection[int]]) -> None:
    """Resolve the exceptions about sizes that do not have a shared SKU any more.

    Nothing else would: as long as others share the SKU, only their quantities are written.

    Args:
        tx: the transaction.
        sizes: by shared SKU, all sizes that have it now.
    """
    for kind in _WRITE_KINDS:
        for sku in exceptions.open_subjects(tx, kind) & sizes.keys():
            current = {_quantity_of(size_id) for size_id in sizes[sku]}
            rows = exceptions.open_about(tx, SubjectType.SKU, sku)
            over = [row.id for row in rows if row.kind is kind and row.field not in current]
            exceptions.resolve_ids(tx, over)


def _quantity_of(size_id: int) -> str:
    return f"quantity of size {size_id}"


def _write_problems(intent: StockIntent, answer: WriteAnswer, name: str) -> list[Problem]:
    sku, wanted, problems = intent.sku, intent.to_quantity, []
    if answer.outcome is WriteOutcome.NOT_TAKEN:
        shows = "no stock of it" if answer.shown is None else answer.shown
        message = f"Centra was given {wanted} of {name} and shows {shows}."
        problems.append(_about_sku(ExceptionKind.STOCK_WRITE_NOT_TAKEN, sku, wanted, message))
    elif answer.outcome is WriteOutcome.REFUSED:
        message = f"Centra would not take {wanted} of {name}: {answer.reason}"
        problems.append(_about_sku(ExceptionKind.STOCK_WRITE_REFUSED, sku, wanted, message))
    return problems


def update_oversold(tx: Transaction, reconciliation: Reconciliation) -> None:
    """Raise an exception about each SKU of which more is sold than exists; resolve the others."""
    oversold = reconciliation.oversold
    problems = [
        _about_sku(
            ExceptionKind.OVERSOLD,
            sku,
            units,
            f"{units} more of {sku} are sold in Centra than the warehouse has.",
        )
        for sku, units in oversold.items()
    ]
    _resolve_others(tx, reconciliation, ExceptionKind.OVERSOLD, oversold.keys())
    exceptions.open_or_refresh(tx, problems)


def update_absent_selling(tx: Transaction, reconciliation: Reconciliation) -> None:
    """Raise an exception about each SKU that the shop sells and that Whistl does not list."""
    catalogue = reconciliation.catalogue
    waiting = catalogue.steps.ours.in_flight
    where = np.flatnonzero(catalogue.in_centra & ~catalogue.in_whistl & (waiting > 0)).tolist()
    problems = [
        _about_sku(
            ExceptionKind.ABSENT_SKU_SELLS,
            sku := reconciliation.skus[at],
            int(waiting[at]),
            f"{int(waiting[at])} of {sku} are sold in Centra, and Whistl's stock does not list it.",
        )
        for at in where
    ]
    kind, selling = ExceptionKind.ABSENT_SKU_SELLS, {problem.subject for problem in problems}
    read = set(reconciliation.skus)
    not_covered = exceptions.unended_subjects(tx, kind) - read
    kept = set() if reconciliation.is_whole else not_covered
    exceptions.resolve_kind(tx, kind, except_subjects=selling | kept)
    exceptions.open_or_refresh(tx, problems)


def resolve_agreeing(tx: Transaction, reconciliation: Reconciliation) -> None:
    """Resolve exceptions about earlier writes to SKUs of which Centra needs no other figure.

    Nothing is written to a SKU that only one side has. One that several sizes share is written size
    by size (`workflows.stock.twins`).
    """
    catalogue = reconciliation.catalogue
    is_on_both_sides = catalogue.in_whistl & catalogue.in_centra
    differing = np.flatnonzero((catalogue.steps.change != 0) & is_on_both_sides).tolist()
    skus = {reconciliation.skus[at] for at in differing}
    skus |= exceptions.unended_subjects(tx, ExceptionKind.SKU_ON_SEVERAL_SIZES)
    for kind in _WRITE_KINDS:
        _resolve_others(tx, reconciliation, kind, skus, is_one_side_enough=True)


def _resolve_others(
    tx: Transaction,
    reconciliation: Reconciliation,
    kind: ExceptionKind,
    skus: Set[str],
    *,
    is_one_side_enough: bool = False,
) -> None:
    """Resolve a kind for every SKU but these, and but those that this sync did not cover.

    A SKU is covered when it was read from both systems, or, where `is_one_side_enough`, from one;
    but not where its level in Centra is that of an earlier reading. One that neither has any more
    is over.
    """
    waiting = exceptions.unended_subjects(tx, kind)
    if not waiting:
        return
    catalogue = reconciliation.catalogue
    is_covered = (catalogue.in_whistl & catalogue.in_centra) | is_one_side_enough
    listed = dict(zip(reconciliation.skus, is_covered.tolist(), strict=True))
    not_covered = {sku for sku in waiting if not listed.get(sku, reconciliation.is_whole)}
    not_covered |= waiting & reconciliation.not_read
    exceptions.resolve_kind(tx, kind, except_subjects=skus | not_covered)


def _about_sku(kind: ExceptionKind, sku: str, quantity: int, message: str) -> Problem:
    return Problem(
        kind=kind,
        subject_type=SubjectType.SKU,
        subject=sku,
        field="quantity",
        value=str(quantity),
        message=message,
        # The quantity changes with every sale.
        contents=f"{kind}: {sku}",
    )
