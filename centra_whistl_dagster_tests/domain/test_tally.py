"""The count of what became of the records a step read."""

from __future__ import annotations

from typing import Any, cast

import pytest

from centra_whistl_dagster.domain.tally import Failed, Fate, Skipped, Tally


def test_every_fate_is_counted_under_its_own_name_and_reason() -> None:
    tally = Tally(read=5)

    for fate in (Fate.WRITTEN, Fate.UNCHANGED, Skipped("held"), Skipped("held"), Failed("refused")):
        tally.add(fate)

    assert (tally.written, tally.unchanged) == (1, 1)
    assert (tally.skipped, tally.failed) == ({"held": 2}, {"refused": 1})
    assert tally.is_balanced


def test_a_record_without_a_fate_leaves_the_count_out_of_balance() -> None:
    tally = Tally(read=2)

    tally.add(Fate.WRITTEN)

    assert not tally.is_balanced


def test_many_records_of_one_fate_are_counted_at_once_and_none_leaves_no_reason_behind() -> None:
    tally = Tally(read=3)

    tally.add(Skipped("on one side only"), records=3)
    tally.add(Failed("refused"), records=0)

    assert (dict(tally.skipped), dict(tally.failed)) == ({"on one side only": 3}, {})
    assert tally.is_balanced


def test_fates_are_equal_when_kind_and_reason_are() -> None:
    assert Skipped("held") == Skipped("held")
    assert Skipped("held") not in (Failed("held"), Skipped("paused"), Fate.UNCHANGED)
    assert Fate.WRITTEN != Fate.UNCHANGED


def test_a_plain_word_is_not_taken_for_a_fate() -> None:
    with pytest.raises(TypeError, match="'written'"):
        Tally(read=1).add(cast("Any", "written"))
