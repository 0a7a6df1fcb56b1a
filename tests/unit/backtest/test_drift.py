"""Why a live run parts from its back-test."""

import msgspec
import pytest

from tradingboost.backtest.drift import Cause, Circumstances, drifts
from tradingboost.backtest.trace import FillLine, IntentLine, Trace

MINUTE = 60_000
KNOWN = Circumstances(bar_ms=MINUTE)


def fill(minute: float, slot: str, side: str, position: str, **changes: str) -> FillLine:
    line = FillLine(
        at_ms=int(minute * MINUTE),
        slot=slot,
        side=side,
        position_side="long",
        qty="1",
        price="100",
        fee="0.05",
        liquidity="taker",
        reason="",
        position=position,
    )
    return msgspec.structs.replace(line, **changes)


def deal(minute: float, **changes: str) -> list[FillLine]:
    return [fill(minute, "entry", "buy", "1", **changes), fill(minute + 3, "sl", "sell", "0")]


def causes(tested: list[FillLine], lived: list[FillLine], known: Circumstances = KNOWN) -> list[Cause]:
    return [one.cause for one in drifts(Trace(fills=tested), Trace(fills=lived), known)]


def wish(minute: int, **changes: str) -> IntentLine:
    line = IntentLine(minute * MINUTE, "place", "entry", "buy", "long", "market", "1", "0", "0", False, "signal")
    return msgspec.structs.replace(line, **changes)


def test_two_equal_stories_have_no_difference() -> None:
    story = Trace(intents=[wish(1)], fills=[*deal(1), *deal(10)])
    assert drifts(story, story, KNOWN) == []


def test_an_order_filled_in_pieces_is_compared_as_a_whole() -> None:
    pieces = [
        fill(1, "entry", "buy", "0.4", qty="0.4", fee="0.02"),
        fill(1.1, "entry", "buy", "1", qty="0.6", fee="0.03"),
        fill(4, "sl", "sell", "0"),
    ]
    assert causes(deal(1), pieces) == []


@pytest.mark.parametrize(
    ("changes", "cause", "what"),
    [
        ({"price": "100.2"}, Cause.FILL_MODEL, "price"),
        ({"liquidity": "maker"}, Cause.FILL_MODEL, "size"),
        ({"qty": "0.9"}, Cause.FILL_MODEL, "size"),
        ({"fee": "0.07"}, Cause.FEE, "fee 0.07 for 0.05"),
    ],
)
def test_a_fill_that_differs_names_what_does(changes: dict[str, str], cause: Cause, what: str) -> None:
    [found] = drifts(Trace(fills=deal(1)), Trace(fills=deal(1, **changes)), KNOWN)
    assert (found.cause, found.what, found.slot) == (cause, what, "entry")


def test_a_late_fill_is_latency_within_a_candle_and_across_two() -> None:
    soon = [fill(1.5, "entry", "buy", "1"), fill(4, "sl", "sell", "0")]
    late = [fill(2.5, "entry", "buy", "1"), fill(4, "sl", "sell", "0")]
    assert causes(deal(1), soon) == causes(deal(1), late) == [Cause.LATENCY]


def test_a_resting_order_that_fills_elsewhere_is_no_matter_of_the_model() -> None:
    tested, lived = deal(1, liquidity="maker"), deal(1, liquidity="maker", price="99")
    assert causes(tested, lived) == [Cause.UNKNOWN]


def test_what_comes_behind_a_difference_follows_until_both_are_flat_and_agree_again() -> None:
    tested = [*deal(1), *deal(10), *deal(20), *deal(30)]
    lived = [*deal(1, price="101"), *deal(20), *deal(40)]  # the second is missed since the first ended otherwise
    found = causes(tested, lived)
    assert found[:3] == [Cause.FILL_MODEL, Cause.FOLLOWS, Cause.FOLLOWS]
    assert found[3:] == [Cause.UNKNOWN, Cause.FOLLOWS, Cause.FOLLOWS, Cause.FOLLOWS]  # deal 20 agreed: in step again


def test_a_fill_that_only_one_side_has_is_unknown_unless_something_explains_it() -> None:
    assert causes(deal(1), [])[0] is Cause.UNKNOWN
    assert causes([], deal(1))[0] is Cause.UNKNOWN
    assert causes(deal(1), [], msgspec.structs.replace(KNOWN, other_code=True))[0] is Cause.CODE
    assert causes(deal(1), [], msgspec.structs.replace(KNOWN, refused=[(0, "entry")]))[0] is Cause.REJECTED
    assert causes(deal(9), [], msgspec.structs.replace(KNOWN, refused=[(0, "entry")]))[0] is Cause.UNKNOWN


def test_candles_that_were_missed_explain_what_comes_behind_them_and_nothing_before() -> None:
    gap = msgspec.structs.replace(KNOWN, gaps=[(5 * MINUTE, 7 * MINUTE)])
    assert causes(deal(6), [], gap)[0] is Cause.DATA
    assert causes(deal(1), [], gap)[0] is Cause.UNKNOWN
    agreed = deal(10)
    assert causes([*agreed, *deal(20)], agreed, gap)[0] is Cause.UNKNOWN  # in step again long after the gap


def test_wishes_that_differ_are_told_where_all_fills_agree() -> None:
    tested, lived = Trace(intents=[wish(1), wish(2)]), Trace(intents=[wish(1), wish(2, price="99")])
    [found] = drifts(tested, lived, KNOWN)
    assert (found.cause, found.what, found.lived) == (Cause.UNKNOWN, "wish: price", "place 1 @ 99")
    [missed] = drifts(tested, Trace(intents=[wish(1)]), KNOWN)
    assert (missed.what, missed.lived) == ("wish: only in the back-test", "")


def test_legs_held_side_by_side_are_flat_only_together() -> None:
    known = msgspec.structs.replace(KNOWN, apart=True)
    hedge = msgspec.structs.replace(fill(2, "hedge", "sell", "-1"), position_side="short")
    close = msgspec.structs.replace(fill(6, "hedge_sl", "buy", "0"), position_side="short")
    tested = [fill(1, "entry", "buy", "1"), hedge, fill(4, "sl", "sell", "0"), close]
    lived = [fill(1, "entry", "buy", "1", price="101"), hedge, fill(4, "sl", "sell", "0"), close]
    later = fill(9, "entry", "buy", "1")
    assert causes([*tested, later], lived, known) == [Cause.FILL_MODEL, Cause.FOLLOWS]
