"""Rows of instruments, prices, books, candles and funding."""

from collections.abc import Sequence
from typing import Any

from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import Candle
from tradingboost.sim.scale import QUANTA, quotient, render
from tradingboost.simulator.render_text import family, ms, px, sz

Row = dict[str, Any]
HUGE = "999999999999"


def instrument(row: Instrument) -> Row:
    """INSTRUMENT with every key strict decoders ask for."""
    swap = row.kind == "SWAP"
    inverse = row.ct_type == "inverse"
    return {
        "alias": "",
        "auctionEndTime": "",
        "baseCcy": "" if swap else row.base,
        "category": "1",
        "contTdSwTime": "",
        "ctMult": "1" if swap else "",
        "ctType": row.ct_type,
        "ctVal": render(row.ct_val_q) if swap else "",
        "ctValCcy": (row.quote if inverse else row.base) if swap else "",
        "expTime": "",
        "futureSettlement": False,
        "groupId": "1",
        "instCategory": "1",
        "instFamily": family(row),
        "instId": row.inst_id,
        "instIdCode": row.inst_code,
        "instType": row.kind,
        "lever": str(row.max_lever),
        "listTime": ms(row.listed_us),
        "lotSz": render(row.lot_q),
        "maxIcebergSz": sz(row, row.max_limit_lots),
        "maxLmtAmt": "20000000",
        "maxLmtSz": sz(row, row.max_limit_lots),
        "maxMktAmt": "" if swap else "1000000",
        "maxMktSz": sz(row, row.max_market_lots),
        "maxPlatOILmt": "",
        "maxStopSz": sz(row, row.max_market_lots),
        "maxTriggerSz": sz(row, row.max_limit_lots),
        "maxTwapSz": sz(row, row.max_limit_lots),
        "minSz": sz(row, row.min_lots),
        "openType": "",
        "optType": "",
        "posLmtAmt": "",
        "posLmtPct": "",
        "preMktSwTime": "",
        "quoteCcy": "" if swap else row.quote,
        "ruleType": "normal",
        "settleCcy": row.settle if swap else "",
        "state": row.state,
        "stk": "",
        "tickSz": render(row.tick_q),
        "tradeQuoteCcyList": [] if swap else [row.quote],
        "uly": family(row),
        "upcChg": [],
    }


def ticker(row: Instrument, last: tuple[int, int], top: tuple[Any, Any], day: "DayFigures", now_us: int) -> Row:
    """TICKER; `last` is (ticks, lots), `top` is (best ask, best bid) as (ticks, lots, orders) or None."""
    ask, bid = top
    return {
        "instType": row.kind,
        "instId": row.inst_id,
        "last": px(row, last[0]),
        "lastSz": sz(row, last[1]),
        "askPx": px(row, ask[0]) if ask else "",
        "askSz": sz(row, ask[1]) if ask else "",
        "bidPx": px(row, bid[0]) if bid else "",
        "bidSz": sz(row, bid[1]) if bid else "",
        "open24h": px(row, day.open),
        "high24h": px(row, day.high),
        "low24h": px(row, day.low),
        "volCcy24h": _day_volume_ccy(row, day),
        "vol24h": sz(row, day.lots),
        "sodUtc0": px(row, day.sod_utc0),
        "sodUtc8": px(row, day.sod_utc8),
        "ts": ms(now_us),
    }


class DayFigures:
    """What the last 24 hours (in whole hours) were; prices in ticks."""

    __slots__ = ("cost", "high", "lots", "low", "open", "sod_utc0", "sod_utc8")

    def __init__(self, hours: Sequence[Candle], last: int, sod_utc0: int, sod_utc8: int) -> None:
        self.open = hours[0].open if hours else last
        self.high = max((bar.high for bar in hours), default=last)
        self.low = min((bar.low for bar in hours), default=last)
        self.lots = sum(bar.lots for bar in hours)
        self.cost = sum(bar.cost for bar in hours)
        self.sod_utc0 = sod_utc0
        self.sod_utc8 = sod_utc8


def _day_volume_ccy(row: Instrument, day: DayFigures) -> str:
    """Base currency on swaps, quote currency on spot (the venue's own asymmetry)."""
    if row.kind == "SPOT":
        return render(day.cost * row.tick_value)
    if row.ct_type == "inverse":
        middle = (day.high + day.low) // 2 or 1
        return quotient(day.lots * row.lot_base_q, middle * row.tick_q)
    return render(day.lots * row.lot_base_q)


def candle(row: Instrument, bar: Candle, *, closed: bool) -> list[str]:
    """[ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm]; swap vol in contracts, volCcy in base."""
    if row.ct_type == "inverse":
        in_quote = render(bar.lots * row.lot_base_q)
        in_base = quotient(bar.lots * row.lot_base_q, bar.close * row.tick_q) if bar.lots else "0"
    else:
        in_base, in_quote = render(bar.lots * row.lot_base_q), render(bar.cost * row.tick_value)
    volume = sz(row, bar.lots)
    prices = [px(row, value) for value in (bar.open, bar.high, bar.low, bar.close)]
    currency = in_quote if row.kind == "SPOT" else in_base
    return [ms(bar.ts_us), *prices, volume, currency, in_quote, "1" if closed else "0"]


def price_candle(row: Instrument, bar: Candle, *, closed: bool) -> list[str]:
    """[ts,o,h,l,c,confirm] of mark and index."""
    prices = [px(row, value) for value in (bar.open, bar.high, bar.low, bar.close)]
    return [ms(bar.ts_us), *prices, "1" if closed else "0"]


def levels(row: Instrument, side: Sequence[tuple[int, int, int]]) -> list[list[str]]:
    """Book levels as [price, size, "0", orders]."""
    return [[px(row, ticks), sz(row, lots), "0", str(orders)] for ticks, lots, orders in side]


def mark_price(row: Instrument, mark: int, now_us: int) -> Row:
    return {"instType": row.kind, "instId": row.inst_id, "markPx": px(row, mark), "ts": ms(now_us)}


def price_limit(row: Instrument, mark: int, band_ppm: int, now_us: int) -> Row:
    """Without a band the limits are empty and not enabled."""
    span = mark * band_ppm // 1_000_000
    return {
        "instType": row.kind,
        "instId": row.inst_id,
        "buyLmt": px(row, mark + span) if band_ppm else "",
        "sellLmt": px(row, mark - span) if band_ppm else "",
        "ts": ms(now_us),
        "enabled": bool(band_ppm),
    }


def open_interest(row: Instrument, lots: int, last: int, now_us: int) -> Row:
    usd = lots * row.lot_base_q if row.ct_type == "inverse" else lots * last * row.tick_value
    base = render(lots * row.lot_base_q)
    if row.ct_type == "inverse":
        base = quotient(lots * row.lot_base_q, last * row.tick_q) if last else "0"
    return {
        "instType": row.kind,
        "instId": row.inst_id,
        "oi": sz(row, lots),
        "oiCcy": base,
        "oiUsd": render(usd),
        "ts": ms(now_us),
    }


def funding(row: Instrument, figures: tuple[int, int, int], now_us: int) -> Row:
    """FUNDING; `figures` = (rate, next boundary, last settled rate)."""
    rate, next_us, settled = figures
    interval = row.funding_interval_us
    return {
        "instType": row.kind,
        "instId": row.inst_id,
        "method": "current_period",
        "formulaType": "noRate",
        "fundingRate": render(rate),
        "nextFundingRate": "",
        "fundingTime": ms(next_us),
        "nextFundingTime": ms(next_us + interval),
        "prevFundingTime": ms(next_us - interval),
        "minFundingRate": "-0.015",
        "maxFundingRate": "0.015",
        "interestRate": "0.0001",
        "impactValue": "20000",
        "premium": "0",
        "settState": "settled",
        "settFundingRate": render(settled),
        "ts": ms(now_us),
    }


def funding_history(row: Instrument, rate: int, at_us: int) -> Row:
    return {
        "instType": row.kind,
        "instId": row.inst_id,
        "formulaType": "noRate",
        "method": "current_period",
        "fundingRate": render(rate),
        "realizedRate": render(rate),
        "fundingTime": ms(at_us),
    }


def tiers(row: Instrument) -> list[Row]:
    """TIER rows; the last one is a stake cap for some clients, so it is large."""
    floor = 0
    rows = []
    for number, tier in enumerate(row.tiers, start=1):
        rows.append(
            {
                "uly": family(row),
                "instFamily": family(row),
                "instId": "" if row.kind == "SWAP" else row.inst_id,
                "tier": str(number),
                "minSz": sz(row, floor),
                "maxSz": HUGE if number == len(row.tiers) else sz(row, tier.max_lots),
                "mmr": render(tier.mmr),
                "imr": render(tier.imr),
                "maxLever": str(tier.max_lever),
                "optMgnFactor": "0",
                "quoteMaxLoan": "0",
                "baseMaxLoan": "0",
            }
        )
        floor = tier.max_lots + 1
    return rows


def fee(row_kind: str, sample: Instrument | None, now_us: int) -> Row:
    """FEE of an instrument type; negative = charged."""
    maker = render(-sample.maker_rate) if sample else ""
    taker = render(-sample.taker_rate) if sample else ""
    swap = row_kind == "SWAP"
    return {
        "level": "Lv1",
        "instType": row_kind,
        "category": "1",
        "maker": maker,
        "taker": taker,
        "makerU": maker if swap else "",
        "takerU": taker if swap else "",
        "makerUSDC": maker,
        "takerUSDC": taker,
        "delivery": "",
        "exercise": "",
        "feeGroup": [{"groupId": "1", "maker": maker, "taker": taker}],
        "ruleType": "normal",
        "ts": ms(now_us),
    }


def usd_value(ccy: str, quanta: int, coin_px_q: int) -> int:
    """Dollars (quanta) of an amount; dollar coins count one to one."""
    return quanta if ccy in {"USDT", "USDC", "USD"} else quanta * coin_px_q // QUANTA
