"""Run `python -m centra_whistl_dagster.simulator`."""

from centra_whistl_dagster.simulator.command import simulate

simulate()
