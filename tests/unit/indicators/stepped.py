"""Every indicator stepped one bar at a time through its own fold, as a live run does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.unit.indicators.series import in_mode

from tradingboost.indicators.adx import ADX, adx_step, adx_value, minus_di, plus_di
from tradingboost.indicators.bollinger import bands, place_of, width_of
from tradingboost.indicators.ema import ema_mean_step, ema_step
from tradingboost.indicators.extremes import highest_of, lowest_of
from tradingboost.indicators.jma import jma_rates, jma_step, phase_ratio
from tradingboost.indicators.kernel import kernel_value, kernel_weights
from tradingboost.indicators.mama import mama_step
from tradingboost.indicators.sma import sma_step
from tradingboost.indicators.t3 import t3_step
from tradingboost.indicators.vidya import CHANGES, one_sidedness, vidya_step
from tradingboost.indicators.window import push

Step = Callable[[float, float, float], tuple[float, ...]]
"""(high, low, close) of one closed bar -> the values known at its close."""


def ema_stepper(mode: str, step: Callable[..., float], missing: int) -> Step:
    memory = [0.0, 0]

    def take(_high: float, _low: float, close: float) -> tuple[float, ...]:
        memory[1] += 1
        memory[0] = in_mode(mode, step)(memory[0], close, memory[1], 5)
        return (memory[0] if memory[1] > missing else np.nan,)

    return take


def windowed(mode: str, length: int, compute: Callable[[Any], tuple[float, ...]], column: int = 2) -> Step:
    """What a window of the last `length` values gives; missing until it is full."""
    window, seen = np.zeros(length), [0]

    def take(*bar: float) -> tuple[float, ...]:
        seen[0] += 1
        in_mode(mode, push)(window, bar[column])
        return compute(window) if seen[0] >= length else (np.nan,)

    return take


def band_stepper(mode: str) -> Step:
    def compute(window: Any) -> tuple[float, ...]:
        band = in_mode(mode, bands)(window, 0, 15, 1.5)
        return (*band, in_mode(mode, width_of)(band), in_mode(mode, place_of)(band, window[-1]))

    return windowed(mode, 15, compute)


def jma_stepper(mode: str) -> Step:
    stages, rates = np.zeros(4), in_mode(mode, jma_rates)(10, 2)
    ratio = in_mode(mode, phase_ratio)(50.0)
    return lambda _high, _low, close: (in_mode(mode, jma_step)(stages, close, rates, ratio),)


def vidya_stepper(mode: str) -> Step:
    changes, memory = np.zeros(CHANGES), [np.nan, np.nan]

    def take(_high: float, _low: float, close: float) -> tuple[float, ...]:
        if np.isnan(memory[0]):
            memory[0] = close
        else:
            in_mode(mode, push)(changes, close - memory[1])
            memory[0] = in_mode(mode, vidya_step)(memory[0], close, in_mode(mode, one_sidedness)(changes), 21)
        memory[1] = close
        return (memory[0],)

    return take


def counted(step: Callable[[float, int], tuple[float, ...]]) -> Step:
    seen = [0]

    def take(_high: float, _low: float, close: float) -> tuple[float, ...]:
        seen[0] += 1
        return step(close, seen[0])

    return take


def mama_stepper(mode: str) -> Step:
    window, averages = np.zeros(21), np.zeros(2)

    def step(close: float, seen: int) -> tuple[float, ...]:
        rate = in_mode(mode, mama_step)(window, averages, close, seen, (0.5, 0.05))
        return averages[0], averages[1], rate

    return counted(step)


def sma_stepper(mode: str) -> Step:
    window = np.zeros(20)
    return counted(lambda close, seen: (in_mode(mode, sma_step)(window, close, seen),))


def t3_stepper(mode: str) -> Step:
    stages = np.zeros(6)
    return counted(lambda close, seen: (in_mode(mode, t3_step)(stages, close, seen, 5, 0.7),))


def adx_stepper(mode: str) -> Step:
    fold = np.zeros(1, ADX).view(np.recarray)

    def take(high: float, low: float, close: float) -> tuple[float, ...]:
        in_mode(mode, adx_step)(fold[0], 14, high, low, close)
        return tuple(in_mode(mode, read)(fold[0], 14) for read in (adx_value, plus_di, minus_di))

    return take


STEPPERS: dict[str, Callable[[str], Step]] = {
    "adx_14": adx_stepper,
    "bollinger_15_1.5 bollinger_width_15_1.5": band_stepper,
    "ema_5": lambda mode: ema_stepper(mode, ema_mean_step, 4),
    "ema_from_first_5": lambda mode: ema_stepper(mode, ema_step, 0),
    "highest_50": lambda mode: windowed(mode, 50, lambda window: (in_mode(mode, highest_of)(window, 0, 50),), 0),
    "jma_10_50_2": jma_stepper,
    "kernel_30_0.5_7": lambda mode: windowed(
        mode, 7, lambda window: (in_mode(mode, kernel_value)(window, kernel_weights(30.0, 0.5, 7), 6),)
    ),
    "lowest_50": lambda mode: windowed(mode, 50, lambda window: (in_mode(mode, lowest_of)(window, 0, 50),), 1),
    "mama_20_0.5_0.05": mama_stepper,
    "sma_20": sma_stepper,
    "t3_5_0.7": t3_stepper,
    "vidya_21_9": vidya_stepper,
}
"""Columns by registry name (several joined by a blank) -> a stepper in a mode."""
