"""The stepped clock: one market command, and back only when every frame it caused was handed to the sockets."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tradingboost.core.errors import Conflict, InvalidInput
from tradingboost.sim.commands import Command, SetIndex, SetMark, Trade, Travel
from tradingboost.sim.events import AlgoChanged, Event, Filled, OrderChanged, Travelled
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.scale import to_units
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.feeds import MarketDriver
from tradingboost.simulator.hub import Hub
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.push_market import MarketPublisher
from tradingboost.simulator.render_text import px


class Step(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a driver asks for.

    Args:
        action: `trade` jumps to `px`; `travel` moves there continuously; `advance` lets time pass (timers fire);
            `run` plays the configured sources.
        to_ms: market time of the step; absent = now.
        stop_below, stop_above: prices at which a move stops as well.
        volume: size of the print in contracts (swaps) or base (spot); absent = without volume.
    """

    action: str
    inst: str = ""
    px: str = ""
    to_ms: int = 0
    stop_below: str = ""
    stop_above: str = ""
    volume: str = ""


class StepResult(msgspec.Struct, kw_only=True):
    """Where the market stands after a step.

    Args:
        last: last price of the step's instrument, "" without one.
        stopped: a move stopped where something happened (`stopped_by`: event) or at a stop price (stop). After an
            event the public frames are held back until the next call, which may have no steps: whoever owns what
            happened hears of it before the market does. Or nothing was done (frames): more was sent than the driver
            had heard of, so its clients have something to react to first.
        executed: steps carried out (a list ends at the first that stopped).
        sent: frames handed to each connection's socket since it was opened.
    """

    now_ms: int
    last: str
    stopped: bool
    stopped_by: str
    executed: int
    events: int
    sent: dict[str, int]
    digest: str


class Stepper:
    """Carries out steps; only in stepped mode."""

    def __init__(
        self, exchange: Exchange, driver: MarketDriver, hub: Hub, pushers: tuple[Publisher, MarketPublisher]
    ) -> None:
        self._exchange = exchange
        self._driver = driver
        self._hub = hub
        self._publisher, self._market = pushers

    async def run(self, steps: list[Step], known: Mapping[str, int] | None = None) -> StepResult:
        """Carry out steps in order until one stops.

        Args:
            known: frames sent to each connection as the driver knows it; if there are more, nothing moves.

        Raises:
            Conflict: the clock runs by itself.
            InvalidInput: an unknown action, instrument or price.
        """
        if not self._exchange.clock.stepped:
            raise Conflict("clock_is_live", "The market clock runs by itself; start the exchange with clock=stepped.")
        before, executed, stopped_by, last = self._exchange.events, 0, "", ""
        if known is not None:
            self._publisher.flush()
            await self._hub.drain()
            if known != self._sent():
                return self._result(before, 0, "frames", last)
        for step in steps:
            events = self._one(step)
            executed += 1
            last = self._last(step.inst) or last
            stopped_by = self._stopped_by(step, events)
            if stopped_by:
                break
        await self.settle(hold_public=stopped_by == "event")
        return self._result(before, executed, stopped_by, last)

    def _sent(self) -> dict[str, int]:
        return {one.id: one.sent for one in self._hub.connections.values()}

    def _result(self, events_before: int, executed: int, stopped_by: str, last: str) -> StepResult:
        return StepResult(
            now_ms=self._exchange.now_us() // 1000,
            last=last,
            stopped=bool(stopped_by),
            stopped_by=stopped_by,
            executed=executed,
            events=self._exchange.events - events_before,
            sent=self._sent(),
            digest=self._exchange.engine.digest(),
        )

    async def settle(self, hold_public: bool = False) -> None:
        """Push everything that waits, private before public, and wait until the sockets took it."""
        self._publisher.flush()
        if not hold_public:
            self._market.flush()
        await self._hub.drain()

    def _stopped_by(self, step: Step, events: tuple[Event, ...]) -> str:
        travelled = next((event for event in reversed(events) if isinstance(event, Travelled)), None)
        if travelled is not None:
            return "" if travelled.done else travelled.stopped_by
        if step.action != "trade":
            return ""
        if any(isinstance(event, Filled | OrderChanged | AlgoChanged) for event in events):
            return "event"
        row = self._exchange.listed(step.inst)
        now = self._exchange.engine.last(step.inst)
        below = units(step.stop_below, row.tick_q, "stop_below") if step.stop_below else 0
        above = units(step.stop_above, row.tick_q, "stop_above") if step.stop_above else 0
        return "stop" if (below and now <= below) or (above and now >= above) else ""

    def _last(self, inst: str) -> str:
        row = self._exchange.instrument(inst)
        return px(row, self._exchange.engine.last(inst)) if row else ""

    def _one(self, step: Step) -> tuple[Event, ...]:
        clock = self._exchange.clock
        at_us = max(step.to_ms * 1000, self._exchange.now_us())
        clock.move_to(at_us)
        match step.action:
            case "advance":
                return self._exchange.advance(at_us)
            case "run":
                while not self._driver.run_until(at_us):
                    continue
                return ()
            case "trade" | "travel":
                row = self._exchange.listed(step.inst)
                return self._exchange.run(_market_command(step, row, at_us))
        raise InvalidInput("unknown_action", "A step's action is trade, travel, advance or run.", action=step.action)


def _market_command(step: Step, row: Instrument, at_us: int) -> Command:
    to_px = units(step.px, row.tick_q, "px")
    if to_px <= 0:
        raise InvalidInput("bad_price", "A step needs a price above zero.", px=step.px)
    lots = units(step.volume, row.lot_q, "volume") if step.volume else 0
    if step.action == "trade":
        return Trade(at_us=at_us, inst_id=row.inst_id, px=to_px, lots=lots)
    return Travel(
        at_us=at_us,
        inst_id=row.inst_id,
        to_px=to_px,
        lots=lots,
        stop_below=units(step.stop_below, row.tick_q, "stop_below") if step.stop_below else 0,
        stop_above=units(step.stop_above, row.tick_q, "stop_above") if step.stop_above else 0,
    )


def units(text: str, unit_quanta: int, name: str) -> int:
    """Ticks or lots of an admin's text.

    Raises:
        InvalidInput: no number, or off the grid.
    """
    try:
        found = to_units(text, unit_quanta)
    except ValueError:
        raise InvalidInput("bad_number", f"{name} is no plain decimal number.", value=text) from None
    if found < 0:
        raise InvalidInput("off_grid", f"{name} is no multiple of the instrument's step.", value=text)
    return found


def pin(kind: str, row: Instrument, price: str) -> Command:
    """Pin mark or index; an empty price lets it follow again."""
    ticks = units(price, row.tick_q, kind) if price else 0
    made = SetMark if kind == "mark" else SetIndex
    return made(at_us=0, inst_id=row.inst_id, px=ticks)


def known_of(value: Mapping[str, Any]) -> dict[str, int] | None:
    """The `known` of a request, None without one."""
    try:
        return msgspec.convert(value.get("known"), dict[str, int] | None)
    except msgspec.ValidationError as error:
        raise InvalidInput("bad_step", f"The step cannot be read: {error}.") from None


def steps_of(value: Any) -> list[Step]:
    """The steps of a request: one object, or `{"steps": [...]}`."""
    listed = value.get("steps") if isinstance(value, Mapping) else None
    try:
        return msgspec.convert(listed if listed is not None else [value], list[Step], strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput("bad_step", f"The step cannot be read: {error}.") from None
