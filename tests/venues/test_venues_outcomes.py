"""What a write at Binance, Bitget, Bybit or Upbit did, row by row of their tables, through the real client library."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.venues import goldens
from tests.venues.markets import Recorder, recorded
from tests.venues.stage import Answering

from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass
from tradingboost.venues.answers import MANNERS
from tradingboost.venues.evidence import Evidence, Step
from tradingboost.venues.outcome import Asked, Write, classify

VENUES = ("binance", "bitget", "bybit", "upbit")
OURS = goldens.OURS
NAMED = {
    "insufficient_funds_*": "insufficient_funds_bid",
    "under_min_total_*": "under_min_total_ask",
    "invalid_price_*": "invalid_price_bid",
    "invalid_volume_*": "invalid_volume_ask",
    "create_*_error": "create_bid_error",
}
RECORDED = {
    "binance": {"-2019": '{"code":-2019,"msg":"Margin is insufficient."}'},
    "bybit": {
        "110003": '{"retCode":110003,"retMsg":"price is invalid","result":{},"retExtInfo":{},"time":1706237383729}'
    },
}
"""Payloads people recorded: the only codes that are definite."""


def refusal(venue: str, code: str) -> str:
    """An answer that refuses with a code, as the venue words it."""
    said: dict[str, Any] = {
        "binance": {"code": int(code) if code.lstrip("-").isdigit() else 0, "msg": "said"},
        "bitget": {"code": code, "msg": "said", "requestTime": 1, "data": None},
        "bybit": {"retCode": int(code) if code.isdigit() else 0, "retMsg": "said", "result": {}, "time": 1},
        "upbit": {"error": {"name": code, "message": "said"}},
    }
    return json.dumps(said[venue])


def yes(venue: str, **changes: Any) -> Any:
    """An answer that names our order."""
    rows: dict[str, dict[str, Any]] = {
        "binance": {"orderId": 77, "clientOrderId": OURS, "symbol": "BTCUSDT"},
        "bitget": {"orderId": "77", "clientOid": OURS},
        "bybit": {"orderId": "77", "orderLinkId": OURS},
        "upbit": {"uuid": "77", "identifier": OURS, "state": "wait"},
    }
    row = {name: value for name, value in (rows[venue] | changes).items() if value is not None}
    wrapped: dict[str, Any] = {"bitget": {"code": "00000", "msg": "success", "data": row}}
    wrapped["bybit"] = {"retCode": 0, "retMsg": "OK", "result": row}
    return wrapped.get(venue, row)


def judged(venue: str, body: str, status: int = 200, write: Write = Write.SUBMIT) -> Outcome:
    evidence = Evidence(step=Step.ANSWERED, status=status, body=body)
    return classify(evidence, Asked(write, OURS), MANNERS[venue].codes).outcome


TABLE = [(venue, code) for venue in VENUES for code in MANNERS[venue].codes.expected]


@pytest.mark.parametrize(("venue", "code"), TABLE)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_code_nobody_recorded_is_unknown_whatever_its_page_says(venue: str, code: str, status: int) -> None:
    found = judged(venue, refusal(venue, NAMED.get(code, code)), status)
    assert found.kind is OutcomeClass.UNKNOWN
    documented = MANNERS[venue].codes.expected[code]
    assert ("not proven" in found.message) or found.message.startswith("duplicate")
    assert documented.value in found.message or found.message.startswith("duplicate")


@pytest.mark.parametrize(("venue", "code"), [(venue, code) for venue, found in RECORDED.items() for code in found])
def test_a_recorded_refusal_is_one(venue: str, code: str) -> None:
    assert judged(venue, RECORDED[venue][code], 400).kind is OutcomeClass.REFUSED
    assert judged(venue, RECORDED[venue][code], 200).code == code


def test_no_code_is_definite_without_a_recorded_payload() -> None:
    definite = {venue: set(MANNERS[venue].codes.common) for venue in VENUES if MANNERS[venue].codes.common}
    assert definite == {venue: set(found) for venue, found in RECORDED.items()}
    assert [venue for venue in VENUES if MANNERS[venue].codes.of] == []


@pytest.mark.parametrize("venue", VENUES)
def test_placed_is_said_by_an_id_and_our_own_echo_and_by_nothing_less(venue: str) -> None:
    venue_id, echo = {
        "binance": ("orderId", "clientOrderId"),
        "bitget": ("orderId", "clientOid"),
        "bybit": ("orderId", "orderLinkId"),
        "upbit": ("uuid", "identifier"),
    }[venue]
    found = judged(venue, json.dumps(yes(venue)))
    assert (found.kind, found.venue_order_id) == (OutcomeClass.PLACED, "77")
    for changes in ({venue_id: None}, {venue_id: ""}, {echo: None}, {echo: "another"}):
        assert judged(venue, json.dumps(yes(venue, **changes))).kind is OutcomeClass.UNKNOWN, changes
    assert judged(venue, json.dumps(yes(venue)), 500).kind is OutcomeClass.UNKNOWN
    assert (judged(venue, json.dumps(yes(venue)), 201).kind is OutcomeClass.PLACED) is (venue == "upbit")


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("status", [200, 400, 403, 404, 408, 418, 500, 502, 503])
def test_what_cannot_be_read_proves_nothing(venue: str, status: int) -> None:
    whole = json.dumps(yes(venue))
    for body in ("", "<html>busy</html>", "{", "[]", "null", "0", "{}", whole[: len(whole) // 2]):
        assert judged(venue, body, status).kind is OutcomeClass.UNKNOWN, body
        assert judged(venue, body, 429).kind is OutcomeClass.RATE or body == "{}", body


def test_a_plan_that_was_not_cancelled_says_so_although_the_answer_is_a_success() -> None:
    for listed, kind in (([{"orderId": "77", "clientOid": OURS}], OutcomeClass.PLACED), ([], OutcomeClass.UNKNOWN)):
        failed = [] if listed else [{"orderId": "77", "clientOid": OURS, "errorMsg": "no"}]
        answer = {"code": "00000", "msg": "success", "data": {"successList": listed, "failureList": failed}}
        assert judged("bitget", json.dumps(answer), write=Write.CANCEL).kind is kind


def test_a_cancelled_stop_of_binance_has_a_code_that_is_no_refusal() -> None:
    body = json.dumps({"algoId": 88, "clientAlgoId": OURS, "code": "200", "msg": "success"})
    evidence = Evidence(step=Step.ANSWERED, status=200, body=body)
    found = classify(evidence, Asked(Write.CANCEL, OURS, algo=True), MANNERS["binance"].codes).outcome
    assert (found.kind, found.venue_order_id) == (OutcomeClass.PLACED, "88")


@asynccontextmanager
async def at(venue: str, answering: Answering) -> AsyncIterator[Any]:
    """An account whose requests reach a server that answers what it is told."""
    async with recorded(venue, Recorder()) as account:
        account.instance.urls["api"] = _everywhere(account.instance.urls["api"], answering.url)
        del account.instance.fetch
        yield account


def _everywhere(urls: Any, url: str) -> Any:
    return {name: _everywhere(one, url) for name, one in urls.items()} if isinstance(urls, dict) else url


async def placed(account: Any, venue: str, seconds: float = 5.0) -> Outcome:
    ticket, _ = goldens.ticket(venue, "limit")
    clock = account.clock
    found: Outcome = await account.submit(ticket, clock.monotonic() + seconds, clock.now() + timedelta(seconds=5))
    return found


@pytest.mark.parametrize("venue", VENUES)
async def test_every_kind_of_answer_survives_the_library_and_nothing_leaves_twice(venue: str) -> None:
    async with Answering().running() as answering, at(venue, answering) as account:
        first = list(MANNERS[venue].codes.expected)[1]
        story = [
            (200, json.dumps(yes(venue)), OutcomeClass.PLACED),
            (400, refusal(venue, NAMED.get(first, first)), OutcomeClass.UNKNOWN),
            (200, "{", OutcomeClass.UNKNOWN),
            (502, "<html>busy</html>", OutcomeClass.UNKNOWN),
        ]
        story += [(400, body, OutcomeClass.REFUSED) for body in RECORDED.get(venue, {}).values()]
        for status, answering.body, kind in story:
            answering.status = status
            assert (await placed(account, venue)).kind is kind, answering.body
        assert len(answering.posts) == len(story)
        answering.cut, answering.status, answering.body = True, 200, json.dumps(yes(venue))
        assert (await placed(account, venue)).kind is OutcomeClass.UNKNOWN
        late = await placed(account, venue, -1.0)
        assert (late.kind, late.code) == (OutcomeClass.NOT_SENT, "expired")
        assert len(answering.posts) == len(story) + 1
        answering.cut, answering.status, answering.body = False, 429, "slow down"
        assert (await placed(account, venue)).kind is OutcomeClass.RATE


@pytest.mark.parametrize("venue", VENUES)
async def test_no_order_is_sent_a_second_time_by_a_redirect_and_none_without_a_connection(venue: str) -> None:
    async with Answering().running() as answering, at(venue, answering) as account:
        answering.redirect = "/elsewhere"
        assert (await placed(account, venue)).kind is OutcomeClass.UNKNOWN
        assert len(answering.posts) == 1
        account.instance.urls["api"] = _everywhere(account.instance.urls["api"], "http://127.0.0.1:9")
        assert (await placed(account, venue)).kind is OutcomeClass.NOT_SENT
