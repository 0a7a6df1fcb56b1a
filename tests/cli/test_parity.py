"""How a parity run over members is told."""

import io
from datetime import UTC, datetime

from rich.console import Console

from tradingboost.app.every_member import Report, Tried
from tradingboost.cli.parity import _show_members


def told(*tried: Tried, stopped: bool = False) -> str:
    report = Report(
        symbol="BTC-USDT-SWAP",
        timeframe="1m",
        begins=datetime(2025, 6, 13, 0, 12, tzinfo=UTC),
        bars=400,
        sets=2,
        fills=31,
        seconds=61.4,
        tried=list(tried),
    )
    console = Console(file=io.StringIO(), width=140, color_system=None)
    _show_members(console, report, stopped)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def member(name: str, **more: object) -> Tried:
    return Tried(**{"strategy": "hyperrsi", "parameter": "entry_option", "member": name, **more})  # type: ignore[arg-type]


def test_every_member_has_a_row_and_says_whose_set_it_shares_or_why_it_was_left_out() -> None:
    text = told(member("turn", intents=40, fills=31), member("level", same_as="tp_option atr"), member("x", unfit="no"))
    assert "Every member on BTC-USDT-SWAP 1m, 400 candles from 2025-06-13 00:12" in text
    rows = {line.split()[2]: line.split() for line in text.splitlines() if line.startswith(" hyperrsi")}
    rows |= {line.split()[2]: line.split() for line in text.splitlines() if line.startswith("hyperrsi")}
    assert rows["turn"][3:5] == ["40", "31"]
    assert rows["level"][-3:] == ["as", "tp_option", "atr"]
    assert rows["x"][3:] == ["-", "-", "-", "no"]
    assert "2 different sets, 31 fills, 61 s" in text


def test_a_difference_is_shown_once_with_the_member_it_belongs_to() -> None:
    line = "state.qty differs: 0.2 -> 0.1"
    text = told(member("turn", differences=[line]), member("level", differences=[line], same_as="entry_option turn"))
    assert text.count(f"entry_option turn: {line}") == 1
    assert text.count(line) == 1
    assert "Stopped by you" in told(member("turn"), stopped=True)
