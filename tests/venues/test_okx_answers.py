"""Outcomes through the real client library and real sockets: its exceptions decide nothing, the evidence does."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.venues.stage import Answering, account_at, placing, ref, soon
from tests.venues.test_outcome import REFUSED

from tradingboost.core.errors import InvalidInput, Refused, Unavailable
from tradingboost.kit import crash
from tradingboost.kit.clock import SystemClock
from tradingboost.kit.crash import Armed
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.governor import Governor
from tradingboost.venues.okx import OkxAccount


@pytest.fixture
async def okx() -> AsyncIterator[Answering]:
    async with Answering().running() as running:
        yield running


@pytest.fixture
async def account(okx: Answering) -> AsyncIterator[OkxAccount]:
    async with account_at(okx.url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (
            200,
            '{"code":"0","msg":"","data":[{"ordId":"7","clOrdId":"SAENTRY","sCode":"0","sMsg":""}]}',
            ("placed", "0"),
        ),
        (200, '{"code":"0","msg":"","data":[{"ordId":"7","clOrdId":"OTHER","sCode":"0"}]}', ("unknown", "foreign_id")),
        (200, '{"code":"0","msg":"","data":[]}', ("unknown", "empty_answer")),
        (200, '{"code":"0","msg":"","data":[{"ordId":"7"', ("unknown", "http_200")),
        (200, '{"code":"1","msg":"","data":[{"ordId":"","sCode":"51008","sMsg":"margin"}]}', ("refused", "51008")),
        (200, '{"code":"2","msg":"","data":[{"ordId":"","sCode":"51008","sMsg":"margin"}]}', ("refused", "51008")),
        (200, '{"code":"50061","msg":"slow","data":[]}', ("rate", "50061")),
        (429, '{"code":"50011","msg":"slow","data":[]}', ("rate", "50011")),
        (429, "slow down", ("rate", "http_429")),
        (401, '{"code":"50102","msg":"time","data":[]}', ("clock", "50102")),
        (401, '{"code":"50113","msg":"sign","data":[]}', ("auth", "50113")),
        (500, '{"code":"51149","msg":"timeout","data":[]}', ("unknown", "51149")),
        (503, '{"code":"50001","msg":"down","data":[]}', ("unknown", "50001")),
        (503, "<html>", ("unknown", "http_503")),
        (403, "<html>", ("unknown", "http_403")),
        (200, '{"code":"1","msg":"","data":[{"sCode":"51016","sMsg":"dup"}]}', ("unknown", "51016")),
        (200, '{"code":"1","msg":"","data":[{"sCode":"50036","sMsg":"late"}]}', ("refused", "expired_at_venue")),
        (200, '{"code":"1","msg":"","data":[{"sCode":"59999","sMsg":"?"}]}', ("unknown", "59999")),
    ],
)
async def test_an_answer_is_judged_by_what_it_says(
    okx: Answering, account: OkxAccount, status: int, body: str, verdict: tuple[str, str]
) -> None:
    okx.status, okx.body = status, body
    outcome = await account.place(placing(), soon())
    assert (outcome.kind.value, outcome.code) == verdict
    assert len(okx.posts) == 1


async def test_a_body_cut_on_its_way_is_unknown(okx: Answering, account: OkxAccount) -> None:
    okx.cut, okx.body = True, '{"code":"0","msg":"","data":[{"ordId":"7","clOrdId":"SAENTRY","sCode":"0"}]}'
    assert (await account.place(placing(), soon())).kind is OutcomeClass.UNKNOWN


async def test_an_order_is_not_sent_a_second_time_by_a_redirect(okx: Answering, account: OkxAccount) -> None:
    okx.redirect = "/elsewhere"
    assert (await account.place(placing(), soon())).kind is OutcomeClass.UNKNOWN
    assert [path for path, _ in okx.posts] == ["/api/v5/trade/batch-orders"]


async def test_an_order_whose_time_is_over_is_not_written(okx: Answering, account: OkxAccount) -> None:
    outcome = await account.place(placing(), soon(-0.001))
    assert (outcome.kind, outcome.code) == (OutcomeClass.NOT_SENT, "expired")
    assert okx.posts == []


async def test_a_venue_that_cannot_be_reached_was_not_sent_anything() -> None:
    async with account_at("http://127.0.0.1:9") as account:
        assert (await account.place(placing(), soon())).kind is OutcomeClass.NOT_SENT
        with pytest.raises(Unavailable):
            await account.find(ref("SAENTRY"))


async def test_an_amendment_that_found_nothing_says_gone(okx: Answering, account: OkxAccount) -> None:
    okx.body = '{"code":"1","msg":"","data":[{"sCode":"51400","sMsg":"gone"}]}'
    assert (await account.cancel(ref("SAENTRY"))).kind is OutcomeClass.GONE


async def test_a_path_that_moves_money_away_is_never_signed(account: OkxAccount) -> None:
    for path in ("asset/withdrawal", "asset/transfer", "users/subaccount/apikey"):
        with pytest.raises(Refused):
            account._instance.sign(path, ["private"], "POST", {})


async def test_what_okx_is_not_asked_for_is_refused_before_any_call(okx: Answering, account: OkxAccount) -> None:
    with pytest.raises(InvalidInput, match="lot"):
        await account.place(placing(qty=placing().qty / 3), soon())
    with pytest.raises(InvalidInput, match="tick"):
        await account.place(placing(attached_stop=placing().qty / 3, attached_client_order_id="SASTOP"), soon())
    assert okx.posts == []


async def test_orders_carry_their_deadline_in_venue_time_as_a_header(okx: Answering, account: OkxAccount) -> None:
    headers: list[str] = []
    original = account._instance.fetch

    async def fetch(url: str, method: str, sent: dict[str, str], body: str) -> object:
        headers.append(sent.get("expTime", ""))
        return await original(url, method, sent, body)

    account._instance.fetch = fetch
    at = SystemClock().now() + timedelta(seconds=3)
    await account.place(placing(expires_at=at), soon())
    await account.cancel(ref("SAENTRY"))
    assert headers == [str(int(at.timestamp() * 1000)), ""]
    assert "expTime" not in json.dumps(okx.posts)


@pytest.mark.parametrize(("status", "on_top"), [(200, False), (200, True), (400, True), (500, False)])
async def test_every_judged_code_survives_the_library(
    okx: Answering, account: OkxAccount, status: int, on_top: bool
) -> None:
    judged = {str(code): "refused" for code in REFUSED}
    judged |= dict.fromkeys(
        ("50001", "50004", "50013", "50026", "51149", "51054", "51016", "50071", "51065"), "unknown"
    )
    judged |= {"50011": "rate", "50061": "rate", "50102": "clock", "50036": "refused"}
    judged |= dict.fromkeys(("50100", "50101", "50103", "50105", "50110", "50111", "50113", "50120"), "auth")
    found = {}
    for number, code in enumerate(judged):
        account._public.transport.governor = Governor(SystemClock())  # what an answer closes is another test's
        row = [] if on_top else [{"ordId": "", "sCode": code, "sMsg": ""}]
        okx.status, okx.body = status, json.dumps({"code": code if on_top else "1", "msg": "", "data": row})
        found[code] = (await account.place(placing(f"SA{number}"), soon())).kind.value
    assert found == judged
    assert len(okx.posts) == len(judged)


async def test_who_dies_after_writing_has_written_the_whole_order(
    okx: Answering, account: OkxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise RuntimeError(name)

    okx.body = '{"code":"0","msg":"","data":[{"ordId":"7","clOrdId":"SAENTRY","sCode":"0","sMsg":""}]}'
    monkeypatch.setattr(crash, "_armed", Armed("exchange.submit.after_write", 1, die))
    outcome = await account.place(placing(), soon())
    assert outcome.kind is OutcomeClass.UNKNOWN  # nobody has heard the answer
    async with asyncio.timeout(5):
        while not okx.posts:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    ((path, body),) = okx.posts
    assert path.endswith("trade/batch-orders")
    assert json.loads(body)[0]["clOrdId"] == "SAENTRY"
    cancelled = await account.cancel(ref("SAENTRY"))  # only submissions come by there
    assert cancelled.kind is not OutcomeClass.NOT_SENT
