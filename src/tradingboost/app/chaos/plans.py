"""How each crash point is reached: in the middle of trading, while starting again, or by a story of its own."""

import random
from enum import Enum
from typing import Final

import msgspec

from tradingboost.kit.crash import POINTS


class Story(Enum):
    """What happens until the process dies."""

    TRADING = "strategies trade"
    STARTING = "it was killed, the market moved on, and it starts again"
    UNPROTECTED = "a filled entry whose stops are taken away again and again"
    SETTING = "a runtime value is changed"
    DEPLOYING = "it is asked to stop in the middle of trading"
    OUTAGE = "the database is away, and a stop vanishes meanwhile"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. The same point and seed give the same one.

    Args:
        nth: the passage that kills.
        bars: replayed before what kills; 0 where the passages are counted from the first bar.
    """

    point: str
    seed: int
    story: Story
    nth: int
    bars: int

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return self.point if self.seed == 0 else f"{self.point}#{self.seed}"


_STORIES: Final = {
    "reconcile.after_fetch": Story.STARTING,
    "reconcile.after_adopt": Story.STARTING,
    "reconcile.before_ready": Story.STARTING,
    "lease.after_acquire": Story.STARTING,
    "lease.after_takeover": Story.STARTING,
    "saga.compensate.after_call": Story.UNPROTECTED,
    "settings.after_commit": Story.SETTING,
    "deploy.after_drain": Story.DEPLOYING,
    "journal.after_append": Story.OUTAGE,
    "journal.after_send": Story.OUTAGE,
    "journal.after_import": Story.OUTAGE,
}
_PASSAGES: Final = {
    "saga.step.before_commit": (1, 1),
    "saga.step.after_commit": (1, 1),
    "protect.before_place": (1, 1),
    "protect.after_place": (1, 1),
    "orders.cancel.before_call": (1, 2),
    "orders.cancel.after_call": (1, 2),
    "bus.relay.after_publish": (60, 260),
    "bus.relay.after_mark": (60, 260),
    "bus.consumer.after_effect": (60, 260),
    "bus.consumer.after_commit": (60, 260),
}
"""The passages of forty bars at which it may die, first and last; the bus is busy before anything trades."""

_OFTEN: Final = (1, 24)
_STARTING: Final = (1, 2)


def plan(point: str, seed: int) -> Plan:
    """The scenario of a registered point."""
    chance = random.Random(f"{point}:{seed}")  # noqa: S311 - a scenario, not a secret
    story = _STORIES.get(point, Story.TRADING)
    usual = {Story.TRADING: _OFTEN, Story.STARTING: _STARTING}.get(story, (1, 1))
    nth = chance.randint(*_PASSAGES.get(point, usual))
    before = {Story.STARTING: (17, 22), Story.DEPLOYING: (17, 22), Story.SETTING: (1, 6)}.get(story, (0, 0))
    bars = chance.randint(*before)
    return Plan(point=point, seed=seed, story=story, nth=nth, bars=bars)


def plans(points: list[str], seeds: int) -> list[Plan]:
    """Every scenario of these points, in the order of the registry."""
    return [plan(point, seed) for point in POINTS if point in points for seed in range(seeds)]
