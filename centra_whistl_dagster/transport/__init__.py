"""How this project speaks HTTP, and the one tree of errors that can come of it.

    IntegrationError            a call to another system did not do what was asked
    ├── NotSent                 provably never left: refused, DNS, TLS, no token to send it with
    ├── OutcomeUnknown          no usable answer: timeout, reset, 5xx, unreadable answer to a write
    ├── Throttled               provably not carried out: 429, or our own share of the quota is used
    ├── Refused                 the other system understood, and says no
    │   └── AccessDenied        it says no to us, not to the record: 401, 403, a missing permission
    └── ContractBroken          a read was answered, and the answer cannot be understood

Belongs here: deadlines, retries by kind of call, pacing, redaction, reading of JSON. Does not
belong here: what either system's operations are called (`centra`, `whistl`) and what a failure
means for an order (`workflows`).
"""

from __future__ import annotations

from centra_whistl_dagster.transport.answers import Answer
from centra_whistl_dagster.transport.authorization import Authorization, BearerToken
from centra_whistl_dagster.transport.calls import Transport
from centra_whistl_dagster.transport.errors import (
    AccessDenied,
    ContractBroken,
    IntegrationError,
    NotSent,
    OutcomeUnknown,
    Reason,
    Refusal,
    Refused,
    Throttled,
)
from centra_whistl_dagster.transport.judgement import CallKind, Judge
from centra_whistl_dagster.transport.pacing import Pacer, Quota
from centra_whistl_dagster.transport.wire import Wire

__all__ = [
    "AccessDenied",
    "Answer",
    "Authorization",
    "BearerToken",
    "CallKind",
    "ContractBroken",
    "IntegrationError",
    "Judge",
    "NotSent",
    "OutcomeUnknown",
    "Pacer",
    "Quota",
    "Reason",
    "Refusal",
    "Refused",
    "Throttled",
    "Transport",
    "Wire",
]
