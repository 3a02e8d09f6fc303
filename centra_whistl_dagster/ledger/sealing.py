"""Encrypt the contents of orders: one key per order, itself encrypted with a key of the operator's.

The operator's key is never in the database, so a copy of the database reads nobody's name, and an
order whose own key is deleted can be read by nobody. AES-256-GCM throughout. Without an operator's
key, contents are stored in clear.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from centra_whistl_dagster.ledger.parts import parts
from centra_whistl_dagster.ledger.tables import order_keys

KEY_BYTES = 32
_NONCE_BYTES = 12
"""What AES-GCM is specified for. Drawn anew for each text."""
_SEALED = "sealed1:"
"""Before every encrypted text; text in clear is JSON and begins with a brace."""


class ContentsUnreadable(Exception):
    """Contents cannot be decrypted; the text says whose, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKeys:
    """The operator's keys. The former one only reads, until everything is under the current one."""

    current: bytes | None = field(default=None, repr=False)
    former: bytes | None = field(default=None, repr=False)

    def by_name(self) -> dict[str, bytes]:
        """Return the keys by the name that the database knows them by."""
        return {name_of(key): key for key in (self.former, self.current) if key is not None}


def name_of(key: bytes) -> str:
    """Return what tells one key from another, and cannot be turned back into it."""
    return hashlib.sha256(b"centra-whistl key name" + key).hexdigest()[:16]


def is_sealed(text: str) -> bool:
    """Say whether a stored text is encrypted."""
    return text.startswith(_SEALED)


def data_keys(
    connection: sa.Connection, keys: MasterKeys, centra_ids: Collection[str]
) -> dict[str, bytes]:
    """Return the keys of orders; an order that has none, or no longer, is absent.

    Raises:
        ContentsUnreadable: a key is under a master key that was not given, or is damaged.
    """
    found = {}
    known = keys.by_name()
    for part in parts(centra_ids):
        query = sa.select(order_keys).where(order_keys.c.centra_id.in_(part))
        for centra_id, sealed_by, sealed_key in connection.execute(query).tuples():
            if sealed_by not in known:
                raise ContentsUnreadable(_lacks(sealed_by))
            found[centra_id] = _open(known[sealed_by], sealed_key, centra_id, "key")
    return found


def seal(
    connection: sa.Connection, keys: MasterKeys, centra_id: str, column: str, text: str
) -> str:
    """Return a text of an order as it is stored: encrypted, or in clear without a master key."""
    if keys.current is None:
        return text
    data_key = data_keys(connection, keys, [centra_id]).get(centra_id)
    if data_key is None:
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        _store_key(connection, keys.current, centra_id, data_key, is_new=True)
    return _seal(data_key, text.encode(), centra_id, column)


def unseal(data_key: bytes | None, centra_id: str, column: str, stored: str) -> str | None:
    """Return a stored text of an order in clear; None where its key was deleted.

    Raises:
        ContentsUnreadable: it was damaged, or is another order's.
    """
    if not is_sealed(stored):
        return stored
    return None if data_key is None else _open(data_key, stored, centra_id, column).decode()


def rewrap_some(connection: sa.Connection, keys: MasterKeys, *, limit: int) -> int:
    """Encrypt orders' keys with the current master key that are under the former one."""
    if keys.current is None:
        return 0
    query = sa.select(order_keys.c.centra_id).where(order_keys.c.sealed_by != name_of(keys.current))
    ids = list(connection.execute(query.limit(limit)).scalars())
    for centra_id, data_key in data_keys(connection, keys, ids).items():
        _store_key(connection, keys.current, centra_id, data_key, is_new=False)
    return len(ids)


def check(connection: sa.Connection, keys: MasterKeys) -> None:
    """Check that every order can be read with these keys, before anything is done with it.

    Raises:
        ContentsUnreadable: some are under a key that was not given.
    """
    query = sa.select(order_keys.c.sealed_by).where(
        order_keys.c.sealed_by.not_in(list(keys.by_name()))
    )
    stranger = connection.execute(query.limit(1)).scalar_one_or_none()
    if stranger is not None:
        raise ContentsUnreadable(_lacks(stranger))


def _lacks(sealed_by: str) -> str:
    return (
        f"The ledger's order contents are encrypted with the key named {sealed_by}, which is not "
        "given. Set LEDGER_KEY (or LEDGER_KEY_FILE) to it; after a change of keys, "
        "LEDGER_FORMER_KEY until `centra-whistl encrypt` has run. Nothing was changed."
    )


def _store_key(
    connection: sa.Connection, master: bytes, centra_id: str, data_key: bytes, *, is_new: bool
) -> None:
    values = {"sealed_by": name_of(master), "sealed_key": _seal(master, data_key, centra_id, "key")}
    if is_new:
        connection.execute(sa.insert(order_keys).values(centra_id=centra_id, **values))
        return
    of_order = order_keys.c.centra_id == centra_id
    connection.execute(sa.update(order_keys).where(of_order).values(**values))


def _seal(key: bytes, content: bytes, centra_id: str, column: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, content, _place(centra_id, column))
    return _SEALED + base64.b64encode(nonce + sealed).decode()


def _open(key: bytes, stored: str, centra_id: str, column: str) -> bytes:
    try:
        raw = base64.b64decode(stored.removeprefix(_SEALED), validate=True)
        return AESGCM(key).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(centra_id, column)
        )
    except (InvalidTag, ValueError) as error:
        raise ContentsUnreadable(
            f"The stored contents of order {centra_id} were damaged or altered, and cannot be "
            "decrypted. Restore the ledger from a backup."
        ) from error


def _place(centra_id: str, column: str) -> bytes:
    """Bind a text to its place, so that one order's cannot be put in place of another's."""
    return f"{centra_id}/{column}".encode()
