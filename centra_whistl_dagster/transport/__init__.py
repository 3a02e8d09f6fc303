"""HTTP calls to the other systems, and the one tree of errors that can come of them.

    IntegrationError            a call to another system did not do what was asked
    ├── NotSent                 provably never left: no connection, DNS, TLS, no token
    ├── OutcomeUnknown          no usable answer: timeout, reset, 5xx, unreadable answer to a write
    ├── Throttled               provably not carried out: 429, or our share of the quota is used up
    ├── Refused                 the other system understood the request and refused it
    │   └── AccessDenied        it refused us, not the record: 401, 403, a missing permission
    └── ContractBroken          a read was answered, and the answer cannot be understood
        └── AnswerTooLarge      it holds more than that operation ever needs

Holds deadlines, retries by kind of call, pacing, redaction and the reading of JSON. The operations
of each system are in `centra` and `whistl`; what a failure means for an order is in `workflows`.
"""

from __future__ import annotations

from centra_whistl_dagster.transport.answers import LIST, ONE_RECORD, Answer, BodyLimits, Json
from centra_whistl_dagster.transport.authorization import Authorization, BearerToken
from centra_whistl_dagster.transport.calls import Transport
from centra_whistl_dagster.transport.counting import CallCounter, HourOfCalls
from centra_whistl_dagster.transport.errors import (
    AccessDenied,
    AnswerTooLarge,
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
from centra_whistl_dagster.transport.pacing import Lane, Pacer, Quota
from centra_whistl_dagster.transport.wire import Wire

__all__ = [
    "LIST",
    "ONE_RECORD",
    "AccessDenied",
    "Answer",
    "AnswerTooLarge",
    "Authorization",
    "BearerToken",
    "BodyLimits",
    "CallCounter",
    "CallKind",
    "ContractBroken",
    "HourOfCalls",
    "IntegrationError",
    "Json",
    "Judge",
    "Lane",
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
