"""Permissions that a system has refused us: what needs one is not sent again with the same token.

A refusal is final for one kind of call only: a token that may not write stock still ships. It ends
when the token is another one, or when a person says that the permission was granted.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum

from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind, Problem, SubjectType
from centra_whistl_dagster.ledger import exceptions, state
from centra_whistl_dagster.ledger.engine import Transaction
from centra_whistl_dagster.settings import Settings
from centra_whistl_dagster.transport import AccessDenied
from centra_whistl_dagster.workflows.link import Link

_PERMISSION_CODES = frozenset({"missing_permission", "authorization", "insufficient_scope"})
"""Codes of a refusal that is about a permission, and not about the token as a whole."""


class CallGroup(StrEnum):
    """Calls that need one permission, so that a refusal of one is a refusal of all.

    The values name exceptions and are stored in the ledger.
    """

    SHIPMENTS = "shipments in Centra"
    LOCKS = "locks of orders in Centra"
    STOCK = "stock levels in Centra"
    EVENTS = "events of Centra"


_PAUSED = {
    CallGroup.SHIPMENTS: "shipments sent to Centra",
    CallGroup.LOCKS: "locks of orders in Centra",
    CallGroup.STOCK: "stock levels sent to Centra",
    CallGroup.EVENTS: "readings of Centra's events",
}


def is_permitted(tx: Transaction, settings: Settings, group: CallGroup) -> bool:
    """Say whether a kind of call may be tried with the token of today."""
    refused = state.read(tx, _name(group))
    return not refused or json.loads(refused)["token"] != _fingerprint(settings)


def refused_groups(tx: Transaction) -> list[CallGroup]:
    """Return the kinds of call that were refused and not allowed again since, whatever the token.

    For who has no token to compare. A new one ends a refusal within minutes.
    """
    return [group for group in CallGroup if state.read(tx, _name(group))]


def is_about_permission(error: AccessDenied) -> bool:
    """Say whether a refusal is about a permission; an expired token refuses every call alike."""
    return any(reason.code in _PERMISSION_CODES for reason in error.reasons)


def note_refused(link: Link, group: CallGroup, error: AccessDenied) -> bool:
    """Stop a kind of call until the token changes, and alert its owner.

    Returns:
        whether it was stopped; False where the refusal is not about a permission.
    """
    if not is_about_permission(error):
        return False
    permission = " ".join(sorted({reason.field for reason in error.reasons if reason.field}))
    refused = {"token": _fingerprint(link.settings), "permission": permission}
    with link.ledger.transaction() as tx:
        state.set_to(tx, _name(group), json.dumps(refused))
        exceptions.open_or_refresh(tx, [_problem(group, error, permission)])
    return True


def note_permitted(tx: Transaction, group: CallGroup) -> None:
    """Remember that a kind of call went through; writes only where it had been refused."""
    if state.read(tx, _name(group)):
        allow_again(tx, group)


def allow_again(tx: Transaction, group: CallGroup) -> None:
    """Let a kind of call be tried again with the same token: somebody granted the permission."""
    state.set_to(tx, _name(group), "")
    exceptions.resolve(tx, SubjectType.CONNECTION, group.value, [ExceptionKind.CREDENTIALS_REFUSED])


def end_refusals_of_former_tokens(link: Link) -> None:
    """Close what was opened about tokens that were replaced since, though no call was due yet."""
    with link.ledger.reading() as tx:
        replaced = [
            group
            for group in CallGroup
            if state.read(tx, _name(group)) and is_permitted(tx, link.settings, group)
        ]
    if replaced:
        with link.ledger.transaction() as tx:
            for group in replaced:
                allow_again(tx, group)


def _name(group: CallGroup) -> str:
    return f"refused/{group.value}"


def _fingerprint(settings: Settings) -> str:
    """Return what tells one token from another, and cannot be turned back into it."""
    return hashlib.sha256(settings.centra.token.encode()).hexdigest()[:16]


def _problem(group: CallGroup, error: AccessDenied, permission: str) -> Problem:
    lacking = f"the permission {permission}" if permission else "a permission"
    return Problem(
        kind=ExceptionKind.CREDENTIALS_REFUSED,
        subject_type=SubjectType.CONNECTION,
        subject=group.value,
        field="permission",
        value=permission,
        message=(
            f"The {error.system} token lacks {lacking}: {_PAUSED[group]} are paused until the "
            f"permission is granted or the token replaced. {error.advice}".strip()
        ),
    )
