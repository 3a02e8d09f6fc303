"""Runs the receiver with nothing but the environment's settings: `.env` is not read."""

from centra_whistl_dagster.hooks.command import hooks

hooks()
