"""Teams with a real mail server and a real web hook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from centra_whistl_dagster.demo.inbox import Inbox


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running
