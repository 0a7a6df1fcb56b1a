"""The order of three smoothed averages on the cycle timeframe, and of three VIDYAs in the long variant."""

from typing import Any, Final

from numba.extending import register_jitable

from tradingboost.indicators.ema import ema_step
from tradingboost.indicators.jma import jma_rates, jma_step, phase_ratio
from tradingboost.indicators.kernel import kernel_value, kernel_weights
from tradingboost.indicators.trend_fold import TAPS
from tradingboost.indicators.vidya import one_sidedness, vidya_step
from tradingboost.indicators.window import push

LENGTHS: Final = (5, 10, 20)
LONG_LENGTHS: Final = (20, 40, 120)
VIDYA_LENGTHS: Final = (3, 9, 21)
PHASE: Final = 50.0
POWER: Final = 2
WEIGHTS: Final = kernel_weights(30.0, 0.5, TAPS)


@register_jitable
def rising(short: float, middle: float, long: float) -> bool:
    """Bull order. Not the mirror of `falling`, on purpose."""
    return short > middle > long or middle > short > long


@register_jitable
def falling(short: float, middle: float, long: float) -> bool:
    """Bear order."""
    return long > middle > short


@register_jitable
def rising_long(first: float, second: float, third: float) -> bool:
    """Bull order of the three VIDYAs."""
    return first > third > second or first > second > third or second > first > third


@register_jitable
def falling_long(first: float, second: float, third: float) -> bool:
    """Bear order of the three VIDYAs."""
    return third > second > first or second > third > first or third > first > second


@register_jitable
def take_cycle_close(fold: Any, longer: int, close: float) -> None:
    """A bar of the cycle timeframe closed."""
    fold.trend_cycles += 1
    stages = fold.trend_stages
    averages = fold.trend_averages
    for k in range(3):
        if longer:
            stages[k, 3] = ema_step(stages[k, 3], close, fold.trend_cycles, LONG_LENGTHS[k])
        else:
            jma_step(stages[k], close, jma_rates(LENGTHS[k], POWER), phase_ratio(PHASE))
        push(averages[k], stages[k, 3])
    if fold.trend_cycles < TAPS:
        return
    short = kernel_value(averages[0], WEIGHTS, TAPS - 1)
    middle = kernel_value(averages[1], WEIGHTS, TAPS - 1)
    long = kernel_value(averages[2], WEIGHTS, TAPS - 1)
    fold.trend_bull = 1 if rising(short, middle, long) else 0
    fold.trend_bear = 1 if falling(short, middle, long) else 0


@register_jitable
def take_vidya_close(fold: Any, close: float) -> None:
    """A bar of 240 minutes closed; only the long variant asks for it."""
    fold.trend_vidya_bars += 1
    vidyas = fold.trend_vidyas
    if fold.trend_vidya_bars == 1:
        for k in range(3):
            vidyas[k] = close
    else:
        push(fold.trend_vidya_changes, close - fold.trend_vidya_close)
        sidedness = one_sidedness(fold.trend_vidya_changes)
        for k in range(3):
            vidyas[k] = vidya_step(vidyas[k], close, sidedness, VIDYA_LENGTHS[k])
    fold.trend_vidya_close = close
    fold.trend_vidya_bull = 1 if rising_long(vidyas[0], vidyas[1], vidyas[2]) else 0
    fold.trend_vidya_bear = 1 if falling_long(vidyas[0], vidyas[1], vidyas[2]) else 0
