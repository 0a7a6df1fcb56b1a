"""The exact requests of five venues, operation by operation, and a refusal for everything a venue is not asked for.

`python -m tests.venues.goldens --write` writes them anew; a line that changed is read before it is committed.
"""

import json
from typing import Any

import pytest
from tests.venues import goldens

from tradingboost.core.ids import Venue
from tradingboost.venues.capabilities import TABLE, Ask, Way

ORDERS = {
    Ask.LIMIT: "place: limit",
    Ask.POST_ONLY: "place: post_only",
    Ask.IOC: "place: ioc",
    Ask.FOK: "place: fok",
    Ask.MARKET: "place: market_sell",
    Ask.BUY_BY_COST: "place: market_buy_by_cost",
    Ask.ISOLATED: "place: isolated",
    Ask.HEDGE_MODE: "place: hedge_open",
    Ask.STOP: "place: stop",
    Ask.TAKE: "place: take",
    Ask.STOP_LIMIT: "place: stop_limit",
    Ask.TRIGGER_ENTRY: "place: trigger_entry",
    Ask.OCO: "place: oco",
    Ask.ATTACHED_STOP: "place: attached_stop",
    Ask.ATTACHED_TAKE: "place: attached_take",
    Ask.TRAILING: "place: trailing",
    Ask.TRAILING_AMOUNT: "place: trailing_amount",
    Ask.AMEND_ORDER: "amend",
    Ask.AMEND_STOP: "amend_stop",
    Ask.LEVERAGE: "leverage",
    Ask.CANCEL_ALL: "cancel_all",
    Ask.CLOSE_POSITION: "close_position",
    Ask.CLIENT_ID_CREATE: "place: limit",
    Ask.CLIENT_ID_FIND: "find_by_client_id",
    Ask.CLIENT_ID_CANCEL: "cancel_by_client_id",
    Ask.LIST_FILLS: "fills",
}
"""The line that proves a cell."""


def stored(venue: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(goldens.path(venue).read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("venue", goldens.VENUES)
async def test_every_request_leaves_to_the_letter(venue: str) -> None:
    lines, known = await goldens.golden(venue), stored(venue)
    assert list(lines) == list(known)
    assert {name: line for name, line in lines.items() if line != known[name]} == {}


@pytest.mark.parametrize("venue", goldens.VENUES)
@pytest.mark.parametrize("ask", ORDERS)
def test_a_cell_of_the_table_is_proven_by_a_line(venue: str, ask: Ask) -> None:
    line, way = stored(venue)[ORDERS[ask]], TABLE[Venue(venue)].ways[ask]
    if way in (Way.NATIVE, Way.BUILT):
        assert line["sends"], "the table offers what is never sent"
    else:
        assert line["refused"] == ask.name.lower()


@pytest.mark.parametrize("venue", goldens.VENUES)
def test_several_orders_leave_in_one_request_where_the_table_says_so(venue: str) -> None:
    sends = stored(venue)["place_batch"]["sends"]
    together = TABLE[Venue(venue)].offers(Ask.BATCH)
    assert len(sends) == (1 if together else 2)
    for name in (goldens.OURS, goldens.SECOND):
        assert json.dumps(sends).count(name) == 1


@pytest.mark.parametrize("venue", goldens.VENUES)
def test_our_client_id_is_in_every_submission(venue: str) -> None:
    placed = {name: line for name, line in stored(venue).items() if name.startswith("place:") and "sends" in line}
    assert placed
    for name, line in placed.items():
        assert json.dumps(line["sends"]).count(goldens.OURS) >= 1, name
        assert len(line["sends"]) == 1, name


@pytest.mark.parametrize(
    ("venue", "name", "mark"),
    [
        ("binance", "attached_stop", "stopLoss"),
        ("binance", "trailing_amount", "MARKET"),
        ("bybit", "trailing", "trailingPercent"),
        ("bybit", "oco", "trading-stop"),
        ("bitget", "trailing_amount", "trailingAmount"),
        ("upbit", "stop", "stopLossPrice"),
        ("upbit", "oco", "takeProfitPrice"),
    ],
)
def test_the_library_would_send_another_order_for_what_we_refuse(venue: str, name: str, mark: str) -> None:
    line = stored(venue)[f"place: {name}"]
    assert "refused" in line
    assert mark in json.dumps(line["library"])
