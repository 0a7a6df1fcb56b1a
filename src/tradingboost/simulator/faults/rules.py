"""A fault rule, what it is compared with, and when it acts."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tradingboost.sim.rng import stream

SURE: Final = 10**12
"""Probabilities are parts of this."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule is about; an empty field fits everything, all given ones must fit.

    Args:
        account: uid.
        path: REST route without `/api/v5/`, with or without its method (`POST trade/order`); `trade/*` fits a group.
        op: WebSocket operation (`order`, `login`, `subscribe`, ...).
        channel: channel of a subscription or of a frame pushed on it; `candle*` fits a group.
        push: as `channel`, pushed frames only.
        endpoint: WebSocket address: public, private or business.
        inst, side, ord_type: what an order, algo, query or private frame is about.
    """

    account: str = ""
    path: str = ""
    op: str = ""
    channel: str = ""
    push: str = ""
    endpoint: str = ""
    inst: str = ""
    side: str = ""
    ord_type: str = ""

    @property
    def anything(self) -> bool:
        return self == Match()


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the matches act; all given conditions must hold.

    Args:
        nth: only this match, counted from 1.
        every: each k-th match.
        p: probability in parts of `SURE`, drawn from the rule's own stream by the number of the match.
        count: act at most so often.
        from_ms, to_ms: market time, both inclusive.
    """

    nth: int | None = None
    every: int | None = None
    p: int | None = None
    count: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def always(self) -> bool:
        return self == When()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `action` is a name of the catalogue, `values` its parameters, complete and checked."""

    id: str
    action: str
    values: dict[str, Any]
    match: Match = Match()
    when: When = When()


@dataclass(slots=True)
class Scene:
    """What is happening: one request, operation, dial, subscription or frame."""

    account: str = ""
    path: str = ""
    op: str = ""
    channel: str = ""
    pushed: bool = False
    endpoint: str = ""
    insts: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    ord_types: tuple[str, ...] = ()


@dataclass(slots=True)
class Standing:
    """A rule with its counters.

    Attributes:
        matches: how often it fitted; acted: how often it did its work; trouble: why it last could not.
    """

    rule: Rule
    matches: int = 0
    acted: int = 0
    last_ms: int = 0
    trouble: str = ""
    kept: list[Any] = field(default_factory=list)
    """What the action holds back between two frames."""

    def fits(self, scene: Scene) -> bool:
        match = self.rule.match
        return (
            match.account in ("", scene.account)
            and _path_fits(match.path, scene.path)
            and match.op in ("", scene.op)
            and _name_fits(match.channel, scene.channel)
            and (not match.push or (scene.pushed and _name_fits(match.push, scene.channel)))
            and match.endpoint in ("", scene.endpoint)
            and (not match.inst or match.inst in scene.insts)
            and (not match.side or match.side in scene.sides)
            and (not match.ord_type or match.ord_type in scene.ord_types)
        )

    def due(self, seed: int, now_ms: int) -> bool:
        """Count a match and say whether it acts."""
        self.matches += 1
        when = self.rule.when
        acts = (
            (when.nth is None or self.matches == when.nth)
            and (when.every is None or self.matches % when.every == 0)
            and (when.count is None or self.acted < when.count)
            and (when.from_ms is None or now_ms >= when.from_ms)
            and (when.to_ms is None or now_ms <= when.to_ms)
            and (when.p is None or self._draw(seed) < when.p)
        )
        if acts:
            self.acted += 1
            self.last_ms = now_ms
        return acts

    def _draw(self, seed: int) -> int:
        """A number of (seed, rule, match): another rule, or another market, does not move it."""
        return stream(seed, f"fault:{self.rule.id}:{self.matches}").below(SURE)


def _path_fits(wanted: str, path: str) -> bool:
    if not wanted:
        return True
    return _name_fits(wanted, path) or _name_fits(wanted, path.partition(" ")[2])


def _name_fits(wanted: str, name: str) -> bool:
    if wanted.endswith("*"):
        return bool(name) and name.startswith(wanted[:-1])
    return not wanted or wanted == name
