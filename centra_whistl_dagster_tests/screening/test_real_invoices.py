"""Real invoices as orders: what is wrong with their codes is found, and nothing else is blocked.

The data is the UCI "Online Retail" set, half a year of a UK gift shop; it is not part of this
repository, so the tests are skipped where it is not at hand.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from centra_whistl_dagster.domain.orders.order import OrderLine
from centra_whistl_dagster.domain.orders.whistl_catalogue import WhistlProduct
from centra_whistl_dagster.screening.screen import Blocked, ScreeningResult, screen

if TYPE_CHECKING:
    from centra_whistl_dagster_tests.screening.conftest import Desk, MakeDesk

FILE = "online_retail_2010-12_2011-06.parquet"
DATA = Path(os.environ.get("ONLINE_RETAIL_DIR", Path(__file__).parents[3] / "shared" / "data"))

NOT_PRODUCTS = {"POST", "DOT", "M", "m", "C2", "S", "D", "BANK CHARGES", "AMAZONFEE"}
"""The data set's own codes for postage, manual entries, carriage, samples, discounts and fees."""

pytestmark = pytest.mark.skipif(
    not (DATA / FILE).exists(), reason=f"{FILE} is not in {DATA} (ONLINE_RETAIL_DIR)"
)


@pytest.fixture(scope="module")
def invoices() -> pd.DataFrame:
    frame = pd.read_parquet(
        DATA / FILE, columns=["InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    )
    is_sale = ~frame["InvoiceNo"].str.startswith("C") & (frame["Quantity"] > 0)
    return frame[is_sale & (frame["UnitPrice"] >= 0)].astype({"StockCode": str})


@pytest.fixture(scope="module")
def screened(invoices: pd.DataFrame, desk: Desk, make_desk: MakeDesk) -> ScreeningResult:
    """Every invoice as an order to York, against a Whistl that knows every code."""
    codes = frozenset(invoices["StockCode"])
    products = tuple(WhistlProduct(sku=code, unit_weight_kg=Decimal("0.1")) for code in codes)
    shop = make_desk(products, codes)
    orders = [
        shop.order(
            number=int(str(number)),
            lines=tuple(
                OrderLine(line_id=n, sku=sku, quantity=int(q), unit_price=Decimal(f"{price:.2f}"))
                for n, (sku, q, price) in enumerate(
                    zip(lines["StockCode"], lines["Quantity"], lines["UnitPrice"], strict=True)
                )
            ),
        )
        for number, lines in invoices.groupby("InvoiceNo", sort=False)
    ]
    return screen(orders, shop.reference)


def is_charge(code: str) -> bool:
    return code in NOT_PRODUCTS or code.startswith("gift_")


def test_the_codes_that_differ_by_letter_case_alone_are_found(
    invoices: pd.DataFrame, screened: ScreeningResult
) -> None:
    codes = invoices["StockCode"].drop_duplicates()
    of_one_spelling = codes.groupby(codes.str.upper()).transform("size")
    expected = {code for code in codes[of_one_spelling > 1] if not is_charge(code)}

    cases = screened.failure_cases
    found = set(cases.loc[cases["kind"] == "sku_collision", "subject"])

    assert {"85123A", "85123a"} <= found
    assert found - NOT_PRODUCTS == expected
    assert len(expected) > 170


def test_postage_fees_and_vouchers_are_found(
    invoices: pd.DataFrame, screened: ScreeningResult
) -> None:
    cases = screened.failure_cases

    found = set(cases.loc[cases["kind"] == "sku_not_a_product", "subject"])

    assert found == {code for code in set(invoices["StockCode"]) if is_charge(code)}
    assert {"POST", "BANK CHARGES", "C2"} <= found


def test_nothing_else_is_blocked(invoices: pd.DataFrame, screened: ScreeningResult) -> None:
    codes = invoices["StockCode"]
    distinct = codes.drop_duplicates()
    twins = set(distinct[distinct.groupby(distinct.str.upper()).transform("size") > 1])
    is_at_fault = codes.map(is_charge) | codes.isin(twins)
    size = invoices.groupby("InvoiceNo")["StockCode"].size()
    expected = set(invoices.loc[is_at_fault, "InvoiceNo"]) | set(size[size > 200].index)

    blocked = {str(v.order.number) for v in screened.verdicts if isinstance(v, Blocked)}

    assert blocked == expected
    assert len(screened.verdicts) == invoices["InvoiceNo"].nunique()
