"""The list of planted bugs fits the code, and a planted bug is noticed."""

from __future__ import annotations

import pytest

from centra_whistl_dagster_tests.mutants.planting import Bug, listed, plant
from centra_whistl_dagster_tests.mutants.sampling import FOLDERS, noticed_by
from centra_whistl_dagster_tests.mutants.scratch import Fate, scratch_copy

BUGS = listed()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_text_of_a_planted_bug_is_in_the_code_once_and_its_tests_exist(bug: Bug) -> None:
    assert bug.fault() is None


def test_the_list_is_long_enough_and_names_no_bug_twice() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30


def test_a_planted_bug_is_noticed_and_a_change_that_means_nothing_is_not() -> None:
    mapping = "domain/orders/service_mapping.py"
    tests = ("domain/orders/test_service_mapping.py",)
    bugs = [
        Bug(
            name="a mapping does not hold on its last day",
            file=mapping,
            old="on <= self.active_to",
            new="on < self.active_to",
            tests=tests,
        ),
        Bug(
            name="the same the other way round",
            file=mapping,
            old="on <= self.active_to",
            new="self.active_to >= on",
            tests=tests,
        ),
    ]
    with scratch_copy() as scratch:
        fates = [fate for _, fate in plant(scratch, bugs)]

    assert fates == [Fate.CAUGHT, Fate.SURVIVED]


def test_a_text_that_is_not_in_the_code_any_more_is_an_error_of_the_list() -> None:
    gone = Bug(name="gone", file="domain/london.py", old="Europe/Paris", new="x", tests=("ledger",))

    with scratch_copy() as scratch, pytest.raises(ValueError, match="stands 0 times"):
        next(plant(scratch, [gone]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_tests_that_must_notice_a_change(folder: str) -> None:
    assert noticed_by(f"{folder}/anything.py")
