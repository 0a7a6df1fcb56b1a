"""The report of differences names the first cause and nothing else."""

import msgspec
from tests.unit.backtest.story import Wish, play

from tradingboost.backtest import Trace, differences
from tradingboost.backtest.compare import report
from tradingboost.strategies.contract import Type

BARS = [(100.0, 100.0, 100.0, 100.0), (100.0, 106.0, 94.0, 103.0), (103.0, 108.0, 101.0, 102.0)]
WISHES = [
    Wish(bar=0),
    Wish(after="entry", slot="tp:1", side="sell", type=Type.LIMIT, price=105.0, reduce_only=True),
    Wish(bar=1, slot="buy:1", type=Type.LIMIT, price=90.0),
]


def trace() -> Trace:
    return play(BARS, WISHES).trace()


def test_equal_traces_have_no_differences() -> None:
    assert differences(trace(), trace()) == []
    assert report([]) == "The two runs agree."


def test_a_changed_field_is_named_with_both_values() -> None:
    other = trace()
    changed = [other.fills[0], msgspec.structs.replace(other.fills[1], price="105.1", fee="0.1")]
    found = differences(trace(), msgspec.structs.replace(other, fills=changed))
    assert [(row.what, row.index, row.fields) for row in found] == [("fills", 1, ("price", "fee"))]
    assert "price '105' -> '105.1'" in report(found)


def test_a_missing_line_does_not_shift_the_rest() -> None:
    other = trace()
    found = differences(trace(), msgspec.structs.replace(other, intents=other.intents[1:]))
    assert [(row.what, row.index, row.actual) for row in found] == [("intents", 0, None)]
    assert report(found).startswith("intents[0] missing: at_ms=")


def test_an_extra_line_is_told_as_extra() -> None:
    other = trace()
    found = differences(trace(), msgspec.structs.replace(other, fills=[*other.fills, other.fills[0]]))
    assert [(row.what, row.expected) for row in found] == [("fills", None)]
    assert "extra" in report(found)


def test_ignored_fields_may_differ() -> None:
    other = trace()
    late = [msgspec.structs.replace(line, at_ms=line.at_ms + 1) for line in other.fills]
    shifted = msgspec.structs.replace(other, fills=late)
    assert differences(trace(), shifted, ignore=["at_ms"]) == []
    assert len(differences(trace(), shifted)) == 2


def test_an_open_position_is_compared() -> None:
    without = msgspec.structs.replace(trace(), positions=[])
    holding = play(BARS, WISHES[:1]).trace()
    assert [line.qty for line in holding.positions] == ["1"]
    assert [row.what for row in differences(msgspec.structs.replace(holding, positions=[]), holding)] == ["positions"]
    assert differences(trace(), without) == []


def test_a_trace_survives_as_json() -> None:
    text = msgspec.json.encode(trace())
    assert msgspec.json.decode(text, type=Trace) == trace()
