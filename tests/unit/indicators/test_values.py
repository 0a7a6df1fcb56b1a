"""What each indicator computes: definitions written out, and published values on real candles."""

from pathlib import Path

import numpy as np
import pytest
from tests.unit.indicators.references import lengths, reference, reference_files
from tests.unit.indicators.series import walk

from tradingboost.indicators.adx import adx
from tradingboost.indicators.bollinger import bollinger, bollinger_width
from tradingboost.indicators.ema import ema, ema_from_first
from tradingboost.indicators.extremes import highest, lowest
from tradingboost.indicators.jma import jma
from tradingboost.indicators.kernel import kernel
from tradingboost.indicators.mama import mama
from tradingboost.indicators.sma import sma
from tradingboost.indicators.t3 import t3
from tradingboost.indicators.vidya import vidya

HIGHS, LOWS, CLOSES = walk(600)


def windows(values: np.ndarray, length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values, length)


def test_means_bands_and_extremes_of_a_window() -> None:
    lower, middle, upper = bollinger(CLOSES, 20, 2.0)
    view = windows(CLOSES, 20)
    np.testing.assert_allclose(sma(CLOSES, 20)[19:], view.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(middle[19:], view.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(upper[19:] - lower[19:], 4 * view.std(axis=1), rtol=1e-9)
    assert highest(HIGHS, 20)[19:].tolist() == windows(HIGHS, 20).max(axis=1).tolist()
    assert lowest(LOWS, 20)[19:].tolist() == windows(LOWS, 20).min(axis=1).tolist()


def test_coinciding_bands_put_the_close_in_the_middle() -> None:
    width, place = bollinger_width(np.full(20, 7.0), 15, 1.5)
    assert (width[-1], place[-1]) == (0.0, 0.5)


def test_an_exponential_mean_starts_with_the_mean_of_its_length_or_with_the_first_value() -> None:
    values = np.array([1.0, 2.0, 6.0, 7.0])
    assert ema(values, 3)[2:].tolist() == [3.0, 5.0]
    assert ema_from_first(values, 3).tolist() == [1.0, 1.5, 3.75, 5.375]


@pytest.mark.parametrize("level", [0.00001234, 50.0, 98765.4321])
def test_averages_of_a_constant_are_that_constant(level: float) -> None:
    flat = np.full(400, level)
    columns = [jma(flat, 10, 50.0, 2)[300:], t3(flat, 5, 0.7), vidya(flat, 9, 9), kernel(flat, 30.0, 0.5, 7)[6:]]
    for column in (*columns, *mama(flat, 20, 0.5, 0.05)[:2], ema_from_first(flat, 5)):
        np.testing.assert_allclose(column, level, rtol=1e-9)


def test_t3_is_a_triple_application_of_the_generalised_double_mean() -> None:
    factor = 0.7
    column = CLOSES
    for _ in range(3):
        once = ema_from_first(column, 5)
        column = once * (1 + factor) - ema_from_first(once, 5) * factor
    np.testing.assert_allclose(t3(CLOSES, 5, factor), column, rtol=1e-12)


def test_vidya_moves_as_an_exponential_mean_where_the_market_goes_one_way_and_rests_where_it_goes_nowhere() -> None:
    rising = np.linspace(1.0, 2.0, 50)
    np.testing.assert_allclose(vidya(rising, 9, 9), ema_from_first(rising, 9), rtol=1e-12)
    swinging = np.where(np.arange(60) % 2 == 0, 100.0, 101.0)
    column = vidya(swinging, 9, 10)
    assert np.ptp(column[20:]) == 0.0


def test_the_adaptive_average_is_fast_on_a_straight_way_and_slow_in_chop() -> None:
    straight, chop = np.linspace(1.0, 2.0, 60), np.where(np.arange(60) % 2 == 0, 1.0, 1.01)
    assert mama(straight, 20, 0.5, 0.05)[2][-1] == pytest.approx(0.5)
    assert mama(chop, 20, 0.5, 0.05)[2][-1] == pytest.approx(0.05)
    leader, follower, _ = mama(straight, 20, 0.5, 0.05)
    assert leader[-1] > follower[-1]


def test_directional_movement_written_out() -> None:
    """The synthetic twin of the reference files: one bar at a time, Wilder's rules as the book gives them."""
    n, up, down, reach, decided = 5, [], [], [], []
    for i in range(1, 60):
        rise, fall = HIGHS[i] - HIGHS[i - 1], LOWS[i - 1] - LOWS[i]
        up.append(rise if rise > max(fall, 0) else 0.0)
        down.append(fall if fall > max(rise, 0) else 0.0)
        reach.append(max(HIGHS[i], CLOSES[i - 1]) - min(LOWS[i], CLOSES[i - 1]))
    sums = [sum(column[:n]) / n for column in (up, down, reach)]
    for i in range(n, 60):
        if i > n:
            new = (up[i - 1], down[i - 1], reach[i - 1])
            sums = [(old * (n - 1) + add) / n for old, add in zip(sums, new, strict=True)]
        decided.append(100 * abs(sums[0] - sums[1]) / (sums[0] + sums[1]))
    average = sum(decided[:n]) / n
    for value in decided[n:]:
        average = (average * (n - 1) + value) / n
    found = [column[59] for column in adx(HIGHS, LOWS, CLOSES, n)]
    np.testing.assert_allclose(found, [average, 100 * sums[0] / sums[2], 100 * sums[1] / sums[2]], rtol=1e-12)


def test_a_market_that_only_rises_has_no_movement_down() -> None:
    column = np.linspace(1.0, 2.0, 100)
    average, plus, minus = adx(column, column - 0.001, column, 14)
    assert (average[-1], minus[-1]) == (pytest.approx(100.0), 0.0)
    assert plus[-1] > 0


FILES = pytest.mark.parametrize("path", reference_files(), ids=lambda path: path.name)


@pytest.mark.realdata
@FILES
def test_real_candles_give_the_published_means(path: Path) -> None:
    for prefix, function in (("sma_", sma), ("ema_", ema)):
        for length in lengths(path, prefix):
            candles, rows, expected = reference(path, f"{prefix}{length}")
            np.testing.assert_allclose(function(candles["close"], length)[rows], expected, rtol=1e-9)
    candles, rows, expected = reference(path, "ema_20_first")
    np.testing.assert_allclose(ema_from_first(candles["close"], 20)[rows], expected, rtol=1e-9)


@pytest.mark.realdata
@FILES
def test_real_candles_give_the_published_bands(path: Path) -> None:
    for side, name in enumerate(("lower", "middle", "upper")):
        candles, rows, expected = reference(path, f"bb_{name}_20_2")
        np.testing.assert_allclose(bollinger(candles["close"], 20, 2.0)[side][rows], expected, rtol=1e-9)


@pytest.mark.realdata
@FILES
def test_real_candles_give_the_published_directional_movement(path: Path) -> None:
    """Both seeds are the first bars' mean, theirs one bar shorter: compared once the seed is forgotten."""
    names = ["adx_14"] if "okx" not in path.name else ["adx_14", "plus_di_14", "minus_di_14"]
    for side, name in enumerate(names):
        candles, rows, expected = reference(path, name)
        found = adx(candles["high"], candles["low"], candles["close"], 14)[side][rows]
        seasoned = rows >= 480
        assert seasoned.sum() > 200
        np.testing.assert_allclose(found[seasoned], expected[seasoned], rtol=0, atol=1e-9)
