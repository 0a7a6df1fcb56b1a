"""`why` on the command line: back-tests and names nobody knows."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

pytestmark = pytest.mark.timeout(300)


def data_of(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


@pytest.fixture
def market(tmp_path: Path) -> Path:
    return write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1_000)


def test_a_new_and_a_kept_back_test_are_explained(tb: Run, market: Path) -> None:
    words = ("-s", "hyperrsi", "--candles", market)
    receipt = data_of(tb("backtesting", *words, "--no-band", "--json"))["receipt"]
    whole = data_of(tb("why", *words, "--json"))
    assert whole == data_of(tb("why", receipt[:12], "--candles", market, "--json"))
    assert {one["subject"] for one in whole["often"]} <= {"long", "short", "add", "hedge"}
    assert len(whole["events"]) == 10
    part = data_of(tb("why", receipt[:12], "--candles", market, "--timerange", "20240103-", "--json"))
    assert part["closes"] == 424 < whole["closes"]
    at = data_of(tb("why", *words, "--at", "2024-01-03T12:02+00:00", "--json"))
    assert at["at"].startswith("2024-01-03T12:00")
    drawn = tb("why", *words, "--at", "2024-01-03T12:00")
    assert (drawn.code, "2024-01-03 12:00 UTC" in drawn.out, "RSI" in drawn.out) == (0, True, True)
    korean = tb("why", "latest", "--candles", market, "--lang", "ko")
    assert (korean.code, "RSI 조건이 충족되지 않음" in korean.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("why", "latest"), 4, "backtesting-show"),
        (("why", "cafebabe"), 4, "No run was ever started here"),
        (("verify-result", "--live", "cafebabe"), 4, "No run was ever started here"),
        (("why",), 4, "No run was ever started here"),
        (("why", "cafebabe", "--at", "2024-01-01T00:00"), 2, "--at is for back-tests"),
        (("why", "latest", "--at", "yesterday"), 2, "is no time"),
        (("why", "latest", "--lang", "fr"), 2, "en or ko"),
        (("why", "latest", "--fee", "0"), 2, "its own --fee"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(tb: Run, words: tuple[str, ...], code: int, says: str) -> None:
    ended = tb(*words)
    assert (ended.code, says in ended.sentence) == (code, True), ended.err
