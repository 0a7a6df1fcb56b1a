"""Prices and quantities on an instrument's grid, and rests that can still be sold (F19)."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ACCOUNT, RUN, T0, USER, an_instrument, an_intent

from tradingboost.core.instrument import Instrument
from tradingboost.core.money import Rounding
from tradingboost.core.order import OrderType
from tradingboost.core.risk import Exposure, Limits, check

STEPS = st.sampled_from([Decimal(text) for text in ("0.00000001", "0.0001", "0.05", "0.1", "0.25", "1", "5", "1000")])
LIMITS = Limits(max_notional_quote=Decimal(10**30))


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    lot = draw(STEPS)
    return an_instrument(
        tick=draw(STEPS),
        lot=lot,
        min_qty=lot * draw(st.integers(1, 50)),
        max_limit_qty=Decimal(10**15),
        max_market_qty=Decimal(10**15),
        contract_size=draw(st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal(1), Decimal(100)])),
    )


def verdict(instrument: Instrument, price: Decimal, qty: Decimal) -> str | None:
    known = Exposure(
        account_owner=USER, run_owner=USER, account_id=ACCOUNT, legs_of=RUN, reference_price=price or Decimal(1)
    )
    intent = an_intent(type=OrderType.LIMIT, price=price, qty=qty, trigger=None, reference_price=price)
    return check(intent, known, LIMITS, instrument, T0)


@given(instruments(), st.floats(1e-3, 1e7), st.floats(0, 1e6))
def test_f19_a_rounded_wish_is_placeable_or_below_the_minimum_and_never_a_silent_zero(
    instrument: Instrument, price: float, size: float
) -> None:
    qty = instrument.qty(size)
    rounded = instrument.price(max(price, float(instrument.tick)), Rounding.UP)
    code = verdict(instrument, rounded, qty)
    assert code == ("below_min_qty" if qty < instrument.min_qty else None)
    assert qty <= Decimal(repr(size)) or size == 0


@given(instruments(), st.integers(1, 10_000), st.integers(0, 10_000))
def test_f19_what_is_left_after_parts_lies_on_a_lot_so_it_can_be_sold_or_is_named_dust(
    instrument: Instrument, lots: int, sold: int
) -> None:
    held = instrument.min_qty + instrument.lot * lots
    part = min(instrument.qty(held * sold / 10_000), held)
    left = held - part
    assert left % instrument.lot == 0
    assert left == 0 or verdict(instrument, instrument.tick, left) in (None, "below_min_qty")
