"""The silent damage done by the older importer behind Whistl, when switched on.

Whistl's published importer cuts texts at its columns' width, joins address lines with `~`, deletes
line feeds and chooses a service where none is given.
"""

from __future__ import annotations

from collections.abc import Mapping

from centra_whistl_dagster.domain.orders.whistl_catalogue import ServiceCode, WhistlService
from centra_whistl_dagster.simulator.whistl.findings import text_of

PHONE_COLUMN = 12
EMAIL_COLUMN = 35
ADDRESS_COLUMN = 35

_CUT = frozenset({"too_long", "unsupported_character", "invalid_phone", "invalid_email"})


def is_prevented_by_cutting(detail: Mapping[str, str]) -> bool:
    """Return whether the importer would take a fault of the address and damage it instead."""
    return detail["field"].startswith("delivery_address.") and detail["code"] in _CUT


def cut_silently(address: Mapping[str, object]) -> dict[str, object]:
    """Return the address as the importer's columns hold it."""
    whole = {name: _joined(value) for name, value in address.items()}
    later = [text_of(whole, name) for name in ("line2", "line3", "line4")]
    return {
        **{name: value for name, value in whole.items() if name not in {"line3", "line4"}},
        "line1": text_of(whole, "line1")[:ADDRESS_COLUMN],
        "line2": "~".join(filter(None, later))[:ADDRESS_COLUMN],
        "phone": text_of(whole, "phone")[:PHONE_COLUMN],
        "email": text_of(whole, "email")[:EMAIL_COLUMN],
    }


def chosen_service(
    body: Mapping[str, object], services: Mapping[ServiceCode, WhistlService]
) -> dict[str, str]:
    """Return the service asked for or, where half of the pair is missing, the first active one."""
    asked = body.get("service")
    asked = asked if isinstance(asked, Mapping) else {}
    code = ServiceCode(text_of(asked, "carrier_code"), text_of(asked, "delivery_method"))
    if code not in services:
        code = min(code for code, service in services.items() if service.is_active)
    return {"carrier_code": code.carrier_code, "delivery_method": code.delivery_method}


def _joined(value: object) -> object:
    """Line feeds are deleted, not replaced by a blank: two words become one."""
    return value.replace("\r", "").replace("\n", "") if isinstance(value, str) else value
