"""Talk to the running simulators as their operator: open the shop, read the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any

from centra_whistl_dagster.launching.dagster_processes import LOOPBACK


class Simulation:
    """The `/_sim` side of a running simulator."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_up(self) -> bool:
        """Say whether it answers."""
        try:
            self.truth()
        except OSError:
            return False
        return True

    def truth(self, buffers: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Return what really happened so far, given what the product holds back on purpose."""
        return self._call("POST", "/_sim/truth", {"buffers": dict(buffers or {})})

    def trade(self, *, on: bool) -> None:
        """Open or close the shop. Closed, the warehouse and customer service go on working."""
        self._call("POST", "/_sim/trading", {"on": on})

    def set_faults(self, *rules: dict[str, Any]) -> None:
        """Let these things go wrong on the wire from now on, and no others."""
        self._call("POST", "/_sim/faults", {"clear": True, "rules": list(rules)})

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        connection = HTTPConnection(LOOPBACK, self._port, timeout=10)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            if response.status >= 400:
                raise OSError(f"{method} {path}: {response.status} {text[:200]!r}")
            answer: dict[str, Any] = json.loads(text)
            return answer
        finally:
            connection.close()
