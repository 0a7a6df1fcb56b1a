"""kit.crash: a process dies where it is told to, and nowhere else."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tradingboost.app.process import platform
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit import crash
from tradingboost.kit.db import Database

POINT = "orders.claim.after_commit"
DYING = """
import sys
from tradingboost.kit.crash import arm, crash_point
arm("orders.claim.after_commit:2", "test")
for name in ("orders.claim.after_commit", "orders.outcome.after_commit", "orders.claim.after_commit"):
    crash_point(name)
    print(name, flush=True)
"""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    crash.arm("", "test")


def armed(monkeypatch: pytest.MonkeyPatch, name: str = POINT, nth: int = 1) -> list[str]:
    died: list[str] = []
    monkeypatch.setattr(crash, "_armed", crash.Armed(name, nth, died.append))
    return died


def test_the_nth_passage_of_the_named_point_kills_the_process_as_kill_9_does() -> None:
    ended = subprocess.run([sys.executable, "-c", DYING], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == [POINT, "orders.outcome.after_commit"]
    assert ended.stderr == f"crash point {POINT}\n"


def test_it_dies_once_and_at_no_other_point(monkeypatch: pytest.MonkeyPatch) -> None:
    died = armed(monkeypatch, nth=3)
    for _ in range(5):
        crash.crash_point(POINT)
        crash.crash_point("orders.outcome.after_commit")
    assert died == [POINT]


def test_nothing_is_armed_by_itself() -> None:
    for name in crash.POINTS:
        crash.crash_point(name)


async def test_after_a_commit_means_after_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    died = armed(monkeypatch)
    async with database.transaction() as db:
        crash.crash_after_commit(db, POINT)
        assert died == []
    assert died == [POINT]


async def test_nobody_dies_after_a_commit_that_did_not_happen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = armed(monkeypatch)

    async def broken_off() -> None:
        async with database.transaction() as db:
            crash.crash_after_commit(db, POINT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken_off()
    assert died == []


@pytest.mark.parametrize("env", ["dev", "paper", "production"])
async def test_a_process_that_is_no_test_refuses_to_be_armed(env: str) -> None:
    settings = Settings.model_validate({"env": env, "ops": {"crash_point": f"{POINT}:1"}})
    with pytest.raises(Refused, match="TB_ENV=test only"):
        async with platform(settings, ()):
            pytest.fail("it started")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("orders.clam.after_commit:1", "did you mean orders.claim.after_commit?"),
        ("whatever:1", "list them with: tradingboost chaos list"),
        (POINT, f"write {POINT}:1"),
        (f"{POINT}:0", f"write {POINT}:1"),
        (f"{POINT}:first", f"write {POINT}:1"),
        (f"{POINT}:9999999", f"write {POINT}:1"),
    ],
)
def test_a_setting_that_names_no_passage_is_refused(setting: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        crash.arm(setting, "test")
    assert says in refused.value.message


def test_chosen_points_come_once_and_in_the_order_of_the_registry() -> None:
    assert crash.known(["bus.relay.after_mark", POINT, POINT]) == [POINT, "bus.relay.after_mark"]
