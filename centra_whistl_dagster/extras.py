"""Optional dependencies: which extra installs a package that is missing."""

from __future__ import annotations

from importlib.util import find_spec


class ExtraMissing(Exception):
    """A package of an optional extra is not installed; the message says how to install it."""


def require_extra(extra: str, package: str, *, needed_for: str) -> None:
    """Check that a package of an optional extra is installed.

    Args:
        extra: name of the extra in `pyproject.toml`.
        package: import name of the package.
        needed_for: what cannot be done without it, as the start of a sentence.

    Raises:
        ExtraMissing: it is not installed.
    """
    if find_spec(package) is None:
        raise ExtraMissing(
            f"{needed_for} needs the package {package}, which is not installed. "
            f"Install the extra '{extra}': pip install 'centra-whistl-dagster[{extra}]'"
        )
