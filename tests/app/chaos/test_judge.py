"""The judge finds what was planted, and nothing on a record without a fault."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.app.planting import Row, ago, plant, row
from tests.builders import D

from tradingboost.app.books import Comparison
from tradingboost.app.chaos import judge
from tradingboost.app.chaos.judge import judged, recorded
from tradingboost.app.chaos.town import Town
from tradingboost.app.chaos.waiting import settled, waits
from tradingboost.app.wiring import Platform
from tradingboost.core.order import OrderStatus, RequestKind, Resolution
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.db import Database
from tradingboost.kit.tables import dead_letters, outbox
from tradingboost.services.orders import tables as o
from tradingboost.services.strategy import tables as s


def order(**values: Any) -> Row:
    return row(o.orders, **{"order_id": "o", "account_id": "a", "origin": "INTENT", "status": 0, **values})


def saga(**values: Any) -> Row:
    return row(o.sagas, **{"saga_id": "s", "order_id": "o", "deadline_at": ago(-60), **values})


def request(name: str, **values: Any) -> Row:
    known = {"request_id": name, "order_id": "o", "kind": RequestKind.SUBMIT, "resolution": Resolution.ACKED}
    return row(o.requests, **{**known, **values})


def unknown(**values: Any) -> Row:
    return row(
        o.unknown_periods, **{"order_id": "o", "account_id": "a", "symbol": "BTC", "began_at": ago(90), **values}
    )


FAULTS: dict[str, tuple[str, list[Row]]] = {
    "a saga parked in silence": ("saga s is parked without an alert", [order(), saga(state="PARKED")]),
    "a saga left open after a fill": (
        "saga s of a filled or ended entry is still open",
        [order(cum_filled=D(1)), saga(state="RUNNING")],
    ),
    "a saga left open after the end": (
        "saga s of a filled or ended entry is still open",
        [order(ended_at=ago(1)), saga(state="RUNNING")],
    ),
    "an event given up": (" was given up by a consumer", [row(dead_letters)]),
    "an order found too late": (
        "order o rested at the venue and was unknown to us for more than a minute",
        [order(status=OrderStatus.OPEN), unknown(ended_at=ago(10))],
    ),
}

SOUND: dict[str, list[Row]] = {
    "a parked saga with its alert": [order(), saga(state="PARKED"), row(o.alerts, subject_id="s")],
    "a saga that waits for its entry": [order(), saga(state="RUNNING")],
    "a saga that ended": [order(cum_filled=D(1)), saga(state="COMPLETED")],
    "a submit and a cancel": [order(), request("r1"), request("r2", kind=RequestKind.CANCEL)],
    "an order found in time": [order(status=OrderStatus.OPEN), unknown(ended_at=ago(40))],
    "an order proven absent": [order(), unknown(ended_at=ago(1))],
}

WAITING: dict[str, list[Row]] = {
    "requests without an outcome": [order(), request("r1", resolution=Resolution.NONE)],
    "unknown orders": [unknown()],
    "sagas of filled entries": [order(cum_filled=D(1)), saga(state="RUNNING")],
    "unpublished events": [row(outbox, published_at=None)],
    "fills that are not booked": [row(o.fills)],
    "wishes": [row(s.wishes, done_at=None)],
}


@pytest.mark.parametrize(("says", "rows"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_of_the_record_is_told(record: Database, says: str, rows: list[Row]) -> None:
    await plant(record, rows)
    (found,) = await recorded(record)
    assert says in found


@pytest.mark.parametrize("rows", SOUND.values(), ids=SOUND.keys())
async def test_nothing_is_told_of_what_is_sound(record: Database, rows: list[Row]) -> None:
    await plant(record, rows)
    assert await recorded(record) == []


@pytest.mark.parametrize(("name", "rows"), WAITING.items(), ids=WAITING.keys())
async def test_what_waits_is_counted(record: Database, name: str, rows: list[Row]) -> None:
    await plant(record, rows)
    assert await waits(record) == {name: 1}


async def test_what_is_parked_with_a_person_is_not_waited_for(record: Database) -> None:
    parked = [order(parked_reason="look"), request("r1", resolution=Resolution.LOST), unknown(parked_at=ago(1))]
    await plant(record, parked)
    assert await settled(record, SystemClock(), 5.0) == {}


async def test_waiting_ends_with_what_still_waits(record: Database) -> None:
    await plant(record, [unknown()])
    assert await settled(record, SystemClock(), 0.01) == {"unknown orders": 1}


async def test_everything_wrong_is_counted_and_told(record: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Exchange:
        async def truth(self, uid: str) -> dict[str, Any]:
            held = {"text": {"instId": "BTC", "posSide": "net", "pos": "1"}}
            return {"positions": [held], "algos": [], "orders": [{"text": {"clOrdId": "A"}}] * 2}

        async def requests(self, limit: int) -> dict[str, Any]:
            return {"post_count": {"A": 2, "B": 1}}

        async def check(self) -> list[str]:
            return ["money came from nowhere"]

    async def unequal(*_: object) -> Comparison:
        return Comparison(equal=False, differences=["cash USDT: ours 1, the exchange's 2"], orders=2, fills=0)

    monkeypatch.setattr(judge, "compare_books", unequal)
    await plant(record, [order(), saga(state="PARKED")])
    account = SimpleNamespace(label="demo", exchange_uid="1")
    town = cast(Town, SimpleNamespace(accounts=[account], admin=Exchange()))
    platform = cast(Platform, SimpleNamespace(context=SimpleNamespace(db=record)))
    verdict = await judged(town, platform)
    assert (verdict.books_equal_venue, verdict.duplicate_client_ids, verdict.orders) == (False, 1, 2)
    assert (verdict.sent_twice, verdict.silent_sagas) == (1, 1)
    told = "\n".join(verdict.broken)
    for says in ("cash USDT", "stops for 0", "A names 2 orders", "sent 2 times", "nowhere", "parked without", "I9"):
        assert says in told, says
