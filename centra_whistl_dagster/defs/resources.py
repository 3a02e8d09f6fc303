"""How a step or a sensor gets hold of the connection. Settings are read when it is opened."""

import os
from contextlib import AbstractContextManager

import dagster as dg

from centra_whistl_dagster.settings import Settings, load_settings
from centra_whistl_dagster.workflows.link import Link, open_link


class LinkResource(dg.ConfigurableResource):
    """Opens the connection to both systems and the ledger, set up by environment variables.

    It has no configuration of its own: Dagster would keep and show it, and it holds secrets.
    """

    def settings(self) -> Settings:
        """Return the settings as the environment has them now."""
        return load_settings(os.environ)

    def open(self) -> AbstractContextManager[Link]:
        """Open the connection for the length of a `with` block."""
        return open_link(self.settings())
