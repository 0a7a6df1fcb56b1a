"""`result.json`: everything worth keeping about a run, with a receipt over all of it."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.backtest import figures as f
from tradingboost.backtest.band import Band
from tradingboost.backtest.model import Candles, tidy
from tradingboost.backtest.receipt import Signature, digests, parted
from tradingboost.backtest.remarks import Remark, remarks_on
from tradingboost.backtest.result import BacktestResult, Summary
from tradingboost.backtest.series import Series, series_of
from tradingboost.backtest.story import Event, OrderRow, tell
from tradingboost.backtest.trace import exit_word, plain
from tradingboost.core.errors import InvalidInput

KIND: Final = "tradingboost.backtest"
SCHEMA: Final = 1
JOINT_SCHEMA: Final = 2
"""Of a result of several symbols."""
READ: Final = (SCHEMA, JOINT_SCHEMA)
MOST_GAPS: Final = 1_000


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which candles were tested.

    Args:
        source: file or store they were read from; no part of their identity.
        digest: over times, prices and volumes.
        coverage: candles there are as a share of those the range should have.
        gaps: [last open before, first open after, missing candles], the first thousand.
        warmup_wanted: bars after which more warm-up changes nothing.
        coarse_bars: bars that the finer candles did not cover.
    """

    source: str
    digest: str
    bars: int
    first_ms: int
    last_ms: int
    coverage: float
    missing: int
    gaps: list[list[int]]
    warmup_bars: int
    warmup_wanted: int
    coarse_bars: int = 0


class DealLine(msgspec.Struct, frozen=True, kw_only=True):
    """One deal; prices are averages, `net` = gross - fees + funding, times None while it is open."""

    symbol: str | msgspec.UnsetType = msgspec.UNSET
    number: int
    side: str
    leg: str
    parent: int | None
    opened_ms: int
    closed_ms: int | None
    entries: int
    exits: int
    qty: Decimal
    entry_price: Decimal
    exit_price: Decimal | None
    gross: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    net: Decimal
    net_ratio: float | None
    reason: str | None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One order and what became of it."""

    symbol: str | msgspec.UnsetType = msgspec.UNSET
    at_ms: int
    slot: str
    side: str
    type: str
    qty: Decimal
    price: Decimal | None
    trigger: Decimal | None
    reason: str
    status: str
    done_ms: int | None


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, told in a word."""

    symbol: str | msgspec.UnsetType = msgspec.UNSET
    at_ms: int
    what: str
    slot: str
    note: str
    price: Decimal | None


class SymbolPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one symbol did in a joint run.

    Args:
        drawdown_share: of the account's deepest fall, what this symbol lost in it; below 0 when it gained.
        margin_refusals: entries that the shared balance did not carry.
        summary: as if the rest of the account were not there: its equity is the start and this symbol's own result.
        chart: its price with orders.
    """

    symbol: str
    net: Decimal
    deals: int
    wins: int
    losses: int
    win_rate: float | None
    exposure: float
    drawdown_share: float | None
    margin_refusals: int
    liquidations: int
    data: DataFacts
    summary: Summary
    chart: Series


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A result as it is kept. `receipt` is the digest of everything else in it but the data's source.

    The signature is over the receipt, so that it is no part of it.
    """

    kind: str = KIND
    schema: int = SCHEMA
    receipt: str = ""
    code: str
    request: dict[str, Any]
    data: DataFacts
    summary: Summary
    figures: f.Figures
    monthly: dict[str, float]
    breakdowns: dict[str, list[f.Row]]
    band: Band | None
    warnings: list[str]
    remarks: list[Remark]
    deals: list[DealLine]
    orders: list[OrderLine]
    dropped_orders: int
    events: list[EventLine]
    dropped_events: int
    series: Series
    symbols: list[SymbolPart] | msgspec.UnsetType = msgspec.UNSET
    signature: Signature | msgspec.UnsetType = msgspec.UNSET


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says besides the run itself.

    Args:
        request: what was asked, with the resolved parameters.
        at_bounds: names of parameters that stand at a bound of theirs.
        code: version and fingerprint of what ran.
    """

    request: dict[str, Any]
    data: DataFacts
    code: str
    warnings: Sequence[str] = ()
    at_bounds: Sequence[str] = ()


def document(result: BacktestResult, params: Any, asked: Asked, band: Band | None) -> Document:
    """The result as it is kept, with its receipt."""
    story = tell(result)
    deals = deal_lines(result)
    figures = f.figures(result, params)
    return sealed(
        Document(
            code=asked.code,
            request=asked.request,
            data=asked.data,
            summary=result.summary(),
            figures=figures,
            monthly=f.monthly(result),
            breakdowns=f.breakdowns(result),
            band=band,
            warnings=list(asked.warnings),
            remarks=remarks_of(figures, deals, asked, band, int(result.desk[0]["liquidations"])),
            deals=deals,
            orders=[order_line(result, row) for row in story.orders],
            dropped_orders=story.dropped_orders,
            events=[event_line(result, row) for row in story.events],
            dropped_events=story.dropped_events,
            series=series_of(result, story),
        )
    )


def remarks_of(
    figures: f.Figures, deals: Sequence[DealLine], asked: Asked, band: Band | None, liquidations: int
) -> list[Remark]:
    """What to know before believing a run."""
    return remarks_on(
        figures,
        [float(deal.net) for deal in deals if deal.closed_ms is not None],
        verdict=band.verdict if band else None,
        coverage=asked.data.coverage,
        warmup=(asked.data.warmup_bars, asked.data.warmup_wanted),
        at_bounds=asked.at_bounds,
        liquidations=liquidations,
    )


def sealed(unsigned: Document) -> Document:
    """The same with its receipt."""
    return msgspec.structs.replace(unsigned, receipt=receipt_of(unsigned))


def receipt_of(found: Document) -> str:
    """Digest over everything but the receipt itself, its signature and the name of the candles' source."""
    return sha256(encode(_nameless(found))).hexdigest()


def parts_of(found: Document) -> dict[str, str]:
    """Digests of the single parts of what the receipt is over; they tell which part was changed."""
    return digests(_nameless(found))


def changed_parts(found: Document) -> list[str]:
    """Parts that are not those which were signed; nothing is known of a result that was not signed."""
    return [] if found.signature is msgspec.UNSET else parted(found.signature.parts, parts_of(found))


def _nameless(found: Document) -> Document:
    data = msgspec.structs.replace(found.data, source="")
    return msgspec.structs.replace(found, receipt="", data=data, signature=msgspec.UNSET)


def encode(found: Document) -> bytes:
    """JSON with sorted keys; decimals are strings."""
    return msgspec.json.encode(found, order="deterministic")


def decode(text: bytes, name: str) -> Document:
    """Read a kept result.

    Raises:
        InvalidInput: no result of ours, one of another version, or one that was changed.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
    except msgspec.DecodeError:
        raise InvalidInput("result_unreadable", f"{name} is no back-test result; export one with --export.") from None
    if head.kind != KIND:
        raise InvalidInput("result_unreadable", f"{name} is no back-test result; export one with --export.")
    if head.schema not in READ:
        raise InvalidInput(
            "result_version",
            f"{name} was written by another version (schema {head.schema}, this one reads {_words(READ)}); "
            "run the back-test again.",
            schema=head.schema,
        )
    try:
        found = msgspec.json.decode(text, type=Document)
    except msgspec.DecodeError:
        raise InvalidInput("result_damaged", f"{name} is damaged; run the back-test again.") from None
    if receipt_of(found) != found.receipt:
        parts = changed_parts(found)
        where = f" ({', '.join(parts)})" if parts else ""
        raise InvalidInput(
            "result_changed",
            f"{name} does not fit its receipt: it was changed after it was written{where}.",
            parts=parts,
        )
    return found


def _words(schemas: Sequence[int]) -> str:
    return " and ".join(str(one) for one in schemas)


class _Head(msgspec.Struct, frozen=True):
    kind: str
    schema: int


def digest_of(candles: Candles) -> str:
    """Identity of candles by content: length, times, prices, volumes."""
    total = sha256(str(candles.timeframe_ms).encode())
    for column in (candles.open_ms, candles.opens, candles.highs, candles.lows, candles.closes, candles.volumes):
        total.update(np.ascontiguousarray(column).tobytes())
    return total.hexdigest()


def gaps_of(candles: Candles) -> list[list[int]]:
    """[last open before, first open after, missing candles] of every gap."""
    steps = np.diff(candles.open_ms)
    return [
        [int(candles.open_ms[i]), int(candles.open_ms[i + 1]), int(steps[i]) // candles.timeframe_ms - 1]
        for i in np.flatnonzero(steps != candles.timeframe_ms).tolist()
    ]


def deal_lines(result: BacktestResult) -> list[DealLine]:
    """The deals of one symbol as they are kept."""
    deals, fills, scale = result.deals(), result.fills, result.scale
    ends = fills[deals["last"]]
    value = int(result.desk[0]["tick_value"])
    lines = []
    for number, (deal, end) in enumerate(zip(deals, ends, strict=True)):
        closed = bool(deal["closed"])
        worth = int(deal["entry_sum"]) * value
        lines.append(
            DealLine(
                number=number + 1,
                side="long" if deal["side"] > 0 else "short",
                leg="hedge" if deal["hedge"] else "main",
                parent=int(deal["parent"]) + 1 if deal["parent"] >= 0 else None,
                opened_ms=int(deal["opened_ms"]),
                closed_ms=int(deal["closed_ms"]) if closed else None,
                entries=int(deal["entries"]),
                exits=int(deal["exits"]),
                qty=scale.qty(deal["lots"]),
                entry_price=_average(result, deal["entry_sum"], deal["lots"]),
                exit_price=_average(result, deal["exit_sum"], deal["exit_lots"]) if deal["exit_lots"] else None,
                gross=scale.amount(deal["gross"]),
                fees=scale.amount(deal["fees"]),
                funding=scale.amount(deal["funding"]),
                slippage=scale.amount(deal["slippage"]),
                net=scale.amount(deal["net"]),
                net_ratio=int(deal["net"]) / worth if worth else None,
                reason=exit_word(int(end["slot"]), int(end["reason"])) if closed else None,
            )
        )
    return lines


def _average(result: BacktestResult, total: Any, lots: Any) -> Decimal:
    """An average price, to a hundredth of a tick."""
    tick = result.scale.tick
    return tidy((Decimal(int(total)) * tick / int(lots)).quantize(tick.scaleb(-2)))


def order_line(result: BacktestResult, row: OrderRow) -> OrderLine:
    """An order as it is kept."""
    scale = result.scale
    return OrderLine(
        at_ms=row.at_ms,
        slot=row.slot,
        side="buy" if row.side > 0 else "sell",
        type=row.type,
        qty=scale.qty(row.lots),
        price=scale.price(row.price) if row.price else None,
        trigger=scale.price(row.trigger) if row.trigger else None,
        reason=row.reason,
        status=row.status,
        done_ms=row.done_ms,
    )


def event_line(result: BacktestResult, row: Event) -> EventLine:
    """An event as it is kept."""
    price = result.scale.price(row.price) if row.price else None
    note = row.note
    if note.startswith("from "):
        note = f"from {plain(result.scale.price(int(note[5:])))}"
    return EventLine(at_ms=row.at_ms, what=row.what, slot=row.slot, note=note, price=price)
