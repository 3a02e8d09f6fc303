"""One fork, made before any run, that says whether the template is fit to be forked from."""

from __future__ import annotations

import sys


def end_with_status() -> None:
    """End this process: with status 0 if forks are safe."""
    # Here only: whoever imports it is warmed, which takes seconds.
    from centra_whistl_dagster.launching.code_server import template  # noqa: PLC0415

    if template.THREADS != 1:
        sys.exit(f"The process that runs are to be forked from has {template.THREADS} threads.")
