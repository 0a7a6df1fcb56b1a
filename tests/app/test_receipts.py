"""Signed receipts: who vouches for a result, and what was changed since."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.app.test_backtest_results import GRID
from tests.cli.candles import write_candles

from tradingboost.app import receipts, results
from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import backtest
from tradingboost.app.receipts import PUBLIC, Verdict, fingerprint, judged, refuse_broken, signed
from tradingboost.app.secrets import RECEIPTS
from tradingboost.app.settings import Settings
from tradingboost.backtest.document import Document, decode, encode, parts_of, receipt_of, sealed
from tradingboost.backtest.receipt import Signature, message
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.candles.store import CandleStore


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("receipts")
    candles = write_candles(folder / "BTCUSDT_swap_5m.csv", 900)
    request = BacktestRequest(strategy="grid", candles=candles, params=GRID, band=False)
    return backtest(request, CandleStore(folder / "store")).document


def at(folder: Path) -> Settings:
    return Settings(embedded={"data_dir": folder})


def test_a_signature_is_made_with_a_key_of_our_own_and_is_good(found: Document, tmp_path: Path) -> None:
    mine, holder = signed(found, at(tmp_path))
    assert holder.is_new
    assert stat.S_IMODE((tmp_path / RECEIPTS).stat().st_mode) == 0o600
    assert (mine.receipt, receipt_of(mine)) == (found.receipt, found.receipt)
    again, same = signed(found, at(tmp_path))
    assert (again, same.is_new, same.fingerprint) == (mine, False, holder.fingerprint)
    one = judged(decode(encode(mine), "a.json"), at(tmp_path))
    assert (one.verdict, one.key, one.wanted) == (Verdict.GOOD, holder.fingerprint, holder.fingerprint)
    assert holder.fingerprint in one.sentence


def test_a_result_of_somebody_else_holds_and_is_told_apart(found: Document, tmp_path: Path) -> None:
    theirs, holder = signed(found, at(tmp_path / "theirs"))
    nobody = judged(theirs, at(tmp_path / "mine"))
    assert (nobody.verdict, nobody.key, nobody.wanted) == (Verdict.OTHER, holder.fingerprint, None)
    assert not (tmp_path / "mine").exists()
    _, mine = signed(found, at(tmp_path / "mine"))
    other = judged(theirs, at(tmp_path / "mine"))
    assert (other.verdict, other.wanted) == (Verdict.OTHER, mine.fingerprint)
    assert holder.fingerprint in other.sentence
    assert mine.fingerprint in other.sentence
    given = judged(theirs, at(tmp_path / "mine"), tmp_path / "theirs" / PUBLIC)
    assert (given.verdict, "the one given" in given.sentence) == (Verdict.GOOD, True)
    assert judged(theirs, at(tmp_path / "theirs"), tmp_path / "mine" / PUBLIC).verdict is Verdict.OTHER


def test_a_result_nobody_signed_says_so_and_is_written_as_ever(found: Document, tmp_path: Path) -> None:
    assert b"signature" not in encode(found)
    assert judged(found, at(tmp_path)).verdict is Verdict.MISSING


def test_a_changed_file_is_refused_with_what_was_changed(found: Document, tmp_path: Path) -> None:
    mine, _ = signed(found, at(tmp_path))
    better = msgspec.structs.replace(mine.summary, wins=mine.summary.wins + 1)
    text = encode(msgspec.structs.replace(mine, summary=better, warnings=[]))
    with pytest.raises(InvalidInput, match=r"it was changed after it was written \(summary") as raised:
        decode(text, "a.json")
    assert raised.value.details["parts"] == ["summary", *(["warnings"] if mine.warnings else [])]


def _resealed(mine: Document) -> Document:
    forged = msgspec.structs.replace(mine, summary=msgspec.structs.replace(mine.summary, wins=mine.summary.wins + 1))
    return sealed(forged)


def _other_code(mine: Document) -> Document:
    return sealed(msgspec.structs.replace(mine, code="9.9.9 00000000000000"))


def _signature(**changes: Any) -> Callable[[Document], Document]:
    def change(mine: Document) -> Document:
        assert isinstance(mine.signature, Signature)
        return msgspec.structs.replace(mine, signature=msgspec.structs.replace(mine.signature, **changes))

    return change


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (_resealed, ["summary"]),
        (_other_code, ["code"]),
        (_signature(value=base64.b64encode(b"x" * 64).decode()), []),
        (_signature(value="no base64!"), []),
        (_signature(key=base64.b64encode(b"short").decode()), []),
        (_signature(key=base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()), []),
    ],
    ids=["a figure, with a new receipt", "the code", "the value", "no text", "a short key", "another key"],
)
def test_a_signature_that_does_not_belong_to_the_content_is_broken(
    found: Document, tmp_path: Path, change: Callable[[Document], Document], parts: list[str]
) -> None:
    mine, _ = signed(found, at(tmp_path))
    forged = decode(encode(change(mine)), "a.json")
    one = judged(forged, at(tmp_path))
    assert (one.verdict, one.parts) == (Verdict.BROKEN, parts)
    with pytest.raises(Refused, match="signature is broken") as raised:
        refuse_broken(one)
    assert raised.value.details["parts"] == parts


def test_a_signature_over_digests_that_are_not_those_of_the_content_is_broken(found: Document, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    parts = {**parts_of(found), "deals": "0" * 16}
    raw = key.public_key().public_bytes_raw()
    value = key.sign(message(found.receipt, found.code, parts))
    mark = Signature(key=base64.b64encode(raw).decode(), value=base64.b64encode(value).decode(), parts=parts)
    one = judged(msgspec.structs.replace(found, signature=mark), at(tmp_path))
    assert (one.verdict, one.parts) == (Verdict.BROKEN, ["deals"])


def test_a_key_signs_nothing_that_reads_as_another_form() -> None:
    assert message("r", "c", {"b": "2", "a": "1"}) == b"tradingboost.receipt.1\nr\nc\na 1\nb 2"
    assert fingerprint(b"\0" * 32) == "SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU"


@pytest.mark.parametrize("content", [b"", b"no key", None], ids=["empty", "text", "absent"])
def test_a_public_key_that_is_none_is_told_in_one_sentence(
    found: Document, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "key.pub"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as raised:
        judged(found, at(tmp_path), path)
    assert (raised.value.code, raised.value.message[-1]) == ("bad_public_key", ".")
    secret = receipts.signed(found, at(tmp_path))[1]
    with pytest.raises(InvalidInput, match="Ed25519"):
        judged(found, at(tmp_path), Path(secret.public_file).with_name(RECEIPTS))


def test_a_result_kept_before_is_kept_again_with_its_signature(found: Document, tmp_path: Path) -> None:
    folder = tmp_path / "backtests"
    results.keep(folder, found)
    mine, _ = signed(found, at(tmp_path))
    results.keep(folder, mine)
    assert results.find(folder, "latest") == mine
    results.keep(folder, found)
    assert results.find(folder, "latest") == mine
