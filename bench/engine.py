"""The exchange's engine without a socket: orders taken in, prints with and without fills, and a day of ten markets.

`core` is the engine alone; `replay` goes through the exchange as a stepped driver uses it, with everything that is
told to the (absent) listeners once a minute.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import SecretStr

from tradingboost.kit.clock import SystemClock
from tradingboost.sim import commands as c
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import Rejected
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, MORE_SWAPS, Instrument
from tradingboost.sim.path import candle_prints, print_times
from tradingboost.sim.policy import Policy
from tradingboost.sim.rng import stream
from tradingboost.sim.rows import Side
from tradingboost.sim.scale import QUANTA
from tradingboost.simulator.parts import Parts, build
from tradingboost.simulator.settings import AccountSettings, free_ports

INST: Final = "BTC-USDT-SWAP"
PX: Final = 400_000
_AT: Final = 1_767_225_600_000_000
_MINUTE_US: Final = 60_000_000
_EACH: Final = 400
"""Orders of one account; from 500 on one instrument takes no more."""
BARS, POINTS, MARKETS, ACCOUNTS, RESTING = 1_440, 8, 10, 100, 1_000


def core(count: int) -> dict[str, int]:
    """Orders, prints that fill one order each, and prints that do nothing, a second of processor time."""
    engine = _engine(Policy(), count)
    adds = [_limit(number, PX - 10 - number // 10) for number in range(count)]
    lows = sorted({order.px for order in adds}, reverse=True)
    fills = [c.Trade(at_us=_AT, inst_id=INST, px=px - 1) for px in lows]
    idle = [c.Trade(at_us=_AT, inst_id=INST, px=PX - number % 3) for number in range(count)]
    taken = _per_s(engine, adds)
    quiet = _per_s(engine, idle)
    return {"adds_per_s": taken, "idle_prints_per_s": quiet, "fills_per_s": _per_s(engine, fills, count)}


def _engine(policy: Policy, orders: int) -> Engine:
    engine = Engine(DEFAULT_CATALOGUE, replace(policy, limit_fill="trade_through"), 1)
    for number in range(-(-orders // _EACH)):
        engine.apply(c.OpenAccount(at_us=_AT, uid=f"{number}"))
        engine.apply(c.Credit(at_us=_AT, uid=f"{number}", ccy="USDT", amount=10**9 * QUANTA))
    engine.apply(c.Trade(at_us=_AT, inst_id=INST, px=PX))
    return engine


def _limit(number: int, px: int) -> c.Place:
    """A buy order of whose turn it is."""
    return _order(f"{number // _EACH}", INST, "buy", px, f"b{number}")


def _far(uid: str, inst_id: str, number: int) -> c.Place:
    """An order that the day does not reach."""
    if number % 2:
        return _order(uid, inst_id, "buy", PX // 2 + number)
    return _order(uid, inst_id, "sell", PX * 2 + number)


def _order(uid: str, inst_id: str, side: Side, px: int, name: str = "") -> c.Place:
    common = {"at_us": _AT, "td_mode": "cross", "ord_type": "limit", "lots": 1}
    return c.Place(uid=uid, inst_id=inst_id, side=side, px=px, cl_ord_id=name, **common)  # type: ignore[arg-type]


def _per_s(engine: Engine, commands: Sequence[c.Command], done: int = 0) -> int:
    refused = 0
    began = time.process_time()
    for command in commands:
        for event in engine.apply(command):
            refused += isinstance(event, Rejected)
    used = time.process_time() - began
    if refused:
        raise RuntimeError(f"the engine refused {refused} of {len(commands)} commands")
    return round((done or len(commands)) / max(used, 0.001))


async def replay(bars: int = BARS) -> dict[str, float]:
    """A stepped day: seconds for `bars` one-minute bars of ten markets with resting orders of a hundred accounts."""
    parts = _house()
    exchange, names = parts.exchange, _markets(parts)
    for number in range(RESTING):
        exchange.must(_far(f"{number % ACCOUNTS}", names[number % MARKETS], number))
    prints = 0
    began, cpu = time.perf_counter(), time.process_time()
    for minute in range(bars):
        at_us = _AT + (minute + 1) * _MINUTE_US
        for due_us, name, px, lots in _minute(names, minute, at_us):
            exchange.clock.move_to(due_us)
            exchange.run(c.Trade(at_us=due_us, inst_id=name, px=px, lots=lots))
            prints += 1
        await parts.stepper.settle()
        await asyncio.sleep(0)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    if broken := exchange.engine.check():
        raise RuntimeError(f"the books of the exchange do not balance: {broken[:3]}")
    return {"bars": bars, "prints": prints, "seconds": round(seconds, 2), "cpu_s": round(used, 2)}


def _house() -> Parts:
    """An exchange without a port."""
    accounts = tuple(
        AccountSettings(uid=f"{number}", key=f"{number}", secret=SecretStr("s"), balances={"USDT": Decimal(10**8)})
        for number in range(ACCOUNTS)
    )
    parts = build(free_ports(clock="stepped", tls=False, accounts=accounts), SystemClock())
    for account in accounts:
        parts.exchange.open_account(account)
    return parts


def _markets(parts: Parts) -> list[str]:
    """Ten swaps at the same price."""
    first = next(row for row in DEFAULT_CATALOGUE.plus(*MORE_SWAPS).instruments if row.inst_id == INST)
    rows: list[Instrument] = [
        replace(first, inst_id=f"C{number}-USDT-SWAP", base=f"C{number}", inst_code=90_000 + number)
        for number in range(MARKETS)
    ]
    for row in rows:
        parts.exchange.must(c.SetInstrument(at_us=0, instrument=row))
        parts.exchange.run(c.Trade(at_us=0, inst_id=row.inst_id, px=PX))
    parts.exchange.refresh_instruments()
    return [row.inst_id for row in rows]


def _minute(names: Sequence[str], minute: int, at_us: int) -> list[tuple[int, str, int, int]]:
    """The prints of one minute of every market, in order of time."""
    found = list[tuple[int, str, int, int]]()
    for number, name in enumerate(names):
        noise = stream(minute * MARKETS + number, "bench")
        open_px, close = PX + noise.below(2_000), PX + noise.below(2_000)
        high, low = max(open_px, close) + noise.below(500), min(open_px, close) - noise.below(500)
        prints = candle_prints((open_px, high, low, close), 10_000, POINTS, noise)
        times = print_times(at_us, _MINUTE_US, len(prints))
        found += [(due, name, px, lots) for due, (px, lots) in zip(times, prints, strict=True)]
    return sorted(found)
