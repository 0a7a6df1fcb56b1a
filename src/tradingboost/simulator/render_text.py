"""Integers to the venue's text: the only place with decimal points."""

from functools import lru_cache

from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import QUANTA, quotient, render


@lru_cache(maxsize=65_536)
def _scaled(units: int, unit_quanta: int) -> str:
    return render(units * unit_quanta)


def px(instrument: Instrument, ticks: int) -> str:
    """A price; 0 ticks is the absent price."""
    return _scaled(ticks, instrument.tick_q) if ticks else ""


def sz(instrument: Instrument, lots: int) -> str:
    """A size in contracts (swaps) or base (spot)."""
    return _scaled(lots, instrument.lot_q)


def order_px(instrument: Instrument, ticks: int) -> str:
    """The price of an algo's child: `-1` is a market order."""
    return "-1" if ticks < 0 else px(instrument, ticks)


def trigger_leg(instrument: Instrument, trigger: int, order: int, source: str) -> tuple[str, str, str]:
    """(trigger price, its source, order price) of one leg, all empty when the leg is absent."""
    if not trigger:
        return "", "", ""
    return px(instrument, trigger), source, order_px(instrument, order)


def average(instrument: Instrument, cost: int, lots: int) -> str:
    """Average price of `lots` with `cost`; empty without lots. `cost` is what the engine's rows carry."""
    if not lots or not cost:
        return ""
    if instrument.ct_type == "inverse":
        return quotient(abs(lots) * instrument.lot_base_q, cost)
    return quotient(cost * instrument.tick_q, abs(lots) * QUANTA)


def ratio(parts: int) -> str:
    """A ratio counted in parts of 1e-12; 0 is the absent ratio."""
    return render(parts) if parts else ""


def ms(us: int) -> str:
    return str(us // 1000) if us else ""


def yes(value: bool) -> str:
    return "true" if value else "false"


def positive(number: int) -> str:
    """An id, empty when 0."""
    return str(number) if number else ""


def notional_usd(instrument: Instrument, lots: int, ticks: int) -> int:
    """Value in quote quanta of `lots` at a price (quote currencies count as dollars)."""
    if instrument.ct_type == "inverse":
        return abs(lots) * instrument.lot_base_q
    return abs(lots) * ticks * instrument.tick_value


def family(instrument: Instrument) -> str:
    return f"{instrument.base}-{instrument.quote}" if instrument.kind == "SWAP" else ""
