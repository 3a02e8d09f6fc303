"""The command line: one file per group of commands, listed in `main`."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""The folder with `config/`, `docs/`, `dagster.yaml` and `.env`."""
