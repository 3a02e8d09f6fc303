"""What a workflow works with: what is kept here, and both clients where it calls a system."""

from __future__ import annotations

import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from centra_whistl_dagster.centra.client import CentraClient
from centra_whistl_dagster.config_files.configuration import Configuration
from centra_whistl_dagster.ledger.engine import Lease, LeaseTaken, Ledger
from centra_whistl_dagster.settings import InstallationSettings, Settings
from centra_whistl_dagster.whistl.client import WhistlClient
from centra_whistl_dagster.workflows.api_calls import store_counts
from centra_whistl_dagster.workflows.quotas import use_known

_PATIENCE_SECONDS = 45
"""How long to wait for another process to finish what only one may do."""


def _name_of_this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is kept here: settings, configuration, ledger and clock. It calls no other system."""

    settings: InstallationSettings
    configuration: Configuration
    """What operators own, as it stood when this was opened."""
    ledger: Ledger
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Installation):
    """The connection between the two systems, as a workflow holds it."""

    settings: Settings
    centra: CentraClient
    whistl: WhistlClient
    sleep: Callable[[float], None]
    holder: str = field(default_factory=_name_of_this_process)
    """Under which name this process takes leases."""

    @contextmanager
    def alone(self, name: str, *, seconds: float) -> Iterator[Lease]:
        """Be the only process doing `name`, after waiting for another to end.

        Args:
            name: what only one may do.
            seconds: after which the right lapses if this process dies, or does not renew it.

        Raises:
            LeaseTaken: the other did not end in good time; nothing was changed.
        """
        with ExitStack() as stack:
            for second in range(_PATIENCE_SECONDS + 1):
                try:
                    lease = self.ledger.lease(name, holder=self.holder, seconds=seconds)
                    held = stack.enter_context(lease)
                    break
                except LeaseTaken:
                    if second == _PATIENCE_SECONDS:
                        raise
                    self.sleep(1.0)
            yield held


@contextmanager
def open_installation(
    settings: InstallationSettings, *, now: Callable[[], datetime]
) -> Iterator[Installation]:
    """Open what is kept here, without a secret of another system or the key of orders' contents.

    Raises:
        ConfigError: a file of the configuration folder is missing or wrong.
        LedgerUnavailable: the ledger's database cannot be used.
    """
    configuration = settings.load_configuration()
    settings.make_state_folder()
    ledger = Ledger(
        settings.ledger_url,
        now=now,
        responsibilities=configuration.exception_kinds,
        reads_contents=False,
    )
    with closing(ledger):
        yield Installation(settings=settings, configuration=configuration, ledger=ledger, now=now)


@contextmanager
def open_link(
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
    rng: random.Random | None = None,
) -> Iterator[Link]:
    """Connect to both systems and the ledger, and close all three at the end.

    Raises:
        ConfigError: a file of the configuration folder is missing or wrong.
    """
    dice = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
    configuration = settings.load_configuration()
    settings.make_state_folder()
    ledger = Ledger(
        settings.ledger_url,
        now=now,
        responsibilities=configuration.exception_kinds,
        keys=settings.ledger_keys,
    )
    stock_share = 1 - configuration.stock.cadence.reserved_for_orders
    centra = CentraClient(
        replace(settings.centra, stock_share=stock_share), now=now, sleep=sleep, rng=dice
    )
    whistl = WhistlClient(
        replace(settings.whistl, stock_share=stock_share), now=now, sleep=sleep, rng=dice
    )
    with closing(ledger), closing(centra), closing(whistl):
        use_known(centra, ledger)
        try:
            yield Link(
                settings=settings,
                configuration=configuration,
                centra=centra,
                whistl=whistl,
                ledger=ledger,
                now=now,
                sleep=sleep,
            )
        finally:
            store_counts(centra, whistl, ledger)
