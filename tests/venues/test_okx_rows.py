"""Raw rows into nouns: shapes of the venue's own documents, reduced to the fields that are read."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.venues.stage import OWNER, SWAP_ROW

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Symbol
from tradingboost.core.instrument import InstrumentKind
from tradingboost.core.market import Timeframe
from tradingboost.core.order import OrderType, Phase, PositionSide
from tradingboost.venues import fields
from tradingboost.venues import okx_rows as rows

ORDER: dict[str, Any] = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "ordId": "312269865356374016",
    "clOrdId": "SAENTRY",
    "px": "",
    "sz": "3",
    "ordType": "market",
    "side": "buy",
    "posSide": "net",
    "state": "partially_filled",
    "accFillSz": "1",
    "avgPx": "40000",
    "fillPx": "40000",
    "fillSz": "1",
    "fillTime": "1700000000500",
    "fillFee": "-0.2",
    "fillFeeCcy": "USDT",
    "fillPnl": "0",
    "execType": "T",
    "tradeId": "99",
    "reduceOnly": "false",
    "algoId": "",
    "algoClOrdId": "",
    "cancelSource": "",
    "lastPx": "40000.1",
    "cTime": "1700000000000",
    "uTime": "1700000000501",
}
ALGO: dict[str, Any] = {
    "instId": "BTC-USDT-SWAP",
    "algoId": "1",
    "algoClOrdId": "SASTOP",
    "ordType": "conditional",
    "side": "sell",
    "posSide": "long",
    "sz": "",
    "closeFraction": "1",
    "state": "live",
    "slTriggerPx": "39000",
    "slOrdPx": "-1",
    "tpTriggerPx": "",
    "reduceOnly": "true",
    "failCode": "",
    "cTime": "1700000000000",
    "uTime": "1700000000000",
}


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("live", Phase.LIVE),
        ("partially_filled", Phase.LIVE),
        ("filled", Phase.ENDED),
        ("canceled", Phase.ENDED),
        ("mmp_canceled", Phase.ENDED),
    ],
)
def test_an_order_is_live_or_ended_and_never_called_filled(state: str, phase: Phase) -> None:
    assert rows.order_report({**ORDER, "state": state}, OWNER).phase is phase


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("live", Phase.LIVE),
        ("effective", Phase.TRIGGERED),
        ("canceled", Phase.ENDED),
        ("order_failed", Phase.REJECTED),
    ],
)
def test_a_stop_is_live_triggered_ended_or_rejected(state: str, phase: Phase) -> None:
    assert rows.algo_report({**ALGO, "state": state}, OWNER).phase is phase


def test_a_state_nobody_knows_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        rows.order_report({**ORDER, "state": "frozen"}, OWNER)


def test_a_fill_push_is_a_report_and_a_fill() -> None:
    report, fill = rows.order_report(ORDER, OWNER), rows.pushed_fill(ORDER, OWNER)
    assert (report.qty, report.cum_filled, report.price, report.position_side) == (Decimal(3), Decimal(1), None, None)
    assert report.updated_at == datetime(2023, 11, 14, 22, 13, 20, 501_000, tzinfo=UTC)
    assert fill is not None
    assert (fill.qty, fill.price, fill.fee, fill.last) == (
        Decimal(1),
        Decimal(40000),
        Decimal("-0.2"),
        Decimal("40000.1"),
    )
    assert (fill.trade_id, fill.is_maker, fill.fee_currency) == ("99", False, "USDT")


@pytest.mark.parametrize("quiet", [{"tradeId": ""}, {"fillSz": "0"}, {"fillSz": ""}])
def test_a_push_without_a_match_is_no_fill(quiet: dict[str, str]) -> None:
    assert rows.pushed_fill({**ORDER, **quiet}, OWNER) is None


def test_the_child_of_a_stop_has_no_client_id_of_its_own() -> None:
    child = {**ORDER, "algoId": "1", "algoClOrdId": "SASTOP", "clOrdId": "SASTOP"}
    report, fill = rows.order_report(child, OWNER), rows.pushed_fill(child, OWNER)
    assert (report.client_order_id, report.parent_client_order_id, report.parent_venue_order_id) == (
        None,
        "SASTOP",
        "1",
    )
    assert fill is not None
    assert fill.client_order_id is None


def test_a_stop_that_closes_everything_has_no_size_and_no_price() -> None:
    report = rows.algo_report(ALGO, OWNER)
    assert (report.qty, report.price, report.trigger) == (Decimal(0), None, Decimal(39000))
    assert (report.type, report.position_side, report.reduce_only) == (OrderType.STOP, PositionSide.LONG, True)


@pytest.mark.parametrize(
    ("pos", "side", "qty"),
    [("2", "net", 2), ("-2", "net", -2), ("2", "long", 2), ("2", "short", -2), ("-2", "short", -2)],
)
def test_a_position_is_signed_by_its_direction_in_every_mode(pos: str, side: str, qty: int) -> None:
    row = {"instId": "BTC-USDT-SWAP", "pos": pos, "posSide": side, "avgPx": "1", "markPx": "2", "liqPx": ""}
    leg = rows.position(row)
    assert leg is not None
    assert (leg.qty, leg.position_side.sign) == (Decimal(qty), 1 if qty > 0 else -1)
    assert leg.liquidation_price is None


@pytest.mark.parametrize("pos", ["0", "", "-0"])
def test_a_zero_row_is_no_leg(pos: str) -> None:
    assert rows.position({"instId": "BTC-USDT-SWAP", "pos": pos, "posSide": "net"}) is None


def test_a_mode_nobody_tried_is_refused() -> None:
    with pytest.raises(InvalidInput):
        rows.identity({"uid": "1", "posMode": "new_mode", "acctLv": "2"}, 0)


@pytest.mark.parametrize(("kind", "name"), [("1", "transfer"), ("2", "trade"), ("8", "funding"), ("22", "other")])
def test_bills_keep_the_venues_sign(kind: str, name: str) -> None:
    row = {"billId": "5", "type": kind, "ccy": "USDT", "balChg": "-1.5", "instId": "", "ts": "1700000000000"}
    found = rows.bill(row)
    assert (found.kind, found.amount, found.symbol) == (name, Decimal("-1.5"), None)


def test_rules_of_a_swap_and_of_a_spot_pair() -> None:
    swap = rows.instrument({**SWAP_ROW, "ctMult": "10"})
    assert swap is not None
    assert (swap.contract_size, swap.base, swap.quote, swap.max_leverage) == (Decimal("0.1"), "BTC", "USDT", 100)
    spot = rows.instrument(
        {**SWAP_ROW, "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "lever": ""}
    )
    assert spot is not None
    assert (spot.kind, spot.contract_size, spot.settle) == (InstrumentKind.SPOT, Decimal(1), "USDT")


def test_a_changed_rule_is_another_version() -> None:
    one, other = rows.instrument(SWAP_ROW), rows.instrument({**SWAP_ROW, "tickSz": "0.5"})
    assert one is not None
    assert other is not None
    assert one.version != other.version


@pytest.mark.parametrize("missing", [{"tickSz": ""}, {"ctType": "inverse"}, {"instType": "FUTURES"}, {"maxMktSz": ""}])
def test_an_instrument_without_full_rules_is_not_traded(missing: dict[str, str]) -> None:
    assert rows.instrument({**SWAP_ROW, **missing}) is None


def test_candle_volume_is_base_coin_on_swaps_and_on_spot() -> None:
    row = ["1700000000000", "1", "3", "0.5", "2", "100", "1.5", "3000", "1"]
    symbol = Symbol("BTC-USDT-SWAP")
    assert rows.candle(row, symbol, Timeframe.M1, spot=False).volume == Decimal("1.5")
    assert rows.candle(row, symbol, Timeframe.M1, spot=True).volume == Decimal(100)
    assert rows.closed(row)
    assert not rows.closed([*row[:8], "0"])


@pytest.mark.parametrize(
    ("amount", "text"), [("1.500", "1.5"), ("1E+3", "1000"), ("0.10", "0.1"), ("100", "100"), ("1E-8", "0.00000001")]
)
def test_amounts_are_sent_as_plain_digits(amount: str, text: str) -> None:
    assert fields.text(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("legs", "kind", "trigger"),
    [
        ({}, OrderType.STOP, "39000"),
        ({"slTriggerPx": "", "tpTriggerPx": "41000"}, OrderType.TAKE, "41000"),
        ({"tpTriggerPx": "41000"}, OrderType.STOP, "39000"),  # whoever protects is a stop, whatever else it does
    ],
)
def test_a_trigger_order_is_a_stop_or_a_take_profit(legs: dict[str, str], kind: OrderType, trigger: str) -> None:
    report = rows.algo_report({**ALGO, **legs}, OWNER)
    assert (report.type, report.trigger) == (kind, Decimal(trigger))
