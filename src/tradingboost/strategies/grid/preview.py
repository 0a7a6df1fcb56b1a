"""What a grid would do, before it starts: the kernel is laid out on a copy and read back in decimals."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.strategies.contract import LONG, SHORT, RunFacts, reason_name, records
from tradingboost.strategies.grid.adaptive import adopt
from tradingboost.strategies.grid.book import want_closes, want_openings
from tradingboost.strategies.grid.compile import compile_params
from tradingboost.strategies.grid.fold import INDICATORS
from tradingboost.strategies.grid.layout import lay_out
from tradingboost.strategies.grid.levels import cell_net_profit
from tradingboost.strategies.grid.params import GridParams
from tradingboost.strategies.grid.phases import ticks_around
from tradingboost.strategies.grid.settled import ADAPTIVE, INFINITY, MAX_CELLS
from tradingboost.strategies.grid.state import RUNNING, STATE, cell_at, closing, opening, start
from tradingboost.strategies.grid.stops import favourable, liquidation, stop_ticks

_SIDES: Final = {LONG: "long", SHORT: "short"}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: where it opens and closes, how much, and what a cycle earns.

    Args:
        state: empty or held at the start.
        order: open or close where one rests at once, else the reason why none does.
        net_quote: profit of one cycle after both maker fees; `net_pct` of the opening's notional.
    """

    number: int
    side: str
    open_price: Decimal
    close_price: Decimal
    qty: Decimal
    notional_quote: Decimal
    margin_quote: Decimal
    state: str
    order: str
    net_quote: Decimal
    net_pct: Decimal


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """One side with every cell filled, at its far end.

    Args:
        unrealised_quote: with the market at the far end.
        liquidation_price: estimate of the leg margined alone; None = cannot be liquidated.
        stop_price: the tightest of the person's stops and the guard; None on spot without one.
        loss_at_stop_quote: fees included; None without a stop.
    """

    side: str
    qty: Decimal
    notional_quote: Decimal
    margin_quote: Decimal
    average_entry: Decimal
    unrealised_quote: Decimal
    liquidation_price: Decimal | None
    stop_price: Decimal | None
    loss_at_stop_quote: Decimal | None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of one start at one price.

    Args:
        init_qty: bought (sold short) at market at the start; `init_quote` at this price.
        required_quote: margin of the larger side with every cell filled, and its fees.
        break_even: price at which closing everything pays for all fees, after each fill of the larger side in turn.
        funding_day_quote: three settlements at the last rate on the larger side; None = rate not given.
        refused: cells that trade nothing, with the reason.
    """

    price: Decimal
    levels: tuple[Decimal, ...]
    cells: tuple[Cell, ...]
    init_qty: Decimal
    init_quote: Decimal
    net_pct_least: Decimal
    net_pct_most: Decimal
    required_quote: Decimal
    reserve_quote: Decimal
    exposures: tuple[Exposure, ...]
    break_even: tuple[Decimal, ...]
    refused: tuple[tuple[int, str], ...]
    maker_fee: Decimal
    taker_fee: Decimal
    funding_day_quote: Decimal | None
    orders_buy: int
    orders_sell: int


def preview(
    params: GridParams,
    instrument: Instrument,
    facts: RunFacts,
    price: Decimal,
    adaptive_levels: Sequence[float] | None = None,
    *,
    funding_rate: Decimal | None = None,
) -> Preview:
    """Lay the grid out at a price, with the kernel's own functions, and say what it would be.

    Args:
        adaptive_levels: the 20 levels of the last closed quarter of an hour (`INDICATORS`), for an adaptive grid.

    Raises:
        InvalidInput: what `compile_params` refuses, or an adaptive grid without its levels.
    """
    settled = compile_params(params, instrument, facts, price)
    row, state = settled[0], records(STATE)[0]
    start(state, row)
    lo, hi = ticks_around(row, float(price))
    if row.rule == ADAPTIVE:
        _adopt(state, row, adaptive_levels, (lo, hi))
    state.status = RUNNING
    lay_out(state, row, lo, hi)
    init = int(state.init_left_lots)
    for cell in range(int(row.cells)):  # the book that follows once `init` is filled
        if state.cell_init[cell] == 1:
            state.cell_held_lots[cell] = state.cell_lots[cell]
    state.init_left_lots = 0
    closes = want_closes(state, row, lo, hi)
    want_openings(state, row, lo, hi, closes)
    return _read(_Desk(state, row, instrument, facts, price), params, init, funding_rate)


def _adopt(state: Any, row: Any, levels: Sequence[float] | None, market: tuple[int, int]) -> None:
    if levels is None:
        raise InvalidInput(
            "levels_missing", "An adaptive grid is previewed on the levels of its last candle; load candles first."
        )
    indicators = records(INDICATORS)[0]
    indicators.levels_ms = 1
    given: NDArray[np.float64] = np.asarray(levels, dtype=np.float64)
    indicators.levels[:] = given
    adopt(state, row, indicators, *market)


class _Desk:
    """The laid out kernel, read in decimals."""

    def __init__(self, state: Any, row: Any, instrument: Instrument, facts: RunFacts, price: Decimal) -> None:
        self.state, self.row, self.instrument, self.facts, self.price = state, row, instrument, facts, price
        self.leverage = int(row.leverage)
        self.places = [int(cell_at(state, row, place)) for place in range(int(row.cells))]

    def price_of(self, ticks: float) -> Decimal:
        """Whole ticks as a price."""
        return int(ticks) * self.instrument.tick

    def quote(self, lots: int, price: Decimal) -> Decimal:
        """Value of lots at a price."""
        return lots * self.instrument.lot * self.instrument.contract_size * price

    def cell(self, cell: int) -> Cell:
        """One cell as a person reads it."""
        state, lots = self.state, int(self.state.cell_lots[cell])
        side = int(state.cell_side[cell])
        opens, closes = int(opening(state, cell)), int(closing(state, cell))
        ends = self.price_of(state.cell_low[cell]), self.price_of(state.cell_high[cell])
        open_price = self.price_of(state.order_price[opens])
        close_price = self.price_of(state.order_price[closes])
        if self.row.rule == ADAPTIVE:
            close_price = ends[1] if side > 0 else ends[0]
        fee = self.facts.maker_fee
        net = cell_net_profit(min(open_price, close_price), max(open_price, close_price), fee, fee)
        held = bool(state.cell_held_lots[cell] > 0)
        order = closes if held else opens
        resting = state.order_want[order] > 0
        worth = self.quote(lots, open_price)
        return Cell(
            number=cell,
            side=_SIDES[side],
            open_price=open_price,
            close_price=close_price,
            qty=lots * self.instrument.lot,
            notional_quote=worth,
            margin_quote=worth / self.leverage,
            state="held" if held else "empty",
            order=("close" if held else "open") if resting else reason_name(state.order_note[order]),
            net_quote=net * self.quote(lots, min(open_price, close_price)),
            net_pct=net * 100,
        )

    def fills(self, side: int) -> list[tuple[int, Decimal]]:
        """(lots, price) of every opening of a side in the order in which the market would come to them."""
        out = []
        places = reversed(self.places) if side > 0 else self.places
        for cell in places:
            lots = int(self.state.cell_lots[cell])
            if self.state.cell_side[cell] == side and lots > 0:
                held = self.state.cell_init[cell] == 1
                at = self.price if held else self.price_of(self.state.order_price[opening(self.state, cell)])
                out.append((lots, at))
        return out

    def exposure(self, side: int, tail: int) -> Exposure | None:
        """A side with every cell filled; `tail`: lots held above the window of a grid without an upper end."""
        fills = self.fills(side) + ([(tail, self.price)] if tail > 0 else [])
        lots = sum(lots for lots, _ in fills)
        if lots == 0:
            return None
        worth = sum((self.quote(one, at) for one, at in fills), ZERO)
        average = worth / self.quote(lots, Decimal(1))
        far = self.price_of(self.state.cell_low[self.places[0]] if side > 0 else self.state.cell_high[self.places[-1]])
        stop = self._stop(side, fills)
        return Exposure(
            side=_SIDES[side],
            qty=lots * self.instrument.lot,
            notional_quote=worth,
            margin_quote=worth / self.leverage,
            average_entry=average,
            unrealised_quote=side * (self.quote(lots, far) - worth),
            liquidation_price=self._liquidation(side, average),
            stop_price=stop,
            loss_at_stop_quote=None if stop is None else self._loss(side, (lots, worth), stop),
        )

    def _loss(self, side: int, held: tuple[int, Decimal], stop: Decimal) -> Decimal:
        lots, worth = held
        value = self.quote(lots, stop)
        fees = worth * self.facts.maker_fee + value * self.facts.taker_fee
        return fees - side * (value - worth)

    def _liquidation(self, side: int, average: Decimal) -> Decimal | None:
        if not self.row.is_swap:
            return None
        ticks = float(average / self.instrument.tick)
        rate = float(self.facts.maintenance_rate + self.facts.taker_fee)
        found = liquidation(ticks, side, float(self.leverage), rate)
        return None if found <= 0 else self.price_of(favourable(found, side))

    def _stop(self, side: int, fills: list[tuple[int, Decimal]]) -> Decimal | None:
        """The stop the kernel would hold over all of it."""
        filled = records(STATE)[0]
        for cell, (lots, at) in enumerate(fills[: int(self.row.cells)]):
            filled.cell_side[cell] = side
            filled.cell_held_lots[cell] = lots
            filled.cell_cost[cell] = int(lots * at / self.instrument.tick)
        ticks = int(stop_ticks(filled, self.row, side))
        return self.price_of(ticks) if ticks > 0 else None

    def break_even(self, side: int) -> list[Decimal]:
        """Price that pays for everything, after each fill in turn."""
        out, lots, worth, fees = [], 0, ZERO, ZERO
        for one, at in self.fills(side):
            lots, worth = lots + one, worth + self.quote(one, at)
            fees += self.quote(one, at) * self.facts.maker_fee
            unit = self.quote(lots, Decimal(1))
            out.append((worth + side * fees) / (unit * (1 - side * self.facts.maker_fee)))
        return out


def _read(desk: _Desk, params: GridParams, init: int, funding_rate: Decimal | None) -> Preview:
    cells = tuple(desk.cell(cell) for cell in desk.places)
    traded = [cell for cell in cells if cell.qty > 0]
    inside = sum(int(desk.state.cell_lots[cell]) for cell in desk.places if desk.state.cell_init[cell] == 1)
    tail = init - inside if desk.row.rule == INFINITY else 0
    found = [desk.exposure(LONG, tail), desk.exposure(SHORT, 0)]
    exposures = tuple(one for one in found if one is not None)
    larger = max(exposures, key=lambda one: one.notional_quote, default=None)
    worth = larger.notional_quote if larger else ZERO
    levels = [desk.price_of(desk.state.cell_low[cell]) for cell in desk.places]
    levels.append(desk.price_of(desk.state.cell_high[desk.places[-1]]))
    wanted = [order for cell in desk.places for order in (cell, MAX_CELLS + cell) if desk.state.order_want[order] > 0]
    return Preview(
        price=desk.price,
        levels=tuple(levels),
        cells=cells,
        init_qty=init * desk.instrument.lot,
        init_quote=desk.quote(init, desk.price),
        net_pct_least=min((cell.net_pct for cell in traded), default=ZERO),
        net_pct_most=max((cell.net_pct for cell in traded), default=ZERO),
        required_quote=worth / desk.leverage + worth * desk.facts.taker_fee,
        reserve_quote=(params.investment or ZERO) * params.fee_reserve_pct / 100,
        exposures=exposures,
        break_even=tuple(desk.break_even(SHORT if larger and larger.side == "short" else LONG)),
        refused=tuple((cell.number, cell.order) for cell in cells if cell.qty == 0),
        maker_fee=desk.facts.maker_fee,
        taker_fee=desk.facts.taker_fee,
        funding_day_quote=None if funding_rate is None else 3 * funding_rate * worth,
        orders_buy=sum(order < MAX_CELLS for order in wanted),
        orders_sell=sum(order >= MAX_CELLS for order in wanted),
    )
