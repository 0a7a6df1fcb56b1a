"""What was asked of a back-test, told in a form that can be kept: candles, settings, resolved parameters, bounds."""

from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, get_type_hints

import msgspec
import numpy as np

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.timerange import span_of
from tradingboost.backtest import BacktestConfig, Candles
from tradingboost.backtest.document import MOST_GAPS, DataFacts, digest_of, gaps_of
from tradingboost.core.candles import LATEST_MS
from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import InstrumentKind

LEAST_BARS: Final = 200
LEAST_COVERAGE: Final = 0.9

_SECRET: Final = ("token", "webhook")


def is_secret(key: str) -> bool:
    """Whether a parameter of that name is never written down."""
    return any(word in key for word in _SECRET)


def facts_of(request: BacktestRequest, candles: Candles, warmup: int, wants: int) -> DataFacts:
    """Which candles are tested and how complete they are.

    Raises:
        InvalidInput: `too_few_bars` or `too_many_gaps`, unless gaps are allowed.
    """
    asked_ms, until_ms = span_of(request.timerange)
    opens, length = candles.open_ms, candles.timeframe_ms
    begin = max(asked_ms, int(opens[0])) if asked_ms == 0 else asked_ms
    end = int(opens[-1]) + length if until_ms > LATEST_MS else until_ms
    coverage = min(int(np.count_nonzero(opens >= begin)) * length / max(end - begin, length), 1.0)
    tested, gaps = len(candles) - warmup, gaps_of(candles)
    if not request.allow_gaps and tested < LEAST_BARS:
        raise InvalidInput(
            "too_few_bars",
            f"{tested} candles after the warm-up are fewer than {LEAST_BARS}; take a longer range, "
            "or say --allow-gaps to test them all the same.",
        )
    if not request.allow_gaps and coverage < LEAST_COVERAGE:
        raise InvalidInput(
            "too_many_gaps",
            f"Only {coverage:.1%} of the candles of that range are there; get the others with download-data, "
            "or say --allow-gaps to test what there is.",
            gaps=gaps[:20],
        )
    return DataFacts(
        source=request.candles.name if request.candles is not None else f"stored, {request.venue}",
        digest=digest_of(candles),
        bars=len(candles),
        first_ms=int(opens[0]),
        last_ms=int(opens[-1]),
        coverage=coverage,
        missing=sum(gap[2] for gap in gaps),
        gaps=gaps[:MOST_GAPS],
        warmup_bars=warmup,
        warmup_wanted=wants,
    )


def gap_notes(data: DataFacts) -> list[str]:
    """What to say about candles that are absent."""
    if not data.gaps:
        return []
    return [f"{data.missing:,} candles are missing in {len(data.gaps):,} gaps; nothing was invented for them."]


def told_request(request: BacktestRequest, config: BacktestConfig, parsed: Any, timeframe: str) -> dict[str, Any]:
    """The request with every default spelled out and secrets left out."""
    instrument = config.instrument
    swap = instrument.kind is not InstrumentKind.SPOT
    params = {
        key: value
        for key, value in msgspec.to_builtins(parsed).items()
        if not (isinstance(value, str) and is_secret(key))
    }
    told = {
        "strategy": request.strategy,
        "symbol": str(instrument.symbol),
        "quote": instrument.quote,
        "timeframe": timeframe,
        "detail_timeframe": request.detail,
        "timerange": request.timerange,
        "initial_balance": str(config.initial_balance),
        "maker_fee": str(config.maker_fee),
        "taker_fee": str(config.taker_fee),
        "slippage_bps": str(config.slippage_bps),
        "limit_fill": config.limit_fill.value,
        "path": config.path_rule.value,
        "funding": request.funding if swap else "off",
        "funding_assumed": config.funding.assumed,
        "mark": "last",
        "leverage": config.leverage,
        "margin_mode": config.margin_mode.value,
        "position_mode": config.position_mode.value,
        "liquidation": config.liquidation and swap,
        "tiers": [f"{tier.max_qty}: {tier.maintenance_rate}" for tier in config.tiers],
        "on_end": config.on_end.value,
        "instrument_version": instrument.version,
        "params_hash": sha256(msgspec.json.encode(params, order="deterministic")).hexdigest()[:16],
        "params": params,
    }
    return msgspec.json.decode(msgspec.json.encode(told))  # type: ignore[no-any-return]


def at_bounds(parsed: Any) -> list[str]:
    """Names of numbers that were set to the least or greatest value they may have."""
    hints = get_type_hints(type(parsed), include_extras=True)
    defaults = {field.name: field.default for field in msgspec.structs.fields(type(parsed))}
    found = []
    for name, hint in hints.items():
        value = getattr(parsed, name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or value == defaults.get(name):
            continue
        for bounds in _bounds(hint):
            if value in (bounds.low, bounds.high):
                found.append(name)
    return found


def _bounds(hint: Any) -> list[Any]:
    """The bounds in a type's annotations, also inside a union with None."""
    own = [one for one in getattr(hint, "__metadata__", ()) if hasattr(one, "low") and hasattr(one, "high")]
    return own + [one for part in getattr(hint, "__args__", ()) for one in _bounds(part)]
