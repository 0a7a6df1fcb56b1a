"""The rules in force: asked at every turn, counting, bounded; and the conditions that last for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import Conflict, NotFound
from tradingboost.sim.rng import stream
from tradingboost.simulator.clock import MarketClock
from tradingboost.simulator.envelope import ApiError
from tradingboost.simulator.faults.catalogue import ACTIONS, Hook
from tradingboost.simulator.faults.latency import Latency, Way
from tradingboost.simulator.faults.rules import SURE, Rule, Scene, Standing
from tradingboost.simulator.settings import SimulatorSettings

_ALWAYS_ANSWERED: Final = ("GET system/status", "GET public/time")
_MOST_WAITING: Final = 1_000
MOST_RULES: Final = 200
"""Rules in force at once."""

_WIRE: Final = {"inst": "instId", "ord_type": "ordType"}
"""Fields of a match whose name outside is the venue's."""

Carry = Callable[[Standing, Scene, object], Coroutine[Any, Any, None]]
"""Carries out an action on account, market or platform: where it began, and on which connection (or None)."""


@dataclass(slots=True)
class Conditions:
    """What lasts for a while, in market time (us); 0 = not in force.

    Attributes:
        banned: until when, by account ("" = everybody); `refused` counts the requests refused meanwhile.
    """

    maintenance_from_us: int = 0
    maintenance_until_us: int = 0
    banned: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    patience: int = 5
    limit_scale_before: float | None = None


class FaultDesk:
    """Rules in order of their making; the first that fits and is due acts.

    Attributes:
        on: whether anything can act at all (the hot path asks only this).
        closing: set when the exchange goes down, so that nobody is held for longer.
    """

    def __init__(self, settings: SimulatorSettings, clock: MarketClock) -> None:
        self.latency = Latency(settings)
        self.on = self.latency.on
        self.conditions = Conditions()
        self.closing = asyncio.Event()
        self.carry: Carry
        self.refuse: Callable[[int], Awaitable[None]]
        self._emission_order = settings.emission_order
        self._emission = stream(settings.seed, "emission")
        self._seed = settings.seed
        self._clock = clock
        self._rules: dict[str, Standing] = {}
        self._by_hook: dict[Hook, list[Standing]] = {}
        self._made = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def free_id(self) -> str:
        """An id no rule has."""
        while True:
            self._made += 1
            if f"f{self._made}" not in self._rules:
                return f"f{self._made}"

    def add(self, rule: Rule) -> Standing:
        """Put a rule in force, after those that are.

        Raises:
            Conflict: the id is taken, or there are too many rules.
        """
        if rule.id in self._rules:
            raise Conflict("fault_taken", f"The rule {rule.id!r} exists already; delete it or choose another id.")
        if len(self._rules) >= MOST_RULES:
            raise Conflict("too_many_faults", f"There are {MOST_RULES} rules already; delete some with DELETE /faults.")
        made = Standing(rule)
        self._rules[rule.id] = made
        self._by_hook.setdefault(ACTIONS[rule.action].hook, []).append(made)
        self.look()
        return made

    def remove(self, rule_id: str) -> Standing:
        """Take a rule out of force.

        Raises:
            NotFound: no such rule.
        """
        found = self._rules.pop(rule_id, None)
        if found is None:
            raise NotFound("no_such_fault", f"There is no rule {rule_id!r}; list them with GET /faults.")
        self._by_hook[ACTIONS[found.rule.action].hook].remove(found)
        self.look()
        return found

    def clear(self) -> list[Standing]:
        """Take every rule out of force and end every condition."""
        gone = list(self._rules.values())
        self._rules.clear()
        self._by_hook.clear()
        self.conditions = Conditions()
        self.look()
        return gone

    def look(self) -> None:
        """Find out again whether anything can act; a condition stays until healed, so that its end needs no timer."""
        held = self.conditions
        self.on = bool(self._rules or held.banned or held.maintenance_until_us or self.latency.on)

    def has(self, hook: Hook) -> bool:
        return self.on and bool(self._by_hook.get(hook))

    def first(self, hook: Hook, scene: Scene, *names: str) -> Standing | None:
        """The first rule of a hook (and, if given, of these actions) that fits and is due; counts."""
        rows = self._by_hook.get(hook)
        if not rows:
            return None
        for one in rows:
            if (not names or one.rule.action in names) and one.fits(scene) and one.due(self._seed, self.now_ms()):
                return one
        return None

    async def trigger(self, scene: Scene, origin: object = None) -> list[str]:
        """Carry out the first action on account, market or platform that is due; its id in a list."""
        acting = self.first("state", scene)
        if acting is None:
            return []
        await self.carry(acting, scene, origin)
        return [acting.rule.id]

    def trigger_soon(self, scene: Scene, origin: object = None) -> None:
        """As `trigger`, after what is being done now."""
        acting = self.first("state", scene)
        if acting is not None:
            self.soon(acting, self.carry(acting, scene, origin))

    def soon(self, acting: Standing, work: Coroutine[Any, Any, None]) -> None:
        """Do something for a rule beside what is being done; ended with the exchange."""
        if len(self._tasks) >= _MOST_WAITING:
            work.close()
            acting.trouble = f"{_MOST_WAITING} actions wait already; this one was not begun."
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def travel(self, way: Way) -> None:
        """What an order or its answer needs on its way."""
        seconds = self.latency.draw_s(way)
        if seconds:
            await self.pause(seconds)

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than the exchange runs."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    def stop(self) -> None:
        """At the end: nobody is held, nothing begins any more."""
        self.closing.set()
        for task in self._tasks:
            task.cancel()

    def held(self, scene: Scene) -> ApiError | None:
        """Why everybody, or this account, is turned away for now."""
        held, now_us = self.conditions, self._clock.now_us()
        if scene.path in _ALWAYS_ANSWERED:
            return None
        if held.maintenance_from_us <= now_us < held.maintenance_until_us:
            return ApiError("50001", status=503)
        for name in {"", scene.account}:
            if now_us < held.banned.get(name, 0):
                held.refused[name] = held.refused.get(name, 0) + 1
                stubborn = held.refused[name] > held.patience
                return ApiError("50011", status=418 if stubborn else 429)
        return None

    def pushes_first(self) -> bool:
        """Whether, by the setting `emission_order`, the next private frames come before the answer."""
        if self._emission_order == "seeded":
            return bool(self._emission.below(2))
        return self._emission_order == "push_first"

    def now_ms(self) -> int:
        return self._clock.now_us() // 1000

    def standing(self) -> tuple[Standing, ...]:
        return tuple(self._rules.values())


def shown(one: Standing) -> dict[str, Any]:
    """A rule with its counters, for the operator."""
    rule = one.rule
    name, _, variant = rule.action.partition(".")
    params = ACTIONS[rule.action].params
    values = {key: _share(one) if params[key].kind == "share" else one for key, one in rule.values.items()}
    action: dict[str, Any] = {"name": name} | ({"x": variant} if variant else {}) | values
    return {
        "id": rule.id,
        "action": action,
        "match": {_WIRE.get(key, key): value for key, value in _fields(rule.match).items() if value},
        "when": {
            key: _share(value) if key == "p" else value
            for key, value in _fields(rule.when).items()
            if value is not None
        },
        "matches": one.matches,
        "acted": one.acted,
        "last_ms": one.last_ms,
        "trouble": one.trouble,
    }


def _share(parts: int) -> str:
    """A probability as it is written."""
    return format(Decimal(parts) / SURE, "f")


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
