"""One HTTP exchange, bounded in time and size. The only module that imports httpx.

Holds the connection pool, the deadline that a slow server cannot stretch, the size limit, and what
each failure leaves certain. Does not belong here: a second try (`calls`).
"""

from __future__ import annotations

import functools
import ipaddress
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

import httpcore
import httpx

_CONNECT_SECONDS = 10.0
_WRITE_BYTES = 16_384
_NETWORK_ADVICE = "Check the address, the network and whether the system is up"
_SETTINGS_ADVICE = (
    "Check the address and the token in the settings: a copied line break or a quotation mark is "
    "enough"
)

_exchange_ends_at: ContextVar[float] = ContextVar("exchange_ends_at")
"""When the exchange under way in this thread ends, on the monotonic clock."""


class Unsent(Exception):
    """No byte of the request reached the other system."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(detail)
        self.advice = advice


class NoAnswer(Exception):
    """The request may have arrived; no whole answer came."""


class Unreadable(Exception):
    """An answer came, and its encoding is broken."""


class BodyTooLarge(Exception):
    """An answer came, and more of it than the operation ever needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """A pool of connections to one base address."""

    def __init__(
        self,
        base_url: str,
        *,
        trust_env: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        mount: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare the pool; nothing is opened yet.

        Args:
            base_url: https, or http on loopback.
            trust_env: take a proxy and certificate files from the environment.
            monotonic: the clock of deadlines.
            mount: stands in for the network in tests.

        Raises:
            ValueError: the address is not one to send secrets to.
        """
        url = checked_base_url(base_url)
        self._monotonic = monotonic
        self._client = httpx.Client(
            base_url=url,
            transport=mount or _BoundedTransport(url, trust_env=trust_env, monotonic=monotonic),
            follow_redirects=False,
            trust_env=False,
            # What the standard library unpacks: others come and go with what is installed.
            headers={"User-Agent": "centra-whistl-dagster", "Accept-Encoding": "gzip"},
        )

    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str | int] | None,
        content: bytes | None,
        seconds: float,
        most_bytes: int,
    ) -> RawAnswer:
        """Send one request and read its answer to the end, all within `seconds`.

        Raises:
            Unsent, NoAnswer, Unreadable, BodyTooLarge: as their own docstrings say.
        """
        token = _exchange_ends_at.set(self._monotonic() + seconds)
        try:
            with self._client.stream(
                method,
                path,
                headers=dict(headers),
                params=params,
                content=content,
                timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
            ) as response:
                return RawAnswer(
                    status=response.status_code,
                    headers=dict(response.headers),
                    content=_body(response, most_bytes),
                )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
            # Not chained: the library quotes the header at fault, which may hold the token, and
            # bytes of an answer that it cannot read, which may hold personal data.
            raise _failure(error, seconds) from None
        finally:
            _exchange_ends_at.reset(token)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _body(response: httpx.Response, most_bytes: int) -> bytes:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > most_bytes:
            raise BodyTooLarge(f"the answer is larger than {most_bytes} bytes")
    return bytes(content)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the process's one TLS context: reading the certificates takes 0.04 CPU seconds."""
    return httpx.create_ssl_context(trust_env=False)


class _BoundedTransport(httpx.HTTPTransport):
    """httpx's transport over streams that stop at the end of the exchange.

    httpx's own timeouts bound each read: a server that sends a byte every half second keeps a call
    open for ever, in the headers as well as in the body.
    """

    def __init__(self, url: httpx.URL, *, trust_env: bool, monotonic: Callable[[], float]) -> None:
        context = httpx.create_ssl_context(trust_env=True) if trust_env else tls_context()
        super().__init__(verify=context)
        proxy = _proxy_for(url) if trust_env else None
        backend = _BoundedBackend(monotonic)
        if proxy is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=context, keepalive_expiry=5.0, network_backend=backend
            )
        else:
            self._pool = httpcore.HTTPProxy(
                proxy, ssl_context=context, keepalive_expiry=5.0, network_backend=backend
            )


class _BoundedBackend(httpcore.NetworkBackend):
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect as httpcore does, and bound what follows."""
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _BoundedStream(stream, self._monotonic)


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, monotonic: Callable[[], float]) -> None:
        self._inner = inner
        self._monotonic = monotonic

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes, no later than the end of the exchange."""
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes, piece by piece, no later than the end of the exchange."""
        for start in range(0, len(buffer), _WRITE_BYTES):
            left = self._left(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _WRITE_BYTES], left)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Use TLS from now on, still bounded."""
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(
            self._inner.start_tls(ssl_context, server_hostname, left), self._monotonic
        )

    def get_extra_info(self, info: str) -> object:
        """Answer what httpcore asks about the socket."""
        return self._inner.get_extra_info(info)

    def _left(self, timeout: float | None, too_late: type[Exception]) -> float:
        left = _exchange_ends_at.get() - self._monotonic()
        if left <= 0:
            raise too_late("the exchange ran out of time")
        return left if timeout is None else min(left, timeout)


def _failure(error: Exception, seconds: float) -> Unsent | NoAnswer | Unreadable:
    """Return what a failure leaves certain, in our own words."""
    match error:
        case httpx.DecodingError():
            return Unreadable("the answer's compression is broken")
        case httpx.ConnectError():
            # The operating system's words, such as "Connection refused".
            return Unsent(f"no connection could be made ({error})", _NETWORK_ADVICE)
        case httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
            return Unsent("no connection in time, or none through the proxy", _NETWORK_ADVICE)
        case httpx.TimeoutException():
            return NoAnswer(f"no whole answer within {seconds:.0f} s")
        case (
            httpx.LocalProtocolError()
            | httpx.UnsupportedProtocol()
            | httpx.InvalidURL()
            | UnicodeEncodeError()
        ):
            fault = "the address, the token or another header holds a character that HTTP forbids"
            return Unsent(fault, _SETTINGS_ADVICE)
        case _:
            return NoAnswer("the connection broke before the whole answer had come")


def checked_base_url(base_url: str) -> httpx.URL:
    """Return the base address of a system, ending in a slash.

    Raises:
        ValueError: naming what makes it unusable.
    """
    try:
        url = httpx.URL(base_url.rstrip("/") + "/")
    except httpx.InvalidURL:
        # Not quoted: where the address holds a password, the library may take it for the port.
        raise ValueError("the base address is not a valid URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("a base address must begin with https:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("a base address must not hold a user, password, query or fragment")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ValueError(f"{url.host} needs https: over http the token could be read on the way")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _proxy_for(url: httpx.URL) -> str | None:
    if urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)
