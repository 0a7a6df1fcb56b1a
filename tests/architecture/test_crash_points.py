"""The list of crash points and the places that use them are the same list."""

from pathlib import Path

from scripts.lint import crash_points
from scripts.lint.source import tracked

from tradingboost.kit.crash import POINTS

ROOT = Path(__file__).resolve().parents[2]


def test_every_registered_crash_point_is_somewhere_in_the_product() -> None:
    product = [source for source in tracked(ROOT) if source.inside and source.inside != crash_points.HOME]
    used = {name for source in product if source.is_python for _, name in crash_points.named(source)}
    assert sorted(set(POINTS) - used) == []


def test_the_tools_read_the_same_registry() -> None:
    assert crash_points.registered() == set(POINTS)


def test_every_crash_point_says_what_is_true_there() -> None:
    assert [name for name, says in POINTS.items() if len(says) < 20 or says.endswith(".")] == []
