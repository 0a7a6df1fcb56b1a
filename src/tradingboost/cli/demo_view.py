"""What the demo draws: its opening, the live view and the summary."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tradingboost.cli.show import facts, money, number, price, sparkline, table, tick

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from tradingboost.app.demo import DemoRequest, PartPicture, Picture, Summary
    from tradingboost.app.settings import Settings
    from tradingboost.shared.interfaces.orders import OrderView
    from tradingboost.shared.interfaces.positions import PositionView

_EVENTS_DRAWN = 5
_ORDERS_DRAWN = 6
_FIXED_ROWS = 11
"""Frame, market, headings and gaps of the live view, and the line below it."""


def opening(request: "DemoRequest", settings: "Settings") -> "RenderableType":
    """What will happen, before it does."""
    from tradingboost.app.places import data_dir

    market = f"{request.candles.name}" if request.candles else f"a made-up market (seed {request.seed})"
    length = f", {request.minutes:,} minutes of it" if request.minutes else ""
    pace = (
        "as fast as the platform reacts" if request.speed is None else f"{request.speed:g} times as fast as real time"
    )
    rows = [
        ("1", f"start {'PostgreSQL and Redis' if settings.db.address() is None else 'on the named servers'}"
              f" and the whole platform in {data_dir(settings)}"),
        ("2", "open a simulated exchange that speaks OKX's wire protocol"),
        ("3", f"link one account with 10,000 USDT of play money for each of: {', '.join(request.strategies)}"),
        ("4", f"replay {market}{length}, {pace}"),
        ("5", "sum up, and compare our books with the exchange's own"),
    ]  # fmt: skip
    return facts(
        "The demo will", [*rows, ("", "No real money and no outside connection. Ctrl-C stops it at any time.")]
    )


def starting() -> "RenderableType":
    """Until the first candle."""
    from rich.spinner import Spinner

    return Spinner("dots", "starting PostgreSQL, Redis, the exchange and the platform ...")


def line(picture: "Picture") -> str:
    """The picture in one line, for a log."""
    fills = sum(part.books.fills for part in picture.parts)
    moved = picture.moved
    return f"{moved.index:,} of {moved.total:,} candles, price {moved.last}, {fills} fills, {picture.seconds:.0f} s"


def live(picture: "Picture", width: int, height: int) -> "RenderableType":
    """The whole live view, shortened to the height of the terminal."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    positions = _positions(picture)
    used = _FIXED_ROWS + len(picture.parts) + (positions.row_count + 3 if positions.row_count else 0)
    orders = min(max(height - used, 1), _ORDERS_DRAWN)
    events = min(max(height - used - orders - 2, 0), _EVENTS_DRAWN)
    parts: list[RenderableType] = [_market(picture, width - 4), "", _runs(picture), ""]
    if positions.row_count:
        parts += [positions, ""]
    parts.append(_orders(picture, orders))
    if picture.events and events:
        shown = "\n".join(text.split("\n")[0] for text in picture.events[:events])
        parts += ["", Text("events", style="bold"), Text(shown, style="dim", no_wrap=True, overflow="ellipsis")]
    return Panel(
        Group(*parts), title="[bold]TradingBoost demo[/]", subtitle="[dim]Ctrl-C stops[/]", border_style="cyan"
    )


def summary(found: "Summary") -> "Iterator[RenderableType]":
    """The tables at the end, and whether everything agrees."""
    from rich.text import Text

    yield ""
    yield _by_strategy(found)
    yield ""
    held = sum(result.held for result in found.invariants)
    yield Text.assemble(
        tick(found.books_equal_venue), " our books equal the exchange's   ",
        tick(held == len(found.invariants)), f" {held} of {len(found.invariants)} invariants held   ",
        (f"{found.bars:,} candles of {found.timeframe}, {found.bars_per_second:.0f} a second", "dim"),
    )  # fmt: skip
    for name, part in found.strategies.items():
        for difference in part.book_differences[:5]:
            yield Text(f"  {name}: {difference}", style="red")
    for result in found.invariants:
        if not result.held:
            yield Text(f"  {result.id} {result.says}: {'; '.join(result.offending[:2])}", style="red")


def _by_strategy(found: "Summary") -> "Table":
    from rich.text import Text

    columns = ("", "orders", "fills", "entries", "exits", "fees", "funding", "booked", "open", "profit")
    rows: list[list[str | Text]] = [
        [
            name,
            str(part.orders),
            str(part.fills),
            str(part.entries),
            str(part.take_profits + part.stops + part.grid_cycles),
            money(part.fees, signed=True),
            money(part.funding, signed=True),
            money(part.realized, signed=True),
            money(part.unrealized, signed=True),
            money(part.pnl, signed=True),
        ]
        for name, part in found.strategies.items()
    ]
    parts = list(found.strategies.values())
    rows.append(
        [
            Text("total", style="bold"),
            str(found.orders),
            str(found.fills),
            str(sum(part.entries for part in parts)),
            str(sum(part.take_profits + part.stops + part.grid_cycles for part in parts)),
            money(found.fees, signed=True),
            money(found.funding, signed=True),
            money(sum((part.realized for part in parts), Decimal(0)), signed=True),
            money(sum((part.unrealized for part in parts), Decimal(0)), signed=True),
            money(found.pnl, signed=True),
        ]
    )
    return table(f"{found.symbol}, in USDT", columns, rows, columns[1:])


def _market(picture: "Picture", width: int) -> "RenderableType":
    from rich.text import Text

    moved = picture.moved
    at = datetime.fromtimestamp(moved.market_ms / 1000, UTC)
    share = moved.index / moved.total
    pace = moved.index / picture.seconds if picture.seconds else 0.0
    head = Text.assemble(
        (f"{number(float(moved.last))} ", "bold"), f"{at:%Y-%m-%d %H:%M} UTC   ",
        (f"candle {moved.index:,} of {moved.total:,} ({share:.0%}), {pace:.0f} a second", "dim"),
    )  # fmt: skip
    rising = len(picture.prices) > 1 and picture.prices[-1] >= picture.prices[0]
    return Text.assemble(head, "\n", (sparkline(picture.prices, width), "green" if rising else "red"))


def _runs(picture: "Picture") -> "Table":
    rows = [
        (
            part.strategy,
            str(part.books.fills),
            money(part.books.cash.get("USDT")),
            money(part.books.realized_quote, signed=True),
            money(part.books.fees_quote, signed=True),
            money(part.books.funding_quote, signed=True),
            money(_profit(part), signed=True),
        )
        for part in picture.parts
    ]
    columns = ("run", "fills", "cash", "realized", "fees", "funding", "profit")
    return table("", columns, rows, columns[1:])


def _profit(part: "PartPicture") -> Decimal | None:
    """After fees and funding, with what is still open; None while a price is missing."""
    books = part.books
    booked = books.realized_quote + books.fees_quote + books.funding_quote
    opened = [leg.unrealized_quote for leg in part.positions]
    return None if None in opened else booked + sum((one for one in opened if one is not None), Decimal(0))


def _positions(picture: "Picture") -> "Table":
    rows = [
        (
            part.strategy,
            "long" if leg.qty > 0 else "short",
            number(abs(leg.qty)),
            price(leg.average_price),
            _targets(part, leg),
            number(leg.stop_price),
            money(leg.unrealized_quote, signed=True),
        )
        for part in picture.parts
        for leg in part.positions
        if leg.qty
    ]
    columns = ("position", "side", "quantity", "entry", "take profit", "stop", "open profit")
    return table("", columns, rows, columns[2:])


def _targets(part: "PartPicture", leg: "PositionView") -> str:
    """The nearest resting order that would close a part of the leg with a profit."""
    closing = [
        order.price
        for order in part.orders
        if order.state in ("OPEN", "PARTIAL") and order.price is not None and (order.side.sign > 0) != (leg.qty > 0)
    ]
    if not closing:
        return number(None)
    return number(min(closing) if leg.qty > 0 else max(closing))


def _orders(picture: "Picture", count: int) -> "Table":
    newest = sorted((order for part in picture.parts for order in part.orders), key=_made, reverse=True)
    names = {order.order_id: part.strategy for part in picture.parts for order in part.orders}
    rows = [
        (
            names[order.order_id],
            order.slot,
            order.side.value,
            order.type.value,
            number(order.qty),
            number(order.price if order.price is not None else order.trigger or order.average_price),
            order.state,
        )
        for order in newest[:count]
    ]
    return table("", ("last orders", "for", "side", "type", "quantity", "price", "state"), rows, ("quantity", "price"))


def _made(order: "OrderView") -> datetime:
    return order.created_at
