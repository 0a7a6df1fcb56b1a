"""The mistakes that are made on purpose can be made, and each names a test that is there."""

import shutil
from pathlib import Path

import pytest
from scripts.mutants import copied, judged
from scripts.mutants.__main__ import main
from scripts.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
LOST_REPLY = next(one for one in MUTANTS if one.name == "timeout_is_rejected")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mistake_changes_one_place_and_names_a_test_that_is_there(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    file, _, name = mutant.test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")
    assert mutant.old != mutant.new


def test_every_mistake_has_a_name_of_its_own() -> None:
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 6


@pytest.mark.parametrize(
    ("codes", "killed", "why"),
    [
        ((0, 1), True, ""),
        ((0, 0), False, "its test passes with the mistake in place"),
        ((1, 1), False, "its test does not pass as it is: said"),
        ((0, 4), False, "its test could not be run: said"),
    ],
)
def test_a_mistake_is_noticed_when_its_test_passes_without_it_and_fails_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: tuple[int, int], killed: bool, why: str
) -> None:
    file = tmp_path / LOST_REPLY.file
    file.parent.mkdir(parents=True)
    shutil.copy2(ROOT / LOST_REPLY.file, file)
    seen: list[bool] = []

    def run(test: str, folder: Path) -> tuple[int, str]:
        assert (test, folder) == (LOST_REPLY.test, tmp_path)
        seen.append(LOST_REPLY.new in file.read_text(encoding="utf-8"))
        return codes[len(seen) - 1], "said"

    monkeypatch.setattr("scripts.mutants._run", run)
    [verdict] = judged([LOST_REPLY], tmp_path)
    assert (verdict.killed, verdict.why) == (killed, why)
    assert seen == [False, True][: len(seen)]
    assert file.read_bytes() == (ROOT / LOST_REPLY.file).read_bytes()


def test_a_mistake_that_can_no_longer_be_made_is_not_noticed(tmp_path: Path) -> None:
    file = tmp_path / LOST_REPLY.file
    file.parent.mkdir(parents=True)
    file.write_text("something else\n", encoding="utf-8")
    [verdict] = judged([LOST_REPLY], tmp_path)
    assert (verdict.killed, "0 times" in verdict.why) == (False, True)


@pytest.mark.slow
@pytest.mark.long
def test_the_tests_notice_a_lost_reply_that_is_taken_for_a_refusal(tmp_path: Path) -> None:
    copied(tmp_path)
    [verdict] = judged([LOST_REPLY], tmp_path)
    assert (verdict.killed, verdict.why) == (True, "")


def test_an_unknown_mistake_is_told_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeout_is_rejcted"]) == 2
    assert "did you mean timeout_is_rejected?" in capsys.readouterr().err
