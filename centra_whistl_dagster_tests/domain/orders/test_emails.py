from __future__ import annotations

import pytest

from centra_whistl_dagster.domain.orders.emails import is_email


@pytest.mark.parametrize(
    "text",
    ["a@b.co", "ada.o'brien+shop@mail.example.com", "a@xn--bcher-kva.xn--p1ai", f"{'a' * 64}@b.co"],
)
def test_valid_email_addresses_are_accepted(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@b.co",
        "a@b",
        "a@@b.co",
        "a b@c.co",
        ".a@b.co",
        "a..b@c.co",
        "a@-b.co",
        "a@b..co",
        "a|b@c.co",
        "a@b.co\n",
        f"{'a' * 65}@b.co",
        f"a@{'b' * 250}.com",
        "ad\xe9@b.co",
    ],
)
def test_invalid_email_addresses_are_refused(text: str) -> None:
    assert not is_email(text)
