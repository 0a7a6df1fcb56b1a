"""Making and healing faults: what the admin port, the client and in-process tests call."""

from typing import Any

from tradingboost.simulator.doors import Doors
from tradingboost.simulator.faults.catalogue import ACTIONS
from tradingboost.simulator.faults.desk import FaultDesk, shown
from tradingboost.simulator.faults.rules import Rule, Standing
from tradingboost.simulator.injection.reading import rule_of


class Injector:
    """Fault rules of one exchange.

    Example:
        `await simulator.faults.add({"action": "accept_then(drop)", "match": {"path": "POST trade/order"}})`
    """

    def __init__(self, desk: FaultDesk, doors: Doors) -> None:
        self._desk = desk
        self._doors = doors
        desk.refuse = self._refuse
        desk.carry = self._carry

    async def _refuse(self, ms: int) -> None:
        await self._doors.refuse(ms / 1000)

    async def _carry(self, acting: Standing) -> None:
        if acting.rule.action == "refuse_connection":
            await self._refuse(acting.rule.values["ms"])

    async def add(self, value: object) -> dict[str, Any]:
        """Put a rule in force; its id and counters.

        Raises:
            InvalidInput: the rule makes no sense (`bad_fault`).
            Conflict: its id is taken, or there are too many.
        """
        rule = rule_of(value, self._desk.free_id)
        if at_once(rule):
            made = Standing(rule, matches=1, acted=1, last_ms=self._desk.now_ms())
            await self._desk.carry(made)
            return shown(made)
        return shown(self._desk.add(rule))

    async def remove(self, rule_id: str) -> dict[str, Any]:
        """Take one rule out of force; its last counters.

        Raises:
            NotFound: no such rule.
        """
        return shown(self._desk.remove(rule_id))

    async def heal(self) -> list[dict[str, Any]]:
        """Take every rule out of force, end bans, maintenance, skew and closed ports; the last counters."""
        gone = self._desk.clear()
        await self._doors.welcome()
        return [shown(one) for one in gone]

    def report(self) -> list[dict[str, Any]]:
        """Every rule with its counters, in order."""
        return [shown(one) for one in self._desk.standing()]

    def one(self, rule_id: str) -> Standing | None:
        return next((one for one in self._desk.standing() if one.rule.id == rule_id), None)


def at_once(rule: Rule) -> bool:
    """Whether a rule waits for nothing: it is carried out and not kept."""
    lasting = rule.action == "refuse_connection" or ACTIONS[rule.action].hook == "state"
    return lasting and rule.match.anything and rule.when.always
