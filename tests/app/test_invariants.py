"""Each invariant finds a violation that was planted, and holds on a record without one."""

import re
from typing import Any

import msgspec
import pytest
from tests.app.planting import Row, ago, plant, row
from tests.builders import D

from tradingboost.app import invariants
from tradingboost.app.invariants import REGISTRY, check
from tradingboost.kit.db import Database
from tradingboost.kit.tables import lease_history, outbox
from tradingboost.services.orders import tables as o
from tradingboost.services.positions import tables as p
from tradingboost.services.strategy import tables as s
from tradingboost.services.users import tables as u

YOUNG = ago(-3600)
"""Later than any moment of the test."""

ME, A = "0190b3a4-0000-7000-8000-000000000001", "0190b3a4-0000-7000-8000-00000000000a"
LEG = {"account_id": A, "symbol": "BTC", "position_side": "net"}
LOT = {**LEG, "lot": D("0.01")}


def account() -> list[Row]:
    owner = row(u.app_users, id=ME)
    return [owner, row(u.exchange_accounts, id=A, user_id=ME, environment="paper", max_notional_quote=D(1000))]


def order(**values: Any) -> Row:
    known = {"order_id": "o", "account_id": A, "user_id": ME, "symbol": "BTC", "position_side": "net"}
    return row(o.orders, **{**known, "origin": "EXTERNAL", "qty": D(1), "lot": D("0.01"), **values})


def intent(**values: Any) -> Row:
    return row(o.intents, **{"intent_id": "i", "account_id": A, "user_id": ME, "recorded_at": ago(60), **values})


def fill(**values: Any) -> Row:
    known = {"fill_id": "f", "order_id": "o", "user_id": ME, "recorded_at": ago(60), **LEG}
    return row(o.fills, **{**known, **values})


def position(**values: Any) -> Row:
    return row(p.positions, **{**LOT, "stop_policy": "none", **values})


BOOKED = row(p.bookings, fill_id="f")
OLD_UNKNOWN = row(o.unknown_periods, order_id="o", account_id=A, symbol="BTC", began_at=ago(121))

VIOLATIONS: dict[str, tuple[str, list[Row]]] = {
    "an order of ours without its intent": ("I1", [order(origin="INTENT", intent_id="gone")]),
    "an intent recorded after the venue had the order": (
        "I1",
        [intent(recorded_at=ago(10)), order(origin="INTENT", intent_id="i", venue_created_at=ago(60))],
    ),
    "an attached stop without its entry": ("I1", [order(origin="ATTACHED")]),
    "a stranger's order with an id of ours": ("I1", [order(origin="EXTERNAL", id_tag_valid=True)]),
    "one id and two orders at the venue": (
        "I2",
        [
            row(o.facts, account_id=A, cl_ord_id="c", id_tag_valid=True, venue_order_id=name, digest=name)
            for name in ("v1", "v2")
        ],
    ),
    "an order of another person": ("I3", [*account(), order(user_id="you")]),
    "an intent of another person": ("I3", [*account(), order(intent_id="i"), intent(user_id="you")]),
    "an intent for another account": ("I3", [*account(), order(intent_id="i"), intent(account_id="b")]),
    "a fill of another person": ("I3", [*account(), order(cum_filled=D(1)), fill(user_id="you"), BOOKED]),
    "a position that is not the sum of its fills": ("I4", [position(qty=D(1))]),
    "fills beyond the position": (
        "I4",
        [position(qty=D(1)), fill(signed_qty=D("1.01")), BOOKED],
    ),
    "a venue that holds something else for a minute": (
        "I4",
        [
            position(qty=D(1), differs_since=ago(61)),
            fill(signed_qty=D(1)),
            BOOKED,
            row(p.venue_snapshots, **LEG, qty=D(2)),
        ],
    ),
    "a fill that was never booked": ("I4", [fill(recorded_at=ago(11))]),
    "more filled than asked for": ("I5", [order(cum_filled=D(2)), fill(qty=D("1.02")), BOOKED]),
    "less counted than filled": ("I5", [order(cum_filled=D("0.5")), fill(qty=D(1)), BOOKED]),
    "an average outside the fills": (
        "I5",
        [order(cum_filled=D(1), avg_price=D(99)), fill(qty=D(1), price=D(100)), BOOKED],
    ),
    "a position without a stop for fifteen seconds": (
        "I6",
        [
            position(qty=D(-1), stop_policy="venue_stop", covered_qty=D("0.5"), uncovered_since=ago(16)),
            fill(signed_qty=D(-1)),
            BOOKED,
        ],
    ),
    "a stop whose position is gone": (
        "I7",
        [order(origin="INTENT", role="stop", status=1, intent_id="i"), intent(), position(flat_since=ago(31))],
    ),
    "a take-profit that never had a position": (
        "I7",
        [order(origin="ATTACHED", parent_order_id="e", role="take_profit", status=1, created_at=ago(31))],
    ),
    "a journal that does not sum to zero": (
        "I8",
        [row(p.ledger, journal_id="j", asset="USDT", bucket="fees", amount=D("0.01"))],
    ),
    "cash that is not the venue's": (
        "I8",
        [row(p.venue_balances, account_id=A, asset="USDT", cash=D("0.01"))],
    ),
    "a saga past its deadline": ("I9", [row(o.sagas, saga_id="s", state="RUNNING", deadline_at=ago(1))]),
    "a parked saga nobody was told of": ("I9", [row(o.sagas, saga_id="s", state="PARKED")]),
    "an event that is not published": ("I10", [row(outbox, aggregate="g", seq=1, created_at=ago(11))]),
    "a hole in an aggregate": (
        "I10",
        [row(outbox, aggregate="g", seq=seq, published_at=ago(1)) for seq in (1, 3)],
    ),
    "a request under a lease that was taken over": (
        "I12",
        [
            row(lease_history, resource=f"account:{A}", token=2, acquired_at=ago(60)),
            row(o.requests, account_id=A, fence_token=1, sent_at=ago(30)),
        ],
    ),
    "an order unknown for two minutes": ("I13", [OLD_UNKNOWN]),
    "an entry while another order is unknown": (
        "I13",
        [
            row(o.unknown_periods, order_id="u", account_id=A, symbol="BTC", began_at=ago(60), ended_at=ago(20)),
            order(),
            row(o.requests, order_id="o", account_id=A, kind="submit", sent_at=ago(30)),
        ],
    ),
    "an exit a switch has blocked": (
        "I14",
        [intent(reduce_only=True, state="DENIED", deny_code="kill_switch_active")],
    ),
    "a decision nobody made": ("I15", [intent(cause="bar:5m:2026-01-01T00:00:00Z", decision_id="gone")]),
    "a decision on a bar that was not closed": (
        "I15",
        [
            row(s.decisions, decision_id="d", bar_confirmed=False),
            intent(cause="bar:5m:2026-01-01T00:00:00Z", decision_id="d"),
        ],
    ),
    "more held than the account may": (
        "I19",
        [
            *account(),
            position(cost=D(-100_001), contract_size=D("0.01"), qty=D(-1), symbol="ETH"),
            fill(signed_qty=D(-1), symbol="ETH"),
            BOOKED,
        ],
    ),
}

FINE: dict[str, list[Row]] = {
    "an order recorded before the venue had it": [
        *account(),
        intent(recorded_at=ago(60)),
        order(origin="INTENT", intent_id="i", venue_created_at=ago(59)),
    ],
    "an id told twice about one order": [
        row(o.facts, account_id=A, cl_ord_id="c", id_tag_valid=True, venue_order_id="v", digest=digest)
        for digest in ("1", "2")
    ],
    "a difference under an open mismatch": [
        position(qty=D(1)),
        row(p.mismatches, **LEG, mismatch_id="m", opened_at=ago(5)),
    ],
    "a fill on its way to the books": [fill(recorded_at=YOUNG)],
    "a position whose stop is on its way": [
        position(qty=D(1), stop_policy="venue_stop", uncovered_since=YOUNG),
        fill(signed_qty=D(1)),
        BOOKED,
    ],
    "a stop whose close is running": [
        order(origin="ATTACHED", parent_order_id="e", role="stop", status=1, created_at=ago(60)),
        row(o.sagas, account_id=A, symbol="BTC", state="WAITING", deadline_at=YOUNG),
    ],
    "a parked saga with its alert": [
        row(o.sagas, saga_id="s", state="PARKED"),
        row(o.alerts, subject_id="s"),
    ],
    "a request of before the lease changed hands, and a protective one after": [
        row(lease_history, resource=f"account:{A}", token=2, acquired_at=ago(60)),
        row(o.requests, account_id=A, fence_token=1, sent_at=ago(61), order_id="1"),
        row(o.requests, account_id=A, fence_token=1, sent_at=ago(30), emergency=True, order_id="2"),
    ],
    "an unknown order that was parked": [
        row(o.unknown_periods, order_id="o", began_at=ago(500), parked_at=ago(380)),
    ],
    "an exit that is too small": [intent(reduce_only=True, state="DENIED", deny_code="below_min_qty")],
    "cash within what a fill may still change": [
        row(p.venue_balances, account_id=A, asset="USDT", cash=D(1)),
        fill(recorded_at=YOUNG),
    ],
}


async def broken(record: Database) -> dict[str, list[str]]:
    """The invariants that do not hold, with the rows that offend."""
    return {result.id: result.offending for result in await check(record) if not result.held}


async def test_on_a_record_without_rows_every_invariant_holds(record: Database) -> None:
    results = await check(record)
    assert [result.id for result in results] == [one.id for one in REGISTRY]
    assert [result for result in results if not result.held or result.offending] == []


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_a_planted_violation_is_found_and_nothing_else(record: Database, name: str) -> None:
    violated, rows = VIOLATIONS[name]
    await plant(record, rows)
    assert list(await broken(record)) == [violated]


@pytest.mark.parametrize("name", FINE)
async def test_what_is_allowed_offends_nobody(record: Database, name: str) -> None:
    await plant(record, FINE[name])
    assert await broken(record) == {}


def test_every_invariant_of_the_registry_has_a_planted_violation() -> None:
    assert {violated for violated, _ in VIOLATIONS.values()} == {one.id for one in REGISTRY}


def test_every_invariant_says_what_must_be_and_only_reads() -> None:
    for one in REGISTRY:
        assert one.says
        assert not re.search(r"(?i)\b(insert|update|delete|truncate|drop|alter)\b", one.query)


async def test_the_first_rows_that_offend_are_named(record: Database) -> None:
    await plant(record, [order(order_id=f"o{number}", origin="INTENT", intent_id=f"{number}") for number in range(9)])
    (rows,) = (await broken(record)).values()
    assert len(rows) == 5
    assert set(rows) <= {f"o{number}" for number in range(9)}


async def test_a_check_that_cannot_run_counts_as_violated(record: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = msgspec.structs.replace(REGISTRY[0], query="SELECT order_id FROM orders.elsewhere")
    monkeypatch.setattr(invariants, "REGISTRY", (wrong, *REGISTRY[1:]))
    found = await broken(record)
    assert list(found) == ["I1"]
    assert found["I1"][0].startswith("could not be checked")


async def test_a_database_that_is_away_violates_everything() -> None:
    away = Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    results = await check(away)
    await away.close()
    assert [result.held for result in results] == [False] * len(invariants.REGISTRY)
