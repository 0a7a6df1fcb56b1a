"""Loops `strategy` runs: resume once, then hand wishes on and watch prices."""

import asyncio

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.bus import Bus
from tradingboost.kit.context import Context
from tradingboost.kit.feed import FeedReader, Source
from tradingboost.kit.in_hand import shown
from tradingboost.kit.loops import carried
from tradingboost.kit.runtime import Life, Worker
from tradingboost.services.strategy.service import StrategyService
from tradingboost.shared.events.market import Ticked

log = structlog.get_logger(__name__)


class Workers:
    """The loops of one strategy process."""

    def __init__(self, context: Context, service: StrategyService, bus: Bus) -> None:
        self._db = context.db
        self._redis = context.redis
        self._service = service
        self._resumed = asyncio.Event()
        self._bus = bus
        self._stop_listening = asyncio.Event()

    def all(self) -> list[Worker]:
        """The loops."""
        return [
            Worker("resume", self.resume, finite=True),
            carried("listen", self._listen, self._stop),
            Worker("hand", self.hand),
            Worker("ticks", self.ticks),
        ]

    async def not_ready(self) -> str | None:
        """Why no run may decide yet."""
        return None if self._resumed.is_set() else "runs wait for the comparison with the venue"

    async def resume(self, life: Life) -> None:
        """Compare with the venue before anything is decided or sent."""
        await self._service.starter.resume_all()
        self._resumed.set()
        life.beat()

    async def _listen(self) -> None:
        """Hear facts, but not before the start-up comparison is through."""
        stopped = asyncio.ensure_future(self._stop_listening.wait())
        resumed = asyncio.ensure_future(self._resumed.wait())
        await asyncio.wait({stopped, resumed}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        resumed.cancel()
        if self._resumed.is_set():
            await self._bus.run()

    def _stop(self) -> None:
        self._stop_listening.set()
        self._bus.stop()

    async def hand(self, life: Life) -> None:
        """Hand stored wishes to orders: woken by each commit, and now and then for what a dead process left."""
        draining = asyncio.create_task(self._drain(life))
        try:
            with shown(self._db, self._service.hander.busy):
                while not life.stopping:
                    life.beat()
                    if self._resumed.is_set():
                        await self._hand_on()
                    try:
                        async with asyncio.timeout(0.5):
                            await self._service.stepper.wake.wait()
                    except TimeoutError:
                        continue
        finally:
            draining.cancel()

    async def _drain(self, life: Life) -> None:
        """A round may have hundreds of wishes: once the process is to end, only those in hand are finished."""
        await life.asked_to_stop()
        self._service.hander.drain()

    async def _hand_on(self) -> None:
        self._service.stepper.wake.clear()
        await self._service.hander.hand_on()
        await self._service.starter.finish()

    async def ticks(self, life: Life) -> None:
        """Read the newest prices of every symbol with an active run."""
        reader: FeedReader[Ticked] | None = None
        sources: list[Source] = []
        while not life.stopping:
            life.beat()
            wanted = self._service.stepper.symbols()
            if wanted != sources or reader is None:
                sources, reader = wanted, FeedReader(self._redis, Ticked, wanted)
                self._service.reader = reader
            if not sources:
                await life.sleep(0.05)
                continue
            try:
                for tick in (await reader.read()).values():
                    await self._service.stepper.ticked(tick.tick())
            except Unavailable as error:
                log.warning("ticks_wait", code=error.code)
                reader = None
                await life.sleep(0.2)
