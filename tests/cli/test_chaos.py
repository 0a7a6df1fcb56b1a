"""`chaos list` and what `chaos run` refuses before anything is started."""

import pytest
from tests.cli.conftest import Run

from tradingboost.kit.crash import POINTS


def test_every_crash_point_is_listed_with_what_it_means(tb: Run) -> None:
    ended = tb("chaos", "list", "--json")
    assert ended.code == 0
    points = ended.envelope["data"]["points"]
    assert {point["name"]: point["says"] for point in points} == dict(POINTS)
    assert all(point["story"] for point in points)


def test_the_list_is_readable(tb: Run) -> None:
    ended = tb("chaos", "list")
    assert f"{len(POINTS)} crash points" in ended.out
    assert "exchange.submit.after_reply" in ended.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--points", "orders.claim.after_comit"), "did you mean orders.claim.after_commit?"),
        (("--points", "all,nothing"), "'all'"),
        (("--points", " , "), "--points all"),
        (("--seeds", "0"), "--seeds"),
        (("--at-once", "0"), "--at-once"),
    ],
)
def test_a_campaign_nobody_can_run_is_refused(tb: Run, words: tuple[str, ...], says: str) -> None:
    ended = tb("chaos", "run", *words)
    assert ended.code == 2
    assert says in ended.sentence
