"""The files of `config/` that every run reads, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from centra_whistl_dagster.config_files.exceptions import load_responsibilities
from centra_whistl_dagster.config_files.policy import load_policy
from centra_whistl_dagster.config_files.reader import read_text
from centra_whistl_dagster.config_files.shipping_services import load_service_mapping
from centra_whistl_dagster.domain.exceptions.problems import ExceptionKind
from centra_whistl_dagster.domain.exceptions.responsibilities import Responsibility
from centra_whistl_dagster.domain.orders.after_sending_policy import AfterSendingPolicy
from centra_whistl_dagster.domain.orders.despatches import DespatchPolicy
from centra_whistl_dagster.domain.orders.screening_policy import ScreeningPolicy
from centra_whistl_dagster.domain.orders.service_mapping import ServiceMapping
from centra_whistl_dagster.domain.service_targets import ServiceTargets
from centra_whistl_dagster.domain.stock.policy import StockPolicy
from centra_whistl_dagster.domain.volume import VolumePolicy

MAPPING_FILE = "shipping_services.csv"
EXCEPTIONS_FILE = "exceptions.toml"
POLICY_FILE = "policy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What operators own, as one value."""

    services: ServiceMapping
    exception_kinds: Mapping[ExceptionKind, Responsibility]
    screening: ScreeningPolicy
    after_sending: AfterSendingPolicy
    despatches: DespatchPolicy
    service_targets: ServiceTargets
    volume: VolumePolicy
    stock: StockPolicy
    fingerprint: str
    """Of everything in these files that a screening verdict depends on."""


def load_configuration(folder: Path) -> Configuration:
    """Read the files as they are now.

    Raises:
        ConfigError: a file is missing, or has faults; all faults of that file are listed.
    """
    return _parsed(
        read_text(folder / MAPPING_FILE),
        read_text(folder / EXCEPTIONS_FILE),
        read_text(folder / POLICY_FILE),
    )


@lru_cache(maxsize=1)  # sensors open a connection every few seconds, and the files seldom change
def _parsed(mapping: str, exceptions: str, policy_text: str) -> Configuration:
    policy = load_policy(policy_text, POLICY_FILE)
    return Configuration(
        services=load_service_mapping(mapping, MAPPING_FILE),
        exception_kinds=load_responsibilities(exceptions, EXCEPTIONS_FILE),
        screening=policy.screening,
        after_sending=policy.after_sending,
        despatches=policy.despatches,
        service_targets=policy.service_targets,
        volume=policy.volume,
        stock=policy.stock,
        fingerprint=sha256((mapping + policy_text).encode()).hexdigest(),
    )
