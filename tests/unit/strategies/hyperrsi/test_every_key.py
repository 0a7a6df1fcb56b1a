"""Every key of the schema changes what a run does, or says why it does not: 50 of the strategy, 14 of the hedge."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, Run, facts, swap
from tests.unit.strategies.hyperrsi.street import Street

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import Instrument
from tradingboost.strategies.hyperrsi import HYPERRSI
from tradingboost.strategies.hyperrsi.checks import validate
from tradingboost.strategies.hyperrsi.keys import KEYS

INERT: Final = frozenset({"pyramiding_type"})
"""Accepted, stored and without effect."""

BASE: Final[dict[str, Any]] = {
    "use_cooldown": False,
    "use_rsi_with_pyramiding": False,
    "pyramiding_limit": 3,
    "pyramiding_value": 1,
    "tp1_ratio": 20,
    "tp2_ratio": 20,
    "tp3_ratio": 20,
}
HEDGE: Final[dict[str, Any]] = {
    **BASE,
    "use_dual_side_entry": True,
    "dual_side_entry_trigger": 2,
    "dual_side_entry_tp_trigger_type": "PERCENT",
    "dual_side_entry_tp_value": 2,
    "use_sl": True,
    "sl_value": 8,
}
BY_MAIN_SL: Final = "EXISTING_POSITION"
BY_MAIN: Final[dict[str, Any]] = {**HEDGE, "use_dual_sl": True, "dual_side_entry_sl_trigger_type": BY_MAIN_SL}
PATH: Final = (98_850.0, 97_600.0, 99_000.0, 102_000.0, 103_500.0, 104_500.0, 106_000.0, 105_000.0, 103_000.0, 88_000.0)
"""Two adds, three take-profits, a trailing stretch, and a fall through every stop."""


def story(given: dict[str, Any], instrument: Instrument | None = None, path: tuple[float, ...] = PATH) -> object:
    """What a run did on the path, candle by candle, told without its parameters."""
    run = Run(INTERPRETED, instrument, facts(long_short=True, available_quote=Decimal(1000)), **given)
    street = Street(run, 100_000.0)
    street.bar(35.0, 29.0, trend=0.0)
    for number, price in enumerate(path):
        run.now_ms += 600_000  # past the candle lock
        street.go(price)
        street.bar(35.0, 29.0 if number % 2 else 31.0, trend=2.0 if number == len(path) - 2 else 0.0)
    return [msgspec.to_builtins(wish) for wish in street.wishes], street.fills


def coin(name: str) -> Instrument:
    return swap(base=name, symbol=Symbol(f"{name}-USDT-SWAP"))


ON_THE_PATH: Final[dict[str, tuple[dict[str, Any], Any]]] = {
    "btc_investment": (BASE, 40),
    "entry_amount_option": (BASE, "PERCENT"),
    "symbol_investments": (BASE, {"BTC-USDT-SWAP": 60}),
    "leverage": (BASE, 20),
    "direction": (BASE, "SHORT"),
    "entry_multiplier": (BASE, 2),
    "use_cooldown": ({**BASE, "cooldown_time": 3000}, True),
    "cooldown_time": ({**BASE, "use_cooldown": True}, 3000),
    "tp_option": (BASE, "PRICE"),
    "tp1_ratio": (BASE, 30),
    "tp2_ratio": (BASE, 30),
    "tp3_ratio": (BASE, 30),
    "tp1_value": (BASE, 1),
    "tp2_value": (BASE, 2.5),
    "tp3_value": (BASE, 5),
    "use_tp1": (BASE, False),
    "use_tp2": (BASE, False),
    "use_tp3": ({**BASE, "trailing_start_point": "TP2"}, False),
    "use_sl": (BASE, True),
    "use_sl_on_last": (BASE, True),
    "sl_option": ({**BASE, "use_sl": True}, "PRICE"),
    "sl_value": ({**BASE, "use_sl": True}, 2),
    "use_break_even": ({**BASE, "trailing_start_point": "NONE", "use_sl": True}, False),
    "use_break_even_tp2": ({**BASE, "trailing_start_point": "NONE", "use_sl": True}, False),
    "use_break_even_tp3": ({**BASE, "trailing_start_point": "NONE", "use_sl": True}, False),
    "use_check_DCA_with_price": (BASE, False),
    "use_rsi_with_pyramiding": (BASE, True),
    "entry_criterion": ({**BASE, "entry_multiplier": 3}, "LAST_FILL"),
    "pyramiding_limit": (BASE, 2),
    "pyramiding_entry_type": (BASE, "ATR"),
    "pyramiding_value": (BASE, 2),
    "trailing_stop_active": ({**BASE, "use_sl": True}, False),
    "trailing_start_point": (BASE, "TP1"),
    "trailing_stop_type": (BASE, "TP_DIFF"),
    "use_trailing_stop_value_with_tp2_tp3_difference": (BASE, True),
    "trailing_stop_offset_value": (BASE, 2),
    "entry_option": (BASE, "CROSS_OUT"),
    "rsi_oversold": (BASE, 20),
    "use_dual_side_entry": (HEDGE, False),
    "dual_side_entry_trigger": (HEDGE, 3),
    "dual_side_entry_ratio_type": ({**HEDGE, "dual_side_entry_ratio_value": 1}, "FIXED_AMOUNT"),
    "dual_side_entry_ratio_value": (HEDGE, 80),
    "dual_side_entry_tp_trigger_type": (HEDGE, "LAST_DCA_ON_POSITION"),
    "dual_side_entry_tp_value": (HEDGE, 0.5),
    "close_main_on_hedge_tp": ({**HEDGE, "dual_side_entry_tp_value": 0.5}, True),
    "use_dual_sl": ({**HEDGE, "dual_side_entry_sl_value": 1}, True),
    "dual_side_entry_sl_trigger_type": ({**HEDGE, "use_dual_sl": True, "dual_side_entry_sl_value": 1}, BY_MAIN_SL),
    "dual_side_entry_sl_value": ({**BY_MAIN, "dual_side_entry_sl_value": 1}, 3),
    "dual_side_pyramiding_limit": (HEDGE, 2),
    "activate_tp_sl_after_all_dca": (HEDGE, True),
}  # fmt: skip
"""Key, the other settings, and the value whose story differs from that of the default."""


@pytest.mark.parametrize("key", sorted(ON_THE_PATH))
def test_a_key_changes_what_the_run_does(key: str) -> None:
    given, value = ON_THE_PATH[key]
    assert story({**given, key: value}) != story(given)


def test_short_keys_change_what_a_short_does() -> None:
    def short(**given: Any) -> object:
        run = Run(INTERPRETED, **{**BASE, **given})
        return run.bar(100_000.0, 65.0, 71.0)

    assert short() != short(rsi_overbought=75)


@pytest.mark.parametrize("name", ["ETH", "SOL"])
def test_each_coin_has_its_own_amount(name: str) -> None:
    key = f"{name.lower()}_investment"
    assert story({**BASE, key: 50}, coin(name)) != story(BASE, coin(name))
    assert story({**BASE, key: 50}) == story(BASE)


@pytest.mark.parametrize("key", ["use_trend_logic", "use_trend_close"])
def test_the_trend_switches_change_what_a_falling_trend_does(key: str) -> None:
    def against(**given: Any) -> object:
        street = Street(Run(INTERPRETED, **{**BASE, **given}), 100_000.0)
        street.bar(35.0, 29.0, trend=-2.0 if key == "use_trend_logic" else 0.0)
        street.bar(trend=-2.0)
        return street.fills

    assert against() != against(**{key: False})


def test_the_trend_timeframe_changes_which_candles_make_the_trend() -> None:
    def asked(**given: Any) -> tuple[int, int]:
        row = HYPERRSI.compile_params(validate(given), swap(), facts())[0]
        return int(row.trend_minutes), HYPERRSI.wants(row)

    assert asked() == (5, 30_000)
    assert asked(trend_timeframe="4h") == (240, 120_000)


def test_the_rsi_length_changes_the_record_the_indicators_read() -> None:
    rows = [HYPERRSI.compile_params(validate({"rsi_length": n}), swap(), facts())[0] for n in (14, 7)]
    assert [int(row.rsi_length) for row in rows] == [14, 7]


@pytest.mark.parametrize(
    ("key", "play"),
    [
        ("dual_side_trend_close", lambda street: street.bar(trend=-2.0)),
        ("dual_side_close_on_main_sl", lambda street: street.go(80_000.0)),
    ],
)
def test_the_links_of_the_hedge_change_how_it_ends(key: str, play: Callable[[Street], None]) -> None:
    ends = []
    for value in (False, True):
        given = {**HEDGE, "dual_side_entry_tp_value": 30, key: value}
        street = Street(Run(INTERPRETED, None, facts(long_short=True), **given), 100_000.0)
        street.enter()
        street.run.now_ms += 600_000
        street.go(98_850.0)
        play(street)
        ends.append(int(street.run.hedge_side))
    assert ends == [-1, 0]


BOT: Final = {"signal_bot_token": "word", "signal_bot_webhook_url": "https://example.com/hook"}


def test_the_execution_keys_change_who_sends_the_orders() -> None:
    def bot(**given: Any) -> bool:
        return HYPERRSI.asks(validate(given), swap()).signal_bot

    assert not bot(**BOT)
    assert bot(execution_mode="SIGNAL_BOT", **BOT)
    assert bot(symbol_execution_modes={"BTC-USDT-SWAP": "signal_bot"}, **BOT)
    assert not bot(symbol_execution_modes={"ETH-USDT-SWAP": "signal_bot"}, **BOT)
    for key in BOT:
        with pytest.raises(InvalidInput, match=key):
            validate({"execution_mode": "SIGNAL_BOT", **BOT, key: None})


def test_the_one_inert_key_is_stored_and_changes_nothing() -> None:
    assert validate({"pyramiding_type": "2"}).pyramiding_type == "2"
    assert story({**BASE, "pyramiding_type": "2"}) == story(BASE)


def test_no_key_is_left_out() -> None:
    elsewhere = {
        "rsi_overbought", "eth_investment", "sol_investment", "use_trend_logic", "use_trend_close", "trend_timeframe",
        "rsi_length", "dual_side_trend_close", "dual_side_close_on_main_sl", "execution_mode", "signal_bot_token",
        "signal_bot_webhook_url", "symbol_execution_modes",
    }  # fmt: skip
    assert set(ON_THE_PATH) | elsewhere | INERT == set(KEYS)
    assert len(KEYS) == 64
