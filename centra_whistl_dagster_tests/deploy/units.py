"""The systemd units as their files say, with the drop-in that applies to all of them."""

from __future__ import annotations

import shlex
from pathlib import Path

PROJECT = Path(__file__).parents[2]
UNITS = PROJECT / "deploy" / "systemd"
HARDENING = UNITS / "centra-whistl-.service.d" / "hardening.conf"
SERVICES = ("code-server", "webserver", "daemon", "hooks", "desk")
INSTALLED = "/opt/centra-whistl"
STATE = "/var/lib/centra-whistl"


def path_of(service: str) -> Path:
    return UNITS / f"centra-whistl-{service}.service"


def settings_of(service: str) -> dict[str, list[str]]:
    """Return the values of each setting of a service, in the order in which systemd reads them."""
    found: dict[str, list[str]] = {}
    for file in (path_of(service), HARDENING):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, sign, value = line.partition("=")
            if sign and not line.startswith(("#", "[")):
                found.setdefault(name, []).append(value)
    return found


def command_of(service: str) -> list[str]:
    (command,) = settings_of(service)["ExecStart"]
    return shlex.split(command)


def environment_of(service: str) -> dict[str, str]:
    stated = [shlex.split(line) for line in settings_of(service).get("Environment", [])]
    return dict(pair.split("=", 1) for pairs in stated for pair in pairs)
