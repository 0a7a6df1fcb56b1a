"""What a venue is asked for is checked against its table and its grid before anything is built."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.venues import goldens
from tests.venues.answers import BITGET_ORDER, bitget
from tests.venues.markets import SYMBOLS, Recorder, listed, recorded
from tests.venues.stage import placing

from tradingboost.core.errors import InvalidInput
from tradingboost.core.order import OrderType, PositionSide, Side
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.bitget_requests import renamed
from tradingboost.venues.capabilities import BINANCE, TABLE, UPBIT, Ask, Way
from tradingboost.venues.ticket import Kind, Mode, Ticket, check, left_to_the_platform

D = Decimal
NET = Mode(hedge=False, trigger_by="mark")
LIMIT, _ = goldens.ticket("binance", "limit")


def refused(ticket: Ticket, venue: str = "binance", mode: Mode = NET) -> str:
    with pytest.raises(InvalidInput) as caught:
        check(ticket, listed(venue)[0], mode, TABLE[listed(venue)[0].venue])
    return caught.value.code


def changed(**changes: Any) -> Ticket:
    return msgspec.structs.replace(LIMIT, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"qty": D("0.0005")}, "bad_qty"),
        ({"qty": D("0.0015")}, "bad_qty"),
        ({"qty": D(0)}, "bad_qty"),
        ({"price": D("40000.05")}, "bad_price"),
        ({"price": None}, "bad_price"),
        ({"price": D(-1)}, "bad_price"),
        ({"margin_mode": "both"}, "bad_margin_mode"),
        ({"second_leg": True}, "position_mode_changed"),
        ({"kind": Kind.STOP, "trigger": D(39000)}, "stop_must_reduce"),
        ({"kind": Kind.STOP, "trigger": None, "reduce_only": True}, "bad_price"),
        ({"kind": Kind.TRAILING, "trail": D("1.5"), "reduce_only": True}, "bad_trail"),
        ({"kind": Kind.TRAILING, "trail": None, "reduce_only": True}, "bad_price"),
        ({"attached_stop": D(39000)}, "unsupported_by_venue"),
        ({"kind": Kind.MARKET, "price": None, "cost": D(100), "qty": D(0)}, "unsupported_by_venue"),
    ],
)
def test_an_order_that_is_not_on_the_grid_or_not_in_the_table_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refused(changed(**changes)) == code


def test_only_a_market_buy_on_spot_is_told_what_to_spend() -> None:
    spend, _ = goldens.ticket("upbit", "market_buy_by_cost")
    check(spend, listed("upbit")[0], NET, UPBIT)
    for changes in ({"qty": D("0.01")}, {"side": Side.SELL}, {"cost": D(0)}):
        assert refused(msgspec.structs.replace(spend, **changes), "upbit") == "bad_cost"


def test_a_stop_the_platform_places_after_the_fill_does_not_travel_with_the_entry() -> None:
    asked = changed(attached_stop=D(39000), attached_client_order_id="SASTOP")
    bare = left_to_the_platform(asked, BINANCE)
    assert (bare.attached_stop, bare.attached_client_order_id) == (None, None)
    assert left_to_the_platform(asked, UPBIT) == asked
    assert UPBIT.ways[Ask.ATTACHED_STOP] is Way.REFUSED


@pytest.mark.parametrize("venue", ["binance", "bitget", "bybit"])
async def test_an_entry_with_a_stop_leaves_without_it_where_the_platform_places_it(venue: str) -> None:
    recorder = Recorder()
    order = placing(
        goldens.OURS,
        symbol=SYMBOLS[venue],
        qty=D("0.01"),
        attached_stop=D(39000),
        attached_client_order_id="SASTOP",
    )
    async with recorded(venue, recorder) as account:
        await account.place(order, 1e12)
    (sent,) = recorder.sent
    assert "39000" not in str(sent)
    assert "SASTOP" not in str(sent)


async def test_an_entry_with_a_stop_is_refused_where_nobody_would_place_it() -> None:
    recorder = Recorder()
    order = placing(
        goldens.OURS,
        symbol=SYMBOLS["upbit"],
        type=OrderType.LIMIT,
        price=D(50000000),
        qty=D("0.01"),
        attached_stop=D(49000000),
        attached_client_order_id="SASTOP",
    )
    async with recorded("upbit", recorder) as account:
        with pytest.raises(InvalidInput) as caught:
            await account.place(order, 1e12)
    assert (caught.value.code, recorder.sent) == ("unsupported_by_venue", [])


@pytest.mark.parametrize(("venue", "qty"), [("binance", "0.002"), ("bybit", "0.001"), ("upbit", "0.00009")])
async def test_an_entry_worth_less_than_the_venue_takes_is_refused_and_an_exit_is_not(venue: str, qty: str) -> None:
    price = {"upbit": D(50000000), "bybit": D(4000)}.get(venue, D(40000))
    small = msgspec.structs.replace(goldens.ticket(venue, "limit")[0], qty=D(qty), price=price)
    recorder = Recorder()
    async with recorded(venue, recorder) as account:
        with pytest.raises(InvalidInput) as caught:
            await account.submit(small, 1e12, goldens.NOW)
        assert (caught.value.code, recorder.sent) == ("below_minimum_value", [])
        exit_ = msgspec.structs.replace(small, side=Side.SELL, position_side=PositionSide.LONG, reduce_only=True)
        await account.submit(exit_, 1e12, goldens.NOW)
    assert len(recorder.sent) == 1


@pytest.mark.parametrize(
    ("side", "price", "sent"), [(Side.BUY, "1000500", "1000000"), (Side.SELL, "999700", "1000000")]
)
async def test_a_price_on_upbit_is_put_on_the_unit_of_its_band_to_our_side(side: Side, price: str, sent: str) -> None:
    recorder = Recorder()
    asked = msgspec.structs.replace(goldens.ticket("upbit", "limit")[0], side=side, price=D(price))
    async with recorded("upbit", recorder) as account:
        one, least = listed("upbit")
        account.public._listed = {one.symbol: (msgspec.structs.replace(one, tick=D(100)), least)}
        await account.submit(asked, 1e12, goldens.NOW)
    assert recorder.sent[0]["says"]["price"] == sent


async def test_a_mode_the_venue_refuses_is_read_again_before_the_next_order() -> None:
    recorder = Recorder({"retCode": 10001, "retMsg": "position idx not match position mode", "result": {}})
    ticket, _ = goldens.ticket("bybit", "limit")
    async with recorded("bybit", recorder) as account:
        await account.submit(ticket, 1e12, goldens.NOW)
        assert (account._identity, account._modes) == (None, {})


async def test_an_amended_order_of_bitget_is_still_known_by_its_first_name() -> None:
    row = {**BITGET_ORDER, "orderId": "78", "baseVolume": "0"}
    done = {"code": "00000", "msg": "", "data": {"orderId": "78"}}
    recorder = Recorder(done, done)
    async with recorded("bitget", recorder) as account:
        for _ in range(2):
            assert (await account.amend(goldens.amendment("bitget", algo=False))).kind is OutcomeClass.PLACED
        first, second = (request["says"] for request in recorder.sent)
        assert first["clientOid"] == goldens.OURS
        assert second["clientOid"] == first["newClientOid"] != second["newClientOid"]
        recorder.answers = [bitget({**row, "clientOid": second["newClientOid"]})]
        found = await account.find(goldens.ref("bitget", by="client"))
        assert recorder.sent[-1]["says"]["clientOid"] == second["newClientOid"]
        assert found.report.client_order_id == goldens.OURS
        for name in (first["newClientOid"], second["newClientOid"]):
            assert (len(name), name.isalnum(), name.isupper()) == (30, True, True)


async def test_an_order_of_bitget_somebody_amended_before_a_restart_is_found_by_its_next_name() -> None:
    absent = (400, {"code": "40109", "msg": "The data of the order cannot be found", "data": None})
    row = {**BITGET_ORDER, "baseVolume": "0", "clientOid": renamed(goldens.OURS)}
    recorder = Recorder(absent, bitget(row))
    async with recorded("bitget", recorder) as account:
        found = await account.find(goldens.ref("bitget", by="client"))
    assert [request["says"]["clientOid"] for request in recorder.sent] == [goldens.OURS, renamed(goldens.OURS)]
    assert found.report.client_order_id == goldens.OURS
