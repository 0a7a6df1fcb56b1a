"""Whom and what an action is about: named by the rule, else where it began."""

from dataclasses import dataclass

from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.sim.commands import Command
from tradingboost.sim.events import Rejected
from tradingboost.sim.instruments import Instrument
from tradingboost.simulator.doors import Doors
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene, Standing
from tradingboost.simulator.feeds import MarketDriver
from tradingboost.simulator.hub import Hub
from tradingboost.simulator.limiter import Limiter
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.stepping import Stepper


@dataclass(frozen=True, slots=True)
class Reach:
    """The pieces of the exchange that effects act on."""

    exchange: Exchange
    hub: Hub
    limiter: Limiter
    publisher: Publisher
    stepper: Stepper
    driver: MarketDriver
    doors: Doors
    desk: FaultDesk

    def accounts(self, acting: Standing, scene: Scene) -> list[str]:
        """The rule's account, else the one it began with, else all.

        Raises:
            NotFound: there is no such account.
        """
        named = acting.rule.match.account or scene.account
        known = list(self.exchange.engine.accounts())
        if named and named not in known:
            raise NotFound("no_such_account", f"There is no account {named}; list them with GET /accounts.")
        return [named] if named else known

    def instrument(self, acting: Standing, scene: Scene) -> Instrument:
        """The rule's instrument, else the one it began with.

        Raises:
            InvalidInput: none is named.
            NotFound: it is not listed.
        """
        named = acting.rule.match.inst or (scene.insts[0] if scene.insts else "")
        if not named:
            raise InvalidInput("no_instrument", "Say which instrument: put instId into the match of the rule.")
        return self.exchange.listed(named)

    def must(self, command: Command) -> None:
        """Carry out a command of the exchange.

        Raises:
            InvalidInput: it was refused.
        """
        answer = self.exchange.apply(command)
        if isinstance(answer, Rejected):
            raise InvalidInput("refused_by_engine", f"{answer.message}.", venue_code=str(answer.code))
