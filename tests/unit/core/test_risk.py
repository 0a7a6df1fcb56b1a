"""The pre-trade check: the first rule that fails denies; reducing is denied by owner, freeze and form alone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ACCOUNT, BTC, RUN, T0, USER, D, a_spot_instrument, a_stop, an_exit, an_instrument, an_intent

from tradingboost.core.ids import Symbol
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.core.risk import DENIALS, Exposure, Limits, check

Case = tuple[str, dict[str, Any], dict[str, Any]]
"""A deny code with what of the intent and of the exposure brings it about."""


def exposure(**changes: Any) -> Exposure:
    values: dict[str, Any] = {
        "account_owner": USER,
        "run_owner": USER,
        "account_id": ACCOUNT,
        "legs_of": RUN,
        "reference_price": D(50_000),
    }
    return Exposure(**{**values, **changes})


def verdict(intent: OrderIntent, known: Exposure | None = None, limits: Limits | None = None) -> str | None:
    return check(intent, known or exposure(), limits or LISTED, an_instrument(), T0)


# in the order of the rules: an intent with all faults from a row on is denied by that row's code
CASES: list[Case] = [
    ("wrong_owner", {}, {"account_owner": "somebody else"}),
    ("frozen", {}, {"frozen": True}),
    ("bad_price", {"price": D("50000.05")}, {}),
    ("wrong_side", {"side": Side.SELL}, {}),
    ("kill_switch_active", {}, {"blocked": ("kill_switch_active",)}),
    ("leg_busy", {}, {"legs_of": "another run"}),
    ("stale", {"fresh_until": T0 - timedelta(seconds=1)}, {}),
    ("symbol_not_allowed", {"symbol": Symbol("DOGE-USDT-SWAP")}, {}),
    ("bad_price", {"trigger": D(50_100)}, {}),
    ("insufficient_balance", {}, {"free_quote": D(489), "leverage": 10}),
    ("limit_exceeded", {}, {"worst_case_notional_quote": D(999_000)}),
]
LISTED = Limits(symbols=frozenset([BTC]))


def test_a_sound_intent_passes() -> None:
    assert verdict(an_intent()) is None
    assert verdict(an_intent(fresh_until=T0)) is None
    assert verdict(an_exit()) is None
    assert verdict(a_stop()) is None


@pytest.mark.parametrize(("code", "of_intent", "of_exposure"), CASES)
def test_each_rule_denies_with_its_code(code: str, of_intent: dict[str, Any], of_exposure: dict[str, Any]) -> None:
    assert verdict(an_intent(**of_intent), exposure(**of_exposure)) == code


@pytest.mark.parametrize("first", range(len(CASES)))
def test_the_first_rule_that_fails_gives_the_code(first: int) -> None:
    of_intent: dict[str, Any] = {}
    of_exposure: dict[str, Any] = {}
    for _, intent_faults, exposure_faults in reversed(CASES[first:]):
        of_intent |= intent_faults
        of_exposure |= exposure_faults
    assert verdict(an_intent(**of_intent), exposure(**of_exposure)) == CASES[first][0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"qty": D("0.005")}, "below_min_qty"),
        ({"qty": D(0)}, "below_min_qty"),
        ({"qty": D("10.005")}, "off_lot"),
        ({"qty": D("10000.01")}, "above_max_qty"),
        ({"type": OrderType.MARKET, "price": None, "qty": D("5000.01")}, "above_max_qty"),
        ({"price": D(0)}, "bad_price"),
        ({"price": D("-0.1")}, "bad_price"),
        ({"trigger": D("49000.01")}, "bad_price"),
    ],
)
def test_the_form_of_an_order_is_checked_before_its_worth(change: dict[str, Any], code: str) -> None:
    assert verdict(an_intent(**change), limits=Limits(max_notional_quote=D(10**9))) == code


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "somebody else"},
        {"account_id": "another account"},
    ],
)
def test_an_intent_for_somebody_else_is_denied_even_when_it_reduces(change: dict[str, Any]) -> None:
    assert verdict(an_intent(**change)) == "wrong_owner"
    assert verdict(an_exit(**change)) == "wrong_owner"


def test_a_run_of_another_owner_is_denied() -> None:
    assert verdict(an_intent(), exposure(run_owner="somebody else")) == "wrong_owner"


@pytest.mark.parametrize("blocked", [("account_not_normal",), ("kill_switch_active",)])
def test_no_mode_switch_limit_or_claim_blocks_a_reduce_only_order(blocked: tuple[str, ...]) -> None:
    worst = exposure(
        blocked=blocked,
        legs_of=None,
        unknown_on_symbol=True,
        worst_case_notional_quote=D(10**12),
        orders_last_minute=10**6,
        reference_price=None,
    )
    late = {"fresh_until": T0 - timedelta(days=1)}
    assert verdict(an_exit(**late), worst) is None
    assert verdict(a_stop(**late), worst) is None
    assert verdict(an_intent(), worst) == blocked[0]


def test_a_freeze_blocks_everything() -> None:
    assert verdict(an_exit(), exposure(frozen=True)) == "frozen"


def test_a_price_that_could_not_be_read_is_not_taken_for_zero() -> None:
    for unread in (None, D(0)):
        assert verdict(an_intent(), exposure(reference_price=unread)) == "stale"


def test_an_unknown_order_on_the_symbol_blocks_openings() -> None:
    assert verdict(an_intent(), exposure(unknown_on_symbol=True)) == "leg_busy"


@pytest.mark.parametrize(
    ("position_side", "trigger", "code"),
    [
        (PositionSide.LONG, D(49_999), None),
        (PositionSide.LONG, D(50_000), "bad_price"),
        (PositionSide.SHORT, D(50_001), None),
        (PositionSide.SHORT, D(50_000), "bad_price"),
        (PositionSide.SHORT, D(49_999), "bad_price"),
    ],
)
@pytest.mark.parametrize("price", [D(50_000), None])
def test_a_stop_lies_on_the_losing_side_of_its_entry(
    position_side: PositionSide, trigger: Decimal, code: str | None, price: Decimal | None
) -> None:
    side = Side.BUY if position_side is PositionSide.LONG else Side.SELL
    kind = OrderType.LIMIT if price else OrderType.MARKET
    intent = an_intent(side=side, position_side=position_side, trigger=trigger, price=price, type=kind)
    assert verdict(intent) == code


@given(st.integers(0, 2_000_000), st.integers(1, 500_000))
def test_worth_counts_together_with_all_that_may_still_fill(held: int, lots: int) -> None:
    qty = D(lots) / 100
    code = check(
        an_intent(qty=qty),
        exposure(worst_case_notional_quote=D(held)),
        Limits(),
        an_instrument(),
        T0,
    )
    assert (code == "limit_exceeded") == (held + qty * D("0.01") * 50_000 > 1_000_000)


@pytest.mark.parametrize(
    ("limit", "held"),
    [
        ("max_order_notional_quote", ""),
        ("max_run_notional_quote", "run_notional_quote"),
        ("max_notional_quote", "worst_case_notional_quote"),
        ("max_user_notional_quote", "user_notional_quote"),
        ("max_platform_notional_quote", "platform_notional_quote"),
    ],
)
def test_order_run_account_user_and_platform_have_a_limit_each(limit: str, held: str) -> None:
    others = D(7_000) if held else D(0)
    known = exposure(**({held: others} if held else {}))

    def most(quote: Decimal) -> Limits:
        values: dict[str, Any] = {limit: quote}
        return Limits(**values)

    assert verdict(an_intent(), known, most(others + 5_000)) is None  # the intent is worth 5 000
    assert verdict(an_intent(), known, most(others + D("4999.99"))) == "limit_exceeded"
    assert verdict(an_exit(), known, most(D(0))) is None


def test_margin_is_the_notional_over_the_leverage_and_unread_is_not_nothing() -> None:
    assert verdict(an_intent(), exposure(free_quote=D(500), leverage=10)) is None
    assert verdict(an_intent(), exposure(free_quote=D(500), leverage=9)) == "insufficient_balance"
    assert verdict(an_intent(), exposure(free_quote=D(0), leverage=100)) == "insufficient_balance"
    assert verdict(an_intent(), exposure(free_quote=None)) is None
    assert verdict(an_exit(), exposure(free_quote=D(0))) is None


def test_coins_are_sold_without_a_leg_and_without_margin() -> None:
    selling = an_intent(side=Side.SELL, type=OrderType.LIMIT, trigger=None, qty=D("0.1"))
    known = exposure(free_quote=D(0))
    assert check(selling, known, Limits(), a_spot_instrument(), T0) is None
    buying = an_intent(trigger=None, qty=D("0.1"))
    assert check(buying, known, Limits(), a_spot_instrument(), T0) == "insufficient_balance"


def test_every_code_of_a_denial_has_a_sentence() -> None:
    assert {code for code, *_ in CASES} <= set(DENIALS)
    assert all(sentence.endswith(".") for sentence in DENIALS.values())


def test_a_market_order_is_worth_its_reference_price() -> None:
    market = an_intent(type=OrderType.MARKET, price=None, trigger=None)
    assert verdict(market, limits=Limits(max_notional_quote=D(5_000))) is None
    assert verdict(market, limits=Limits(max_notional_quote=D("4999.99"))) == "limit_exceeded"


def test_orders_of_a_minute_are_counted() -> None:
    limits = Limits(max_orders_per_minute=3)
    assert verdict(an_intent(), exposure(orders_last_minute=2), limits) is None
    assert verdict(an_intent(), exposure(orders_last_minute=3), limits) == "limit_exceeded"


def test_only_what_is_on_the_list_is_opened_and_anything_without_a_list() -> None:
    other = {"symbol": Symbol("DOGE-USDT-SWAP")}
    assert verdict(an_intent(**other), limits=Limits(symbols=frozenset())) == "symbol_not_allowed"
    assert verdict(an_intent(**other), limits=Limits()) is None
    assert verdict(an_exit(**other), limits=Limits(symbols=frozenset())) is None


BAND = Limits(price_band_bps=1000)


@pytest.mark.parametrize(
    ("side", "price", "code"),
    [
        (PositionSide.LONG, D(55_000), None),
        (PositionSide.LONG, D("55000.1"), "bad_price"),
        (PositionSide.LONG, D(5_000), None),  # it rests far below the market: nothing is paid too much
        (PositionSide.SHORT, D(45_000), None),
        (PositionSide.SHORT, D("44999.9"), "bad_price"),
        (PositionSide.SHORT, D(500_000), None),
    ],
)
def test_a_price_much_worse_than_the_market_is_refused(side: PositionSide, price: Decimal, code: str | None) -> None:
    way = Side.BUY if side is PositionSide.LONG else Side.SELL
    intent = an_intent(side=way, position_side=side, price=price, trigger=None)
    assert verdict(intent, limits=BAND) == code
    assert verdict(intent, limits=Limits()) is None


@pytest.mark.parametrize(("mark", "code"), [(D(50_000), None), (D(45_000), "bad_price"), (D(56_000), "bad_price")])
def test_a_market_order_decided_far_from_the_mark_is_refused(mark: Decimal, code: str | None) -> None:
    market = an_intent(type=OrderType.MARKET, price=None, trigger=None)
    assert verdict(market, exposure(mark=mark), BAND) == code
    assert verdict(market, exposure(mark=None), BAND) is None


def test_the_mark_outranks_the_price_of_the_decision_in_the_band() -> None:
    known = exposure(mark=D(40_000), reference_price=D(50_000))
    assert verdict(an_intent(price=D(45_000), trigger=None), known, BAND) == "bad_price"
    assert verdict(an_intent(price=D(44_000), trigger=None), known, BAND) is None


@pytest.mark.parametrize("whose", ["", "user_"])
def test_a_day_that_lost_enough_opens_nothing_and_exits_go_on(whose: str) -> None:
    limit: dict[str, Any] = {f"max_{whose}loss_quote": D(500)}

    def lost(quote: Decimal | None) -> str | None:
        return verdict(an_intent(), exposure(**{f"{whose}lost_quote": quote}), Limits(**limit))

    assert [lost(D("499.99")), lost(D(500)), lost(D(501)), lost(D(-900))] == [
        None,
        "limit_exceeded",
        "limit_exceeded",
        None,
    ]
    assert lost(None) == "stale"  # not known is not nothing
    assert verdict(an_intent(), exposure(**{f"{whose}lost_quote": None}), Limits()) is None
    assert verdict(an_exit(), exposure(**{f"{whose}lost_quote": D(501)}), Limits(**limit)) is None


def test_a_day_that_is_over_stays_over_whatever_came_back() -> None:
    assert verdict(an_intent(), exposure(day_over=True)) == "limit_exceeded"
    assert verdict(an_exit(), exposure(day_over=True)) is None
