"""How a step or a sensor gets the connection. Settings are read when the connection is opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from centra_whistl_dagster.alerts.addresses import AlertAddresses
from centra_whistl_dagster.alerts.links import Links
from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.settings import (
    LedgerSettings,
    Settings,
    load_alert_addresses,
    load_ledger_settings,
    load_links,
    load_settings,
)
from centra_whistl_dagster.workflows.continuity import keep_alive
from centra_whistl_dagster.workflows.exceptions.step_failures import (
    FOR_OPERATORS,
    note_failure,
    note_success,
)
from centra_whistl_dagster.workflows.link import Link, open_link


class LinkResource(dg.ConfigurableResource):
    """Opens the connection to both systems and the ledger, set up by environment variables.

    It has no Dagster configuration: Dagster would store and show it, and the settings hold secrets.
    """

    def settings(self) -> Settings:
        """Return the settings as the environment has them now."""
        return load_settings(os.environ)

    def ledger_settings(self) -> LedgerSettings:
        """Return what opens the ledger, though other settings are missing or wrong."""
        return load_ledger_settings(os.environ)

    def alert_addresses(self) -> AlertAddresses:
        """Return where alerts go, though other settings are missing or wrong."""
        return load_alert_addresses(os.environ)

    def links(self) -> Links:
        """Return the pages that alerts link to, though other settings are missing or wrong."""
        return load_links(os.environ)

    def stock_policy(self) -> StockPolicy:
        """Return the operators' stock policy; the default one while theirs cannot be read.

        For what must load whatever the configuration is like: the sensors that report its faults
        are loaded together with it.
        """
        try:
            return self.settings().load_configuration().stock
        except ConfigError:
            return StockPolicy()

    @contextmanager
    def open(self, step: str) -> Iterator[Link]:
        """Open the connection for the length of a `with` block.

        Args:
            step: the asset, check, sensor or schedule that opens it. A step that fails as it failed
                before opens an exception, which ends when the same step succeeds.

        Raises:
            Failure: something an operator can fix, in plain words. Dagster does not retry it: the
                next tick does.
        """
        try:
            try:
                with open_link(self.settings()) as link:
                    keep_alive(link)
                    yield link
                    note_success(link.ledger, step)
            except Exception as error:
                self._note_failure(step, error)
                raise
        except FOR_OPERATORS as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None

    def _note_failure(self, step: str, error: Exception) -> None:
        try:
            settings = self.ledger_settings()
        except ConfigError:
            return  # then it is the error itself, and names what is wrong
        note_failure(settings, step, error)
