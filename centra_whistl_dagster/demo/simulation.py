"""Talk to the running simulators as their operator: open the shop, read the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from http.client import HTTPConnection
from typing import Any, cast

from centra_whistl_dagster.launching.dagster_processes import LOOPBACK
from centra_whistl_dagster.simulator.people.behaviour import Opening
from centra_whistl_dagster.simulator.truth.scoreboard import Truth

_TIMEOUT_SECONDS = 60
"""Long: on a busy machine a slow answer must not end the demo."""


class Simulation:
    """The `/_sim` side of a running simulator. Every call may raise OSError."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_up(self) -> bool:
        """Return whether it answers."""
        try:
            self.truth()
        except OSError:
            return False
        return True

    def truth(self, buffers: Mapping[str, int] | None = None) -> Truth:
        """Return what really happened so far, given the units the product holds back on purpose."""
        return cast(Truth, self._post("truth", {"buffers": dict(buffers or {})}))

    def open_shop(self, opening: Opening) -> None:
        """Let shoppers order: those of the opening at once, then others at random."""
        self._post("trading", {"on": True, "opening": asdict(opening)})

    def close_shop(self) -> None:
        """Take no more orders; the warehouse and customer service go on working."""
        self._post("trading", {"on": False})

    def report(self, order_numbers: Iterable[int]) -> None:
        """Let customer service know of bad orders, which it then corrects."""
        self._post("reported", {"orders": sorted(order_numbers)})

    def set_faults(self, *rules: Mapping[str, object]) -> None:
        """Let these things go wrong on the wire from now on, and no others."""
        self._post("faults", {"clear": True, "rules": list(rules)})

    def _post(self, what: str, body: Mapping[str, object]) -> Any:
        connection = HTTPConnection(LOOPBACK, self._port, timeout=_TIMEOUT_SECONDS)
        path = f"/_sim/{what}"
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            if response.status >= 400:
                raise OSError(f"POST {path}: {response.status} {text[:200]!r}")
            return json.loads(text)
        finally:
            connection.close()
