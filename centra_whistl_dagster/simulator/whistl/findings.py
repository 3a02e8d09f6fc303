"""What the examination of an order body finds, and how a field's text and characters are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FORBIDDEN = frozenset("~|<>")


@dataclass(slots=True)
class Findings:
    """Everything found in one order. `details` refuse it, `warnings` do not."""

    details: list[dict[str, str]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, code: str, where: str, message: str, value: object = None) -> None:
        """Add a reason to refuse the order."""
        detail = {"code": code, "field": where, "message": message}
        if value is not None:  # half a surrogate pair is valid JSON and no valid UTF-8
            detail["value"] = str(value).encode(errors="replace").decode()
        self.details.append(detail)

    def warn(self, code: str, where: str, message: str) -> None:
        """Add a remark that leaves the order accepted."""
        self.warnings.append({"code": code, "field": where, "message": message})


def text_of(holder: Mapping[str, object], name: str) -> str:
    """Return a field's text without the blanks around it; empty for anything else than text."""
    value = holder.get(name)
    return value.strip() if isinstance(value, str) else ""


def check_characters(value: str, where: str, findings: Findings) -> None:
    """Only printable Latin-1 fits the columns behind the API, where `~ | < >` are separators."""
    bad = next((c for c in value if ord(c) > 255 or not c.isprintable() or c in FORBIDDEN), None)
    if bad is not None:
        findings.refuse(
            "unsupported_character", where, f"U+{ord(bad):04X} cannot be carried", value
        )
