"""The command that receives what Centra pushes."""

from centra_whistl_dagster.hooks.command import hooks

__all__ = ["hooks"]
