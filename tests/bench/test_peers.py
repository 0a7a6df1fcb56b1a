"""Other engines: what they answer is checked, and one that is missing or fails is a line and no figure."""

import json
from pathlib import Path

import pytest
from bench.market import Minutes, minutes
from bench.peers import running
from bench.peers.running import PEERS, Peer, Trouble, agreement, answered, asked, compared

from bench import by_hand, limit

PEER = Peer("some", "some")
ANSWER = {"version": "1", "seconds": 0.5, "trades": []}


@pytest.fixture(scope="module")
def market() -> Minutes:
    return minutes()


@pytest.fixture(scope="module")
def trades(market: Minutes) -> list[list[float]]:
    """As a driver tells them."""
    found = limit.trades(market)
    rows = (market.open_ms[found.entered], market.open_ms[found.left], found.entry_prices, found.exit_prices)
    return [[*row] for row in zip(*(column.tolist() for column in rows), strict=True)]


def environment(folder: Path, script: str) -> Path:
    """A folder in which the python of `some` is a shell script."""
    python = folder / "some" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return folder


def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(Trouble, match="no environment some"):
        asked(Path("nowhere"), PEER, Path("candles"))


def test_an_engine_that_fails_is_quoted_by_its_last_line(tmp_path: Path) -> None:
    folder = environment(tmp_path, "echo first >&2; echo 'no such module' >&2; exit 1")
    with pytest.raises(Trouble, match="it failed: no such module"):
        asked(folder, PEER, Path("candles"))


def test_an_engine_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TIMEOUT_S", 0.2)
    with pytest.raises(Trouble, match="not done after"):
        asked(environment(tmp_path, "exec sleep 20"), PEER, Path("candles"))


@pytest.mark.parametrize("output", ["", "done", "[]", '{"seconds": 1}', json.dumps(ANSWER | {"seconds": 0})])
def test_an_answer_without_figures_is_none(output: str) -> None:
    with pytest.raises(Trouble, match="did not answer with figures"):
        answered(output)


def test_the_last_line_is_the_answer() -> None:
    assert answered(f"a banner\n{json.dumps(ANSWER)}\n") == ANSWER


def test_the_same_trades_agree_even_when_their_prices_are_rounded(market: Minutes, trades: list[list[float]]) -> None:
    rounded = [[a, b, round(c, 1), round(d, 1)] for a, b, c, d in trades]
    assert agreement(rounded, market) == {"trades": 338, "same_trades": 338}
    assert agreement(trades[:-1], market) == {"trades": 337, "same_trades": 337}


@pytest.mark.parametrize("lost", [3, 338])
def test_other_trades_are_another_strategy(market: Minutes, trades: list[list[float]], lost: int) -> None:
    moved = [[row[0], row[1] + 60_000, *row[2:]] for row in trades[:lost]] + trades[lost:]
    with pytest.raises(Trouble, match=f"{338 - lost} of 338 trades"):
        agreement(moved, market)


def test_a_missing_engine_has_a_reason_and_no_ratio(
    market: Minutes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, ratios = compared(tmp_path, market, lambda: 0.001)
    assert ratios == {}
    assert set(found) == {peer.name for peer in PEERS}
    assert all("no environment" in one["why"] for one in found.values())
    assert len(capsys.readouterr().err.splitlines()) == len(PEERS)


def test_an_engine_that_trades_alike_has_a_ratio(market: Minutes, trades: list[list[float]], tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(ANSWER | {"trades": trades}))
    found, ratios = compared(environment(tmp_path, f"cat {answer}"), market, lambda: 0.001, [PEER])
    assert ratios == {"w1_vs_some": 500.0}
    assert found["some"] == {"version": "1", "seconds": 0.5, "ours_s": 0.001, "trades": 338, "same_trades": 338}


def test_the_plain_loop_trades_as_often_as_the_limit(market: Minutes) -> None:
    assert by_hand.looped(market)() == 338
