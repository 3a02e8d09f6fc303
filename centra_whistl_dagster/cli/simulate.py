"""The command that runs only the simulated Centra and Whistl."""

from __future__ import annotations

from centra_whistl_dagster.simulator.command import simulate

__all__ = ["simulate"]
