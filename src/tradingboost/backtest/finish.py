"""Closing what is open when the candles end."""

from tradingboost.backtest import money
from tradingboost.backtest.book import FILLED, report
from tradingboost.backtest.records import END_SLOT, MAX_ORDERS, TAKER, Books, Columns, Room
from tradingboost.sim import rules


def close_legs(books: Books, columns: Columns) -> None:
    """Close every open leg at the last close with slippage and taker fee; the kernel is not asked and not told."""
    desk = books.desk[0]
    room = Room(desk, books.orders, books.reports, books.intents, books.out, books.fill[0], books.state[0], None)
    desk.bar = columns.open_ms.size - 1  # the last bars may have been passed over
    desk.now_ms = columns.open_ms[-1] + desk.timeframe_ms
    for leg in range(2):
        lots = int(desk.lots[leg])
        if lots:
            price = rules.taker_price(int(desk.last), lots < 0, int(desk.slippage_ppm))
            charged = rules.fee(rules.notional(price, abs(lots), int(desk.tick_value)), int(desk.taker_rate))
            profit = money.book_fill(desk, leg, -lots, price)
            slipped = abs(price - int(desk.last)) * abs(lots) * int(desk.tick_value)
            desk.cash += profit - charged
            desk.fees += charged
            desk.realised += profit
            desk.slippage += slipped
            books.orders[MAX_ORDERS].position_side = 1 if lots > 0 else -1
            row = report(room, MAX_ORDERS, FILLED, abs(lots), 0)
            row.slot, row.side, row.position_side, row.reason = (
                END_SLOT,
                -1 if lots > 0 else 1,
                1 if lots > 0 else -1,
                0,
            )
            row.price, row.liquidity, row.fee, row.profit, row.slippage = price, TAKER, charged, profit, slipped
    columns.equity[-1] = desk.cash
