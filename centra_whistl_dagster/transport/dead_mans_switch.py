"""A sign of life to a service outside, which alerts people when no more signs come.

It tells the service nothing but that all is well, so there is nothing to retry: the next sign comes
a minute later.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from centra_whistl_dagster.transport.errors import NotSent, OutcomeUnknown, Refused
from centra_whistl_dagster.transport.wire import (
    BodyTooLarge,
    NoAnswer,
    Unreadable,
    Unsent,
    Wire,
    checked_base_url,
)

SYSTEM = "Dead man's switch"
_OPERATION = "sign_of_life"
_SECONDS = 10.0
_MOST_BYTES = 64 * 1024
_ADVICE = "Check DEAD_MANS_SWITCH_URL"


def send_sign_of_life(url: str, *, wire: Wire | None = None) -> None:
    """Request the service's address once.

    Args:
        url: as `checked_sign_url` takes it.
        wire: a connection to its host, in tests.

    Raises:
        NotSent, OutcomeUnknown, Refused: the service did not take it. None of them quotes the
            address, which is a secret.
    """
    address = checked_sign_url(url)
    wire = wire or Wire(_host_of(address))
    path = f"{address.path}?{address.query}" if address.query else address.path
    try:
        answer = wire.exchange(
            "GET",
            path,
            headers={},
            params=None,
            content=None,
            seconds=_SECONDS,
            most_bytes=_MOST_BYTES,
        )
    except Unsent as error:
        raise NotSent(
            system=SYSTEM, operation=_OPERATION, detail=str(error), advice=error.advice
        ) from error
    except (NoAnswer, Unreadable, BodyTooLarge) as error:
        raise OutcomeUnknown(
            system=SYSTEM, operation=_OPERATION, detail=str(error), advice=_ADVICE
        ) from error
    finally:
        wire.close()
    if not 200 <= answer.status < 300:
        raise Refused(
            system=SYSTEM,
            operation=_OPERATION,
            detail=f"answered with HTTP {answer.status}",
            advice=_ADVICE,
            status=answer.status,
        )


def checked_sign_url(url: str) -> SplitResult:
    """Return the parts of an address to send signs of life to.

    Raises:
        ValueError: naming what makes it unusable.
    """
    address = urlsplit(url)
    if address.fragment or not url.isprintable():
        raise ValueError("the address must be one line, without a fragment")
    checked_base_url(_host_of(address))
    return address


def _host_of(address: SplitResult) -> str:
    return f"{address.scheme}://{address.netloc}"
