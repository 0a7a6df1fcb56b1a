"""Making and healing faults: what the admin port, the client and in-process tests call."""

from typing import Any

from tradingboost.core.errors import InvalidInput
from tradingboost.simulator.doors import Doors
from tradingboost.simulator.faults.catalogue import ACTIONS
from tradingboost.simulator.faults.desk import shown
from tradingboost.simulator.faults.frames import release
from tradingboost.simulator.faults.rules import Rule, Scene, Standing
from tradingboost.simulator.injection.effects import Effects
from tradingboost.simulator.injection.reading import rule_of
from tradingboost.simulator.injection.targets import Reach


class Injector:
    """Fault rules of one exchange.

    Example:
        `await simulator.faults.add({"action": "accept_then(drop)", "match": {"path": "POST trade/order"}})`
    """

    def __init__(self, reach: Reach) -> None:
        self._desk = desk = reach.desk
        self._doors: Doors = reach.doors
        self._limiter, self._exchange = reach.limiter, reach.exchange
        self._effects = Effects(reach)
        desk.refuse = self._refuse
        desk.carry = self._effects.carry

    async def _refuse(self, ms: int) -> None:
        await self._doors.refuse(ms / 1000)

    async def add(self, value: object) -> dict[str, Any]:
        """Put a rule in force, or carry it out at once if it waits for nothing; its id and counters.

        Raises:
            InvalidInput: the rule makes no sense (`bad_fault`), or what was to be done at once cannot be done.
            Conflict: its id is taken, or there are too many.
        """
        rule = rule_of(value, self._desk.free_id)
        if not at_once(rule):
            return shown(self._desk.add(rule))
        made = Standing(rule, matches=1, acted=1, last_ms=self._desk.now_ms())
        await self._effects.carry(made, Scene(), None)
        if made.trouble:
            raise InvalidInput("fault_failed", made.trouble)
        return shown(made)

    async def remove(self, rule_id: str) -> dict[str, Any]:
        """Take one rule out of force and let go what it holds; its last counters.

        Raises:
            NotFound: no such rule.
        """
        gone = self._desk.remove(rule_id)
        release(gone)
        return shown(gone)

    async def heal(self) -> list[dict[str, Any]]:
        """Take every rule out of force, end bans, maintenance, skew and closed ports; the last counters.

        What was done to an account or the market stays done.
        """
        scale = self._desk.conditions.limit_scale_before
        gone = self._desk.clear()
        for one in gone:
            release(one)
        self._exchange.clock.skew_us = 0
        self._exchange.maintenance = None
        if scale is not None:
            self._limiter.scale = scale
        await self._doors.welcome()
        return [shown(one) for one in gone]

    def report(self) -> list[dict[str, Any]]:
        """Every rule with its counters, in order."""
        return [shown(one) for one in self._desk.standing()]


def at_once(rule: Rule) -> bool:
    """Whether a rule waits for nothing: it is carried out and not kept."""
    match = rule.match
    waits = bool(match.path or match.op or match.push or match.side or match.ord_type)
    if rule.action == "refuse_connection":
        waits = not match.anything
    elif ACTIONS[rule.action].hook != "state":
        return False
    return not waits and rule.when.always
