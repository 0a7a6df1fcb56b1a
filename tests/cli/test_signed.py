"""`verify-result` tells who signed a result."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.candles import write_candles
from tests.cli.conftest import Ended, Run

pytestmark = pytest.mark.timeout(300)


def data_of(ended: Ended, code: int = 0) -> Any:
    assert ended.code == code, ended.err or ended.out
    return ended.envelope["data"]


def test_the_signature_of_a_result_is_judged_here_and_elsewhere(tb: Run, tmp_path: Path) -> None:
    candles = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1_000)
    words = ("backtesting", "-s", "hyperrsi", "--candles", candles, "--no-band", "--export", "r.json")
    signer = data_of(tb(*words, "--json"))["signer"]
    assert signer["is_new"]
    assert signer["fingerprint"] in tb(*words).out
    mine = data_of(tb("verify-result", "r.json", "--candles", candles, "--json"))
    assert (mine["same"], mine["signature"]["verdict"]) == (True, "good")
    only = ("verify-result", "r.json", "--signature-only", "--json")
    assert data_of(tb(*only))["same"] is None
    elsewhere = ("--data-dir", "elsewhere")
    assert data_of(tb(*only, *elsewhere), 3)["signature"]["verdict"] == "other"
    given = data_of(tb(*only, *elsewhere, "--public-key", signer["public_file"]))["signature"]
    assert (given["verdict"], given["key"]) == ("good", signer["fingerprint"])
    said = tb("verify-result", "r.json", "--candles", candles, *elsewhere)
    assert (said.code, "made by another key" in said.out) == (0, True)
    ended = tb(*only, "--public-key", "nowhere.pub")
    assert (ended.code, ended.envelope["error"]["code"]) == (2, "bad_public_key")


def test_a_file_that_was_changed_is_refused_with_what_differs(tb: Run, tmp_path: Path) -> None:
    candles = write_candles(tmp_path / "okx_swap_BTCUSDT_5m.csv", 1_000)
    data_of(tb("backtesting", "-s", "hyperrsi", "--candles", candles, "--no-band", "--export", "r.json", "--json"))
    path = tmp_path / "r.json"
    path.write_text(path.read_text().replace('"wins":', '"wins":9', 1))
    ended = tb("verify-result", "r.json", "--signature-only", "--json")
    assert ended.code == 2
    assert ended.envelope["error"]["details"]["parts"]
    assert "changed after it was written (" in ended.envelope["error"]["message"]
