"""RSI rules and clocks, beyond the golden numbers."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.strategies.hyperrsi.harness import compiled_params, in_mode

from tradingboost.strategies.hyperrsi import signal

PARAMS = {option: compiled_params(entry_option=option)[0] for option in ("CROSS_IN", "TURN", "CROSS_OUT", "LEVEL")}
RSI = st.floats(0, 100)


@settings(deadline=None)
@given(previous=RSI, current=RSI, option=st.sampled_from(sorted(PARAMS)))
def test_a_short_is_the_mirrored_long(previous: float, current: float, option: str) -> None:
    params = PARAMS[option]
    long = signal.rsi_signal(1, 100.0 - previous, 100.0 - current, params)
    mirrored = (100.0 - (100.0 - previous), 100.0 - (100.0 - current))
    assert signal.rsi_signal(-1, *mirrored, params) == long


def test_a_flat_market_gives_no_signal(mode: str) -> None:
    for params in PARAMS.values():
        assert not in_mode(mode, signal.rsi_signal)(1, 50.0, 50.0, params)
        assert not in_mode(mode, signal.rsi_signal)(-1, 50.0, 50.0, params)


@settings(deadline=None)
@given(decided=st.integers(0, 4 * 10**12), minutes=st.sampled_from([1, 3, 5, 15, 30, 60, 240]))
def test_a_lock_ends_on_the_next_boundary_or_after_a_minute(decided: int, minutes: int) -> None:
    length = minutes * 60_000
    until = signal.candle_lock_until(decided, length)
    assert until - decided >= 60_000
    assert until - decided <= max(length, 60_000 + length)
    assert until % length == 0 or until - decided == 60_000


def test_the_last_bits_of_an_unchanged_index_are_no_turn(mode: str) -> None:
    params = compiled_params(entry_option="TURN")[0]
    hold = in_mode(mode, signal.rsi_signal)
    assert not hold(1, 20.0, 20.0 + 1e-14, params)
    assert not hold(-1, 80.0, 80.0 - 1e-14, params)
    assert hold(1, 20.0, 20.001, params)
