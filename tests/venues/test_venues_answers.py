"""One story, told by four venues in their own manner, read into the same facts."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.venues import goldens
from tests.venues.answers import ANSWERS, OURS
from tests.venues.markets import Recorder, recorded

from tradingboost.core.errors import Refused, Unavailable
from tradingboost.core.order import (
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Phase,
    PositionSide,
    Side,
    VenueReport,
    merge_fill,
    merge_report,
)
from tradingboost.venues.base import TradingVenue
from tradingboost.venues.fields import moment

VENUES = tuple(ANSWERS)
SWAPS = tuple(venue for venue in VENUES if venue != "upbit")
D = Decimal


async def read(venue: str, name: str, *answers: Any) -> Any:
    """What an operation makes of the answers of the story (or of others)."""
    operation = {"find_nothing": "find_by_client_id"}.get(name, name)
    given = list(answers) or ANSWERS[venue][name]
    async with recorded(venue, Recorder(*given)) as account:
        return await goldens.operations(venue)[operation](account)


def of(reports: list[VenueReport], venue_order_id: str) -> VenueReport:
    return next(report for report in reports if report.venue_order_id == venue_order_id)


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_is_found_with_its_fills(venue: str) -> None:
    found = await read(venue, "find")
    report = found.report
    assert (report.client_order_id, report.venue_order_id, report.is_algo) == (OURS, "77", False)
    assert (report.phase, report.side, report.type) == (Phase.LIVE, Side.BUY, OrderType.LIMIT)
    assert (report.qty, report.cum_filled) == (D("0.01"), D("0.004"))
    assert report.price == (D(50000000) if venue == "upbit" else D("40000.1"))
    assert sum(fill.qty for fill in found.fills) == D("0.004")
    assert {fill.venue_order_id for fill in found.fills} == {"77"}
    order = merge_report(Order(qty=D("0.01"), lot=D("0.001")), report)
    for fill in [*found.fills, *found.fills]:
        order = merge_fill(order, fill)
    assert (order.status, order.filled, order.settling) == (OrderStatus.OPEN, D("0.004"), False)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_charged_fee_is_negative_at_every_venue(venue: str) -> None:
    found: list[Fill] = await read(venue, "fills")
    charged = D(-100) if venue == "upbit" else D("-0.064")
    assert sum(fill.fee for fill in found) == charged
    assert {fill.fee_currency for fill in found} == {"KRW" if venue == "upbit" else "USDT"}
    assert len({fill.key for fill in found}) == len(found)
    assert found == sorted(found, key=lambda fill: fill.at)


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_the_venue_does_not_know_is_absent_and_a_failed_look_is_not(venue: str) -> None:
    found = await read(venue, "find_nothing")
    assert (found.report, found.fills) == (None, [])
    for failed in ((500, "<html>busy</html>"), (200, "{"), (400, {"code": 1, "retCode": 1, "error": {"name": "x"}})):
        with pytest.raises(Unavailable):
            await read(venue, "find_nothing", failed)


@pytest.mark.parametrize("venue", SWAPS)
async def test_stops_are_listed_beside_orders(venue: str) -> None:
    reports = await read(venue, "open_orders")
    stop = of(reports, "88")
    assert (stop.client_order_id, stop.is_algo, stop.phase, stop.side) == ("SASTOP", True, Phase.LIVE, Side.SELL)
    assert (stop.type, stop.trigger, stop.qty) == (OrderType.STOP, D(39000), D("0.004"))
    assert stop.reduce_only
    assert of(reports, "77").client_order_id == OURS
    named = msgspec.structs.replace(goldens.ref(venue, algo=True), venue_order_id=stop.venue_order_id)
    async with recorded(venue, Recorder(*ANSWERS[venue]["find_stop"])) as account:
        assert (await account.find(named)).report == stop


@pytest.mark.parametrize("venue", ["binance", "bitget"])
async def test_the_order_a_stop_made_names_the_stop_and_takes_no_id_from_it(venue: str) -> None:
    reports = await read(venue, "ended_orders")
    stop, child = of(reports, "88"), of(reports, "99")
    assert (stop.phase, stop.is_algo) == (Phase.TRIGGERED, True)
    assert (child.client_order_id, child.parent_client_order_id, child.parent_venue_order_id) == (None, "SASTOP", "88")
    assert (child.phase, child.cum_filled, child.side) == (Phase.ENDED, D("0.004"), Side.SELL)


async def test_a_stop_of_bybit_goes_on_under_its_own_id() -> None:
    reports = await read("bybit", "ended_orders")
    assert [report.venue_order_id for report in reports] == ["79", "88"]
    assert (of(reports, "88").phase, of(reports, "88").cum_filled) == (Phase.ENDED, D("0.004"))
    assert of(reports, "79").reason == "CancelByUser"


async def test_what_closes_a_leg_of_a_hedged_bitget_account_is_told_with_its_true_side() -> None:
    hedged = of(await read("bitget", "open_orders"), "78")
    assert (hedged.side, hedged.position_side, hedged.reduce_only) == (Side.SELL, PositionSide.LONG, True)
    assert (hedged.type, hedged.client_order_id) == (OrderType.POST_ONLY, None)


@pytest.mark.parametrize("venue", SWAPS)
async def test_flat_legs_are_no_positions_and_a_turned_leg_has_its_sign(venue: str) -> None:
    short, other = await read(venue, "positions")
    assert (short.symbol, short.position_side, short.qty) == ("BTCUSDT", PositionSide.SHORT, D("-0.004"))
    assert (short.average_price, short.mark, short.liquidation_price) == (D("40000.1"), D(40100), None)
    assert (other.symbol, other.qty) == ("SOLUSDT", D(-2) if venue == "binance" else D(2))
    assert other.position_side.sign == (1 if other.qty > 0 else -1)
    assert other.liquidation_price == D("200.5" if venue == "binance" else "100.5")


@pytest.mark.parametrize("venue", VENUES)
async def test_cash_counts_what_is_held_and_no_open_profit(venue: str) -> None:
    (balance,) = await read(venue, "balances")
    expected = ("KRW", D(100), D("19.5")) if venue == "upbit" else ("USDT", D("99.936"), D("19.936"))
    assert (balance.asset, balance.cash, balance.available) == expected


@pytest.mark.parametrize("venue", SWAPS)
async def test_the_ledger_tells_funding_from_trades_and_transfers(venue: str) -> None:
    bills = await read(venue, "bills")
    assert [bill.kind for bill in bills] in (["transfer", "trade", "funding"], ["transfer", "funding", "trade"])
    by_kind = {bill.kind: bill for bill in bills}
    assert (by_kind["funding"].amount, by_kind["funding"].symbol) == (D("-0.01"), "BTCUSDT")
    assert (by_kind["trade"].amount, by_kind["transfer"].symbol) == (D("-0.064"), None)


@pytest.mark.parametrize("venue", SWAPS)
async def test_an_account_says_whose_it_is_in_which_mode_and_whether_it_may_withdraw(venue: str) -> None:
    identity = await read(venue, "identity")
    assert identity.exchange_uid in ("1", "SgsR")
    assert identity.position_mode == "hedge"
    assert {"trade", "withdraw"} <= set(identity.permissions)


async def test_keys_of_upbit_prove_nothing_about_themselves() -> None:
    identity = await read("upbit", "identity")
    assert (identity.permissions, identity.position_mode) == (("permissions_unproven",), "net")


@pytest.mark.parametrize("venue", SWAPS)
async def test_a_setting_that_is_as_asked_is_a_success(venue: str) -> None:
    assert await read(venue, "leverage") == 5


@pytest.mark.parametrize("venue", VENUES)
async def test_only_closed_candles_are_told(venue: str) -> None:
    (candle,) = await read(venue, "candles")
    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (1, 3, D("0.5"), 2, D("10.5"))
    assert candle.open_at == moment(1767225000000)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_price_is_told_with_its_mark(venue: str) -> None:
    tick = await read(venue, "price")
    expected = (D(50000000), D(50000000)) if venue == "upbit" else (D("40000.1"), D("40001.5"))
    assert (tick.last, tick.mark, tick.at) == (*expected, moment(1767225600000))


async def test_a_market_buy_of_upbit_counts_what_it_bought() -> None:
    (bought,) = await read("upbit", "ended_orders")
    assert (bought.type, bought.qty, bought.cum_filled, bought.price) == (
        OrderType.MARKET,
        D("0.002"),
        D("0.002"),
        None,
    )
    assert (bought.phase, bought.client_order_id) == (Phase.ENDED, None)


@pytest.mark.parametrize(
    ("venue", "answer"),
    [
        ("binance", (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})),
        ("bitget", (400, {"code": "40037", "msg": "Apikey does not exist", "data": None})),
        ("bybit", (200, {"retCode": 10003, "retMsg": "API key is invalid.", "result": {}})),
        ("upbit", (401, {"error": {"name": "invalid_access_key", "message": "no"}})),
    ],
)
async def test_keys_the_venue_does_not_accept_are_refused_and_not_tried_again(venue: str, answer: Any) -> None:
    with pytest.raises(Refused) as caught:
        await read(venue, "balances", answer)
    assert caught.value.code == "credentials_refused"


@pytest.mark.parametrize("venue", VENUES)
async def test_every_account_is_a_trading_venue(venue: str) -> None:
    promised = {name for name in vars(TradingVenue) if not name.startswith("_")}
    async with recorded(venue, Recorder()) as account:
        assert {name for name in promised if not hasattr(account, name)} == set()
        assert account.capabilities.venue == venue


async def test_keys_without_a_passphrase_are_refused_where_the_venue_wants_one() -> None:
    async with recorded("bitget", Recorder()) as account:
        account.instance.password = ""
        with pytest.raises(Refused) as caught:
            await account.balances()
    assert caught.value.code == "credentials_refused"
