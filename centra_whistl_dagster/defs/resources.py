"""How a step or a sensor gets hold of the connection. Settings are read when it is opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from centra_whistl_dagster.config_files.reader import ConfigError
from centra_whistl_dagster.history.errors import HistoryError
from centra_whistl_dagster.ledger.engine import LeaseTaken
from centra_whistl_dagster.ledger.migrations import LedgerTooNew
from centra_whistl_dagster.settings import Settings, load_settings
from centra_whistl_dagster.transport import IntegrationError
from centra_whistl_dagster.workflows.connections import note_trouble
from centra_whistl_dagster.workflows.link import Link, open_link

_FOR_OPERATORS = (ConfigError, IntegrationError, LeaseTaken, LedgerTooNew, HistoryError)
"""Errors whose own words say what happened and who can mend it."""


class LinkResource(dg.ConfigurableResource):
    """Opens the connection to both systems and the ledger, set up by environment variables.

    It has no configuration of its own: Dagster would keep and show it, and it holds secrets.
    """

    def settings(self) -> Settings:
        """Return the settings as the environment has them now."""
        return load_settings(os.environ)

    @contextmanager
    def open(self) -> Iterator[Link]:
        """Open the connection for the length of a `with` block.

        Raises:
            Failure: something an operator can mend, in plain words. Not tried again by Dagster: the
                next tick does that.
        """
        try:
            with open_link(self.settings()) as link:
                try:
                    yield link
                except IntegrationError as error:
                    note_trouble(link, error)
                    raise
        except _FOR_OPERATORS as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None
