"""Candles on an instrument's grid."""

import numpy as np
import pytest

from tradingboost.core.candles import RawCandles
from tradingboost.core.errors import InvalidInput
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, Instrument
from tradingboost.sim.series import on_grid


def listed(name: str) -> Instrument:
    found = DEFAULT_CATALOGUE.get(name)
    assert found is not None
    return found


def raw(price: float, volume: float) -> RawCandles:
    one = np.array([price])
    return RawCandles(60_000, np.array([1_704_067_200_000]), one, one, one, one, np.array([volume]))


def test_prices_become_ticks_and_volumes_lots() -> None:
    linear = on_grid(raw(42000.3, 1.5), listed("BTC-USDT-SWAP"))
    assert (linear.close.tolist(), linear.volume.tolist()) == ([420_003], [15_000])  # a lot is 0.0001 BTC
    inverse = on_grid(raw(50_000.0, 2.0), listed("BTC-USD-SWAP"))
    assert inverse.volume.tolist() == [1_000]  # a contract is 100 USD


def test_a_price_below_one_tick_belongs_to_another_instrument() -> None:
    with pytest.raises(InvalidInput, match="another instrument"):
        on_grid(raw(0.01, 1.0), listed("BTC-USDT-SWAP"))
