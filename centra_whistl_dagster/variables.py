"""What the text of a variable may be: types, each with a sentence for whoever set it wrongly.

Does not belong here: which variables there are (`environment`).
"""

from __future__ import annotations

import base64
import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from centra_whistl_dagster.centra.graphql import PLANS
from centra_whistl_dagster.domain.desk_roles import Role
from centra_whistl_dagster.ledger.sealing import KEY_BYTES
from centra_whistl_dagster.transport.dead_mans_switch import checked_sign_url
from centra_whistl_dagster.transport.wire import checked_base_url

_POSTGRESQL = re.compile(
    r"postgresql(\+psycopg2)?://([^\s@]*@)?(\[[0-9a-f:.]+\]|[^\s/@:]*)(:\d+)?/\S+", re.IGNORECASE
)
_SHORTEST_SECRET = 24
_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of text")
    return text


def _yes_or_no(text: object) -> bool:
    if isinstance(text, bool):
        return text
    if str(text).lower() not in _YES_OR_NO:
        raise ValueError("yes or no")
    return _YES_OR_NO[str(text).lower()]


def _words(text: object) -> object:
    if not isinstance(text, str):
        return text
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _pairs(text: object) -> object:
    if not isinstance(text, str):
        return text
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and other.strip() for name, _, other in pairs):
        raise ValueError("pairs such as product_type=type, with commas between them")
    return {name.strip(): other.strip() for name, _, other in pairs}


def _zone(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/London or UTC") from None


def _address(text: str) -> str:
    try:
        checked_base_url(text)
    except ValueError as error:
        raise ValueError(f"the address of a system ({error})") from error
    return text


def _page(text: str) -> str:
    url = urlsplit(text)
    is_plain = url.scheme in {"http", "https"} and url.hostname and not (url.query or url.fragment)
    is_one_word = re.fullmatch(r"[!-?A-~]*", text)  # and without a user and password
    if text and not (is_plain and url.path in {"", "/"} and is_one_word):
        raise ValueError("an address without a path, such as https://desk.example.com")
    if not text:
        return text
    # As browsers write it in the header Origin, which the desk compares.
    is_usual = url.port in {None, {"http": 80, "https": 443}[url.scheme]}
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}" if is_usual else f"{url.scheme}://{host}:{url.port}"


def _order_page(text: str) -> str:
    if text and not (re.fullmatch(r"https://[!-~]+", text) and text.count("{number}") == 1):
        raise ValueError("an https address with {number} in place of the order's number")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError("the name of a header, such as X-Forwarded-User")
    return text


def _roles(roles: dict[str, str]) -> dict[str, str]:
    if set(roles.values()) - set(Role):
        raise ValueError(f"pairs such as ann@example.com=operator; the roles are {', '.join(Role)}")
    return roles


def _long(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise ValueError(f"{_SHORTEST_SECRET} characters or more, as from: openssl rand -hex 32")
    return secret


def _plan(text: str) -> str:
    if text not in PLANS:
        raise ValueError(f"one of {', '.join(PLANS)}")
    return text


def _memory(text: str) -> str:
    size = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT](i?B)?|%)", text, flags=re.IGNORECASE)
    if not size or not float(size[1]):
        raise ValueError("a number with a unit, such as 1GB or 800MB, or a share such as 50%")
    return text


def _secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]*", secret.get_secret_value()):
        raise ValueError(
            "printable ASCII characters without spaces (often a curly quote or a line break was "
            "copied with it)"
        )
    return secret


def _ledger_url(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    if not (url.startswith("sqlite:///") or _POSTGRESQL.fullmatch(url)):
        raise ValueError("sqlite:///path or postgresql://user:password@host/database")
    return secret


def _key(secret: SecretStr) -> SecretStr:
    try:
        length = len(base64.b64decode(secret.get_secret_value(), validate=True))
    except ValueError:  # binascii's is one; the text is no Base64
        length = -1
    if length not in {0, KEY_BYTES}:
        raise ValueError("32 random bytes in Base64, as from: openssl rand -base64 32")
    return secret


def _alert_address(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    if "://" not in url or not url.isprintable():
        raise ValueError("an address of apprise, such as mailtos://... or slack://...")
    return secret


def _sign_url(secret: SecretStr) -> SecretStr:
    try:
        checked_sign_url(secret.get_secret_value())
    except ValueError as error:
        raise ValueError(f"the address to send signs of life to ({error})") from None
    return secret


Text = Annotated[str, AfterValidator(_text)]
YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Words = Annotated[frozenset[str], BeforeValidator(_words)]
Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]
Address = Annotated[str, AfterValidator(_address)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1000)]
Days = Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Key = Annotated[SecretStr, AfterValidator(_key)]
LedgerUrl = Annotated[SecretStr, AfterValidator(_ledger_url)]
Memory = Annotated[str, AfterValidator(_memory)]
Plan = Annotated[str, AfterValidator(_plan)]
Zone = Annotated[ZoneInfo | None, BeforeValidator(_zone)]
PageAddress = Annotated[str, AfterValidator(_page)]
OrderPage = Annotated[str, AfterValidator(_order_page)]
Header = Annotated[str, AfterValidator(_header)]
Roles = Annotated[dict[str, str], BeforeValidator(_pairs), AfterValidator(_roles)]
ProxySecret = Annotated[SecretStr, AfterValidator(_secret), AfterValidator(_long)]
AlertAddress = Annotated[SecretStr, AfterValidator(_alert_address)]
SignUrl = Annotated[SecretStr, AfterValidator(_sign_url)]
