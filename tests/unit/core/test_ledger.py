"""Every event of money is one journal that sums to zero."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import D, a_fill, a_spot_instrument, an_instrument

from tradingboost.core.errors import BrokenInvariant
from tradingboost.core.instrument import Instrument
from tradingboost.core.ledger import Bucket, Entry, balanced, external_journal, fill_journal, funding_journal
from tradingboost.core.order import Fill, Side

money = st.decimals("-1000000", "1000000", places=8)
amounts = st.decimals("0.00000001", "1000", places=8)


def by_place(entries: tuple[Entry, ...]) -> dict[tuple[str, Bucket], Decimal]:
    return {(entry.asset, entry.bucket): entry.amount for entry in entries}


def sums(entries: tuple[Entry, ...]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for entry in entries:
        totals[entry.asset] = totals.get(entry.asset, Decimal(0)) + entry.amount
    return totals


fills = st.builds(
    lambda side, qty, price, fee, currency: a_fill(side=side, qty=qty, price=price, fee=fee, fee_currency=currency),
    st.sampled_from(Side),
    amounts,
    amounts,
    money,
    st.sampled_from(["USDT", "BTC", "OKB"]),
)


@given(st.sampled_from([a_spot_instrument(), an_instrument()]), fills, money)
def test_the_journal_of_a_fill_sums_to_zero_with_one_row_a_bucket(
    instrument: Instrument, fill: Fill, realized: Decimal
) -> None:
    entries = fill_journal(instrument, fill, realized)
    assert not any(sums(entries).values())
    assert len(by_place(entries)) == len(entries)
    assert all(entry.amount for entry in entries)


def test_a_swap_moves_only_what_was_realised_and_the_fee() -> None:
    entries = by_place(fill_journal(an_instrument(), a_fill(fee=D("-2.5")), D(75)))
    assert entries == {
        ("USDT", Bucket.CASH): D("72.5"),
        ("USDT", Bucket.REALIZED): D(-75),
        ("USDT", Bucket.FEE): D("2.5"),
    }


def test_an_opening_fill_without_a_fee_moves_nothing() -> None:
    assert fill_journal(an_instrument(), a_fill(fee=D(0)), D(0)) == ()


def test_a_rebate_is_not_a_negative_fee() -> None:
    entries = by_place(fill_journal(an_instrument(), a_fill(fee=D("0.4")), D(0)))
    assert entries == {("USDT", Bucket.CASH): D("0.4"), ("USDT", Bucket.REBATE): D("-0.4")}


def test_buying_coins_moves_both_assets_and_pays_the_fee_in_coins() -> None:
    fill = a_fill(qty=D("0.5"), price=D(50_000), fee=D("-0.0005"), fee_currency="BTC")
    entries = by_place(fill_journal(a_spot_instrument(), fill, D(0)))
    assert entries == {
        ("USDT", Bucket.CASH): D(-25_000),
        ("USDT", Bucket.POSITION_COST): D(25_000),
        ("BTC", Bucket.CASH): D("0.4995"),
        ("BTC", Bucket.POSITION_COST): D("-0.5"),
        ("BTC", Bucket.FEE): D("0.0005"),
    }


def test_selling_coins_is_buying_them_backwards() -> None:
    buy, sell = (
        by_place(fill_journal(a_spot_instrument(), a_fill(side=side, fee=D(0)), D(0))) for side in (Side.BUY, Side.SELL)
    )
    assert sell == {place: -amount for place, amount in buy.items()}


@given(money)
def test_funding_and_transfers_have_journals_of_their_own(amount: Decimal) -> None:
    for journal, bucket in ((funding_journal, Bucket.FUNDING), (external_journal, Bucket.EXTERNAL)):
        entries = by_place(journal("USDT", amount))
        assert entries == ({("USDT", Bucket.CASH): amount, ("USDT", bucket): -amount} if amount else {})


def test_a_journal_that_does_not_sum_to_zero_is_an_alarm() -> None:
    entry = Entry(asset="USDT", bucket=Bucket.CASH, amount=D(1))
    with pytest.raises(BrokenInvariant, match="does not sum to zero"):
        balanced([entry])
    with pytest.raises(BrokenInvariant, match="does not sum to zero"):
        balanced([entry, Entry(asset="BTC", bucket=Bucket.FEE, amount=D(-1))])
