"""Rules: what is read, what is refused in which words, which matches act, and what is counted."""

from pathlib import Path
from typing import Any

import pytest
from tests.simulator.faults.bench import NAME, known, place, quick_client
from tests.simulator.stage import BTC, Venue, stepped_settings

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.simulator.faults.catalogue import ACTIONS
from tradingboost.simulator.faults.desk import MOST_RULES
from tradingboost.simulator.faults.rules import Match, Rule, Scene, Standing, When
from tradingboost.simulator.injection.reading import rule_of


def _read(**rule: Any) -> Rule:
    return rule_of({"action": "delay(1)", **rule}, lambda: "f1")


SENSELESS: list[tuple[Any, str]] = [
    ("delay", "must be a JSON object"),
    ({}, "needs an action"),
    ({"action": "delay(1)", "whenn": {}}, "did you mean 'when'"),
    ({"action": "dealy(1)"}, "did you mean 'delay'"),
    ({"action": {"name": "delay", "msec": 5}}, "did you mean 'ms'"),
    ({"action": "delay"}, "needs ms"),
    ({"action": "delay(soon)"}, "must be a number"),
    ({"action": "delay(1.5)"}, "whole number"),
    ({"action": "delay(-1)"}, "between 0"),
    ({"action": "delay(1, 2)"}, "more values"),
    ({"action": "delay(1"}, "cannot be read"),
    ({"action": "accept_then(drops)"}, "did you mean 'drop'"),
    ({"action": "reject"}, "needs a code"),
    ({"action": "delay(1)", "match": {"paht": "trade/order"}}, "did you mean 'path'"),
    ({"action": "delay(1)", "match": {"path": "trade/ordr"}}, "did you mean 'trade/order'"),
    ({"action": "delay(1)", "match": {"path": "GET trade/batch-orders"}}, "There is no path"),
    ({"action": "delay(1)", "match": {"op": "ordre"}}, "did you mean 'order'"),
    ({"action": "delay(1)", "match": {"op": "login"}}, "login is none"),
    ({"action": "delay(1)", "match": {"side": "bye"}}, "did you mean 'buy'"),
    ({"action": "delay(1)", "match": {"account": 1}}, "must be a text"),
    ({"action": "delay(1)", "match": {"path": "trade/order", "op": "order"}}, "not both"),
    ({"action": "delay(1)", "match": {"channel": "orders"}}, "use path or op"),
    ({"action": "delay(1)", "when": {"nth": 0}}, "between 1"),
    ({"action": "delay(1)", "when": {"nth": 2, "every": 2}}, "not both"),
    ({"action": "delay(1)", "when": {"p": 1.2}}, "between 0 and 1"),
    ({"action": "delay(1)", "when": {"from_ms": 9, "to_ms": 5}}, "lies after"),
    ({"action": "delay(1)", "id": "a b"}, "1 to 40 letters"),
    ({"action": "fail_only(trade/order)", "match": {"path": "trade/order"}}, "names its path itself"),
]


@pytest.mark.parametrize(("value", "sentence"), SENSELESS, ids=[sentence for _, sentence in SENSELESS])
def test_a_senseless_rule_is_refused_in_a_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        rule_of(value, lambda: "f1")
    assert refused.value.code == "bad_fault"


def test_both_spellings_of_an_action_mean_the_same() -> None:
    short = _read(action="batch_partial(0 2, 51008)")
    assert short == _read(action={"name": "batch_partial", "items": [0, 2], "sCode": "51008"})
    assert _read(match={"path": "/api/v5/trade/order"}).match.path == "trade/order"


def test_every_action_explains_itself_and_its_defaults_are_allowed() -> None:
    for name, action in ACTIONS.items():
        assert action.says.endswith("."), name
        for param in action.params.values():
            assert not param.choices or param.default in (None, *param.choices), name


def test_every_action_is_on_the_simulators_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    missing = [name for name in ACTIONS if f"`{name.replace('.', '(')}" not in page]
    assert missing == []


BUY = Scene(account="1", path="POST trade/order", insts=("BTC-USDT-SWAP",), sides=("buy",), ord_types=("limit",))


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(account="1", path="trade/order", inst="BTC-USDT-SWAP", side="buy", ord_type="limit"), True),
        (Match(path="POST trade/order"), True),
        (Match(path="GET trade/order"), False),
        (Match(path="trade/*"), True),
        (Match(path="POST trade/*"), True),
        (Match(path="account/*"), False),
        (Match(account="2"), False),
        (Match(inst="ETH-USDT-SWAP"), False),
        (Match(side="sell"), False),
        (Match(op="order"), False),
        (Match(push="orders"), False),
    ],
)
def test_every_given_field_must_fit(match: Match, fits: bool) -> None:
    assert Standing(Rule(id="r", action="delay", values={}, match=match)).fits(BUY) is fits


def _acts(when: When, matches: int = 8, rule: str = "r", now_ms: int = 0) -> list[int]:
    standing = Standing(Rule(id=rule, action="delay", values={}, when=when))
    return [number for number in range(1, matches + 1) if standing.due(7, now_ms)]


def test_the_conditions_choose_among_the_matches() -> None:
    assert _acts(When(nth=3)) == [3]
    assert _acts(When(every=3)) == [3, 6]
    assert _acts(When(count=2)) == [1, 2]
    assert _acts(When(every=2, count=2)) == [2, 4]
    assert _acts(When(from_ms=5), now_ms=4) == []
    assert _acts(When(from_ms=5, to_ms=5), 2, now_ms=5) == [1, 2]


def test_chance_depends_on_rule_and_match_only() -> None:
    half = When(p=500_000_000_000)
    assert _acts(half, 400) == _acts(half, 400)
    assert _acts(half, 400) != _acts(half, 400, rule="other")
    assert 150 < len(_acts(half, 400)) < 250


async def test_the_first_rule_that_is_due_acts(venue: Venue, quick: Any) -> None:
    orders = {"path": "POST trade/batch-orders"}
    await venue.simulator.faults.add({"id": "second", "action": "bad_echo", "match": orders, "when": {"nth": 2}})
    await venue.simulator.faults.add({"id": "any", "action": "delay(1)", "match": orders})
    for number in range(3):
        await place(quick, f"a{number}")
    counted = {row["id"]: (row["matches"], row["acted"]) for row in venue.simulator.faults.report()}
    assert counted == {"second": (3, 1), "any": (2, 2)}


async def test_a_rule_is_told_as_it_was_written(venue: Venue) -> None:
    match = {"account": "1", "instId": "BTC-USDT-SWAP", "ordType": "limit"}
    told = await venue.admin.add_fault("batch_partial(0 1)", match=match, when={"p": "0.25", "count": 3})
    assert (told.match, told.when) == (match, {"p": "0.25", "count": 3})
    assert told.action == {"name": "batch_partial", "items": [0, 1], "sCode": "50026"}


async def test_the_admin_port_makes_lists_and_heals_rules(venue: Venue) -> None:
    made = await venue.admin.add_fault("delay(5)", match={"account": "1"}, when={"count": 2})
    assert (made.id, made.action, made.match) == ("f1", {"name": "delay", "ms": 5}, {"account": "1"})
    with pytest.raises(Conflict, match="exists already"):
        await venue.admin.add_fault("delay(5)", fault_id="f1")
    with pytest.raises(InvalidInput, match="did you mean"):
        await venue.admin.add_fault("delai(5)")
    await venue.admin.add_fault("delay(9)", fault_id="slow")
    assert [rule.id for rule in await venue.admin.faults()] == ["f1", "slow"]
    assert (await venue.admin.remove_fault("f1")).id == "f1"
    with pytest.raises(NotFound, match="list them with GET /faults"):
        await venue.admin.remove_fault("f1")
    assert [rule.id for rule in await venue.admin.heal()] == ["slow"]
    assert await venue.admin.faults() == []


async def test_a_rule_that_never_acts_moves_nothing(open_venue: Any) -> None:
    digests = []
    for rules in (0, 5):
        venue: Venue = await open_venue(stepped_settings(tls=False))
        for _ in range(rules):
            await venue.simulator.faults.add({"action": "partial_fills(3)", "when": {"p": 0}})
        await venue.admin.trade(BTC, "42000", volume="1")
        async with quick_client(venue) as client:
            for number in range(3):
                await place(client, f"a{number}")
        digests.append(await venue.admin.digest())
    assert digests[0] == digests[1]


async def test_the_number_of_rules_is_bounded(venue: Venue) -> None:
    for _ in range(MOST_RULES):
        await venue.simulator.faults.add({"action": "delay(1)"})
    with pytest.raises(Conflict, match="already"):
        await venue.simulator.faults.add({"action": "delay(1)"})
    await venue.simulator.faults.heal()


async def test_a_request_remembers_which_rules_acted(venue: Venue, quick: Any) -> None:
    await venue.admin.add_fault("delay(1)", fault_id="late", match={"path": "trade/*"})
    await place(quick)
    (row,) = (await venue.admin.requests(NAME))["requests"]
    assert row["faults"] == ["late"]
    assert known(venue) == 1
