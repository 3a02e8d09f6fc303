from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centra_whistl_dagster.domain.orders.skus import Alignment, Ignored, align, collisions, folded

catalogues = st.sets(st.text("aAbB01 -_", min_size=1, max_size=5), max_size=30)


@pytest.mark.parametrize(
    ("sku", "left"),
    [("TEE-BLK M", "teeblkm"), ("00123", "123"), ("000", "0"), ("0A-0", "a0"), ("--", "")],
)
def test_folding_drops_differences_that_a_picker_may_miss(sku: str, left: str) -> None:
    assert folded(sku) == left


def test_only_the_chosen_differences_are_dropped() -> None:
    assert collisions({"A-1", "a1"}, {Ignored.CASE}) == {}
    assert collisions({"A-1", "a1"}, {Ignored.CASE, Ignored.PUNCTUATION}) == {
        "A-1": ("a1",),
        "a1": ("A-1",),
    }


@given(catalogues)
def test_collisions_are_mutual_and_never_with_itself(skus: set[str]) -> None:
    found = collisions(skus)

    for sku, others in found.items():
        assert sku not in others
        assert all(sku in found[other] for other in others)
    alone = skus - found.keys()
    assert len({folded(sku) for sku in alone}) == len(alone)


@pytest.mark.parametrize(
    ("centra", "whistl", "alignment"),
    [
        ("A-1", "A-1", Alignment.SAME),
        ("a-1", "A-1", Alignment.CASE),
        ("A 1", "A1", Alignment.SPACES),
        ("A-1", "A1", Alignment.PUNCTUATION),
        ("01", "1", Alignment.LEADING_ZEROS),
        ("0a-1", "A1", Alignment.SEVERAL),
        ("A-1", "", Alignment.CENTRA_ONLY),
        ("", "A-1", Alignment.WHISTL_ONLY),
    ],
)
def test_each_difference_between_the_catalogues_has_a_name(
    centra: str, whistl: str, alignment: Alignment
) -> None:
    (row,) = align({centra} - {""}, {whistl} - {""})

    assert (row.centra_sku, row.whistl_sku, row.alignment) == (centra, whistl, alignment)


@given(catalogues, catalogues)
def test_every_sku_of_both_catalogues_is_in_the_comparison(
    centra: set[str], whistl: set[str]
) -> None:
    rows = align(centra, whistl)

    assert {row.centra_sku for row in rows} - {""} == centra
    assert {row.whistl_sku for row in rows} - {""} == whistl
