"""Which instrument a candle file is about, and its rules as the simulated exchange lists them."""

import difflib
import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import Final

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import Symbol, Venue
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, MORE_SWAPS
from tradingboost.sim.instruments import Instrument as Listed
from tradingboost.sim.scale import QUANTA

LISTED: Final = DEFAULT_CATALOGUE.plus(*MORE_SWAPS)
_FREQTRADE: Final = re.compile(r"([A-Z0-9]+)_(USDT)(_USDT)?-\d+[mhdwM](-futures)?\.(json|json\.gz|feather|parquet)")
_PAIR: Final = re.compile(r"(?<![A-Z])([A-Z]{2,10}?)[-_/]?(USDT)(?![A-Z])")


def listed(symbol: str) -> Listed:
    """The instrument of that id.

    Raises:
        NotFound: `unknown_symbol`; the sentence names the nearest.
    """
    wanted = symbol.strip().upper()
    found = LISTED.get(wanted)
    if found is None:
        names = [one.inst_id for one in LISTED.instruments]
        near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}."
        raise NotFound(
            "unknown_symbol", f"There is no instrument {symbol!r}; {hint}", suggestion=near[0] if near else None
        )
    return found


def instrument_of(candles: Path, symbol: str | None = None) -> Listed:
    """The instrument a file of candles is about: the given one, else the one its name tells.

    Raises:
        InvalidInput: `candle_file_missing`.
        NotFound: `unknown_symbol`.
    """
    return listed(symbol_of(candles, symbol))


def symbol_of(candles: Path, symbol: str | None = None) -> str:
    """The symbol of a file of candles, listed or not.

    `okx_swap_BTCUSDT_5m.parquet` is BTC-USDT-SWAP and `binance_spot_BTCUSDT_1h.csv` is BTC-USDT; so are freqtrade's
    `BTC_USDT_USDT-5m-futures.feather` and `BTC_USDT-1h.json`.

    Raises:
        InvalidInput: `candle_file_missing`.
        NotFound: `unknown_symbol`, the name does not tell.
    """
    if not candles.is_file():
        raise InvalidInput("candle_file_missing", f"The candle file {candles} does not exist; check the path.")
    if symbol is not None:
        return symbol.strip().upper()
    known = _FREQTRADE.fullmatch(candles.name)
    if known is not None:
        return f"{known[1]}-{known[2]}" + ("-SWAP" if known[3] else "")
    pair = _PAIR.search(candles.stem.upper())
    if pair is None:
        raise NotFound(
            "unknown_symbol",
            f"The name of {candles.name} does not tell its instrument; give one with --symbol, such as BTC-USDT-SWAP.",
        )
    plain = f"{pair[1]}-{pair[2]}"
    return plain if "spot" in candles.stem.lower() else f"{plain}-SWAP"


def rules_of(one: Listed) -> Instrument:
    """The same instrument as the platform knows it."""
    spot = one.kind == "SPOT"
    return Instrument(
        venue=Venue("okx"),
        symbol=Symbol(one.inst_id),
        kind=InstrumentKind.SPOT if spot else InstrumentKind.LINEAR_SWAP,
        base=one.base,
        quote=one.quote,
        settle=one.settle,
        contract_size=Decimal(one.ct_val_q) / QUANTA,
        tick=Decimal(one.tick_q) / QUANTA,
        lot=Decimal(one.lot_q) / QUANTA,
        min_qty=_lots(one, one.min_lots),
        max_limit_qty=_lots(one, one.max_limit_lots),
        max_market_qty=_lots(one, one.max_market_lots),
        max_leverage=one.max_lever,
        version=hashlib.sha256(repr(one).encode()).hexdigest()[:12],
    )


def _lots(one: Listed, count: int) -> Decimal:
    return Decimal(count * one.lot_q) / QUANTA
