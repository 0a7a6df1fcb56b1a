"""One step of one run: lock, tell the kernel, store state and wishes, all in the transaction of the event."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import RunId, Symbol, UserId, Venue
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.money import ZERO
from tradingboost.core.order import PositionSide, Side
from tradingboost.kit import outbox
from tradingboost.kit.context import Context
from tradingboost.kit.crash import crash_after_commit, crash_point
from tradingboost.kit.db import after_commit, transaction_of
from tradingboost.kit.feed import Source
from tradingboost.services.strategy import repository as store
from tradingboost.services.strategy.models import OPENING, LiveRun, Wish, to_ms
from tradingboost.services.strategy.service.renewing import Renewer
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.shared.events.orders import OrderCancelled, OrderExpired, OrderFilled, OrderRejected
from tradingboost.shared.events.strategy import SignalRaised
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.users.settings import Owners
from tradingboost.strategies.contract import BUY, LONG, SELL, SHORT, SLOT_BASE, Family, FillKind, Kind, slot_number

_LACK_OF_MARGIN = frozenset({"51008", "51119", "51131"})
"""The venue's codes for too little margin or balance: no technical failure of the run."""

Ended = OrderCancelled | OrderExpired | OrderRejected


class Stepper:
    """Steps the runs of one process.

    Args:
        names: the strategies this process owns.
        wake: set after each commit that left wishes behind.
    """

    def __init__(
        self,
        context: Context,
        neighbours: tuple[Owners, Market],
        names: Sequence[str],
        settings: StrategySettings,
    ) -> None:
        self._db = context.db
        self._clock = context.clock
        self._ids = context.ids
        owners, self._market = neighbours
        self._renewer = Renewer(owners, self._market, self.fold)
        self._names = list(names)
        self._settings = settings
        self._runs: dict[RunId, LiveRun] = {}
        self._triggers: dict[tuple[Venue, Symbol], dict[RunId, tuple[float, float]]] = {}
        self.newest: dict[tuple[Venue, Symbol], Tick] = {}
        self._lasts: dict[tuple[Venue, Symbol], tuple[datetime, Decimal]] = {}
        self.ending: set[RunId] = set()
        """Runs whose kernel says that they are over; `Starter.finish` ends them."""
        self.wake = asyncio.Event()

    def nearest(self, venue: Venue, symbol: Symbol) -> tuple[float, float]:
        """The nearest prices below and above at which any run has work; infinite where there is none."""
        prices = self._triggers.get((venue, symbol), {}).values()
        return max((p[0] for p in prices), default=float("-inf")), min((p[1] for p in prices), default=float("inf"))

    def symbols(self) -> list[Source]:
        """Whose prices matter here."""
        return [Source(*key) for key, runs in sorted(self._triggers.items()) if runs]

    async def load(self, db: AsyncConnection, run_id: RunId) -> LiveRun | None:
        """A run with its row locked; the cached copy is used only if nothing else stepped it meanwhile.

        A copy that another transaction has changed, and not committed as far as we know, is dropped: a transaction
        that failed leaves its half-made step in memory.
        """
        found = await store.locked_version(db, run_id)
        if found is None:
            return None
        version, status = found
        cached, step = self._runs.get(run_id), transaction_of(db)
        dirty = cached is not None and cached.stepped_in is not None and cached.stepped_in is not step
        if cached is None or cached.version != version or dirty:
            row = await store.run(db, run_id)
            if row is None or row["strategy"] not in self._names:
                return None
            instrument = await self._market.instrument(row["venue"], row["symbol"])
            cached = LiveRun(row, instrument)
            self._runs[run_id] = cached
        if cached.stepped_in is None:
            cached.stepped_in = step
            after_commit(db, partial(setattr, cached, "stepped_in", None))
        cached.status = status
        return cached

    async def renewed(self, db: AsyncConnection, run: LiveRun) -> LiveRun:
        """The run with the settings in force: nobody can tell of newer ones before this transaction ends."""
        newer = await self._renewer.renewed(db, run)
        if newer is not run:
            newer.stepped_in, newer.status = run.stepped_in, run.status
            after_commit(db, partial(setattr, newer, "stepped_in", None))
            self._runs[run.run_id] = newer
        return newer

    async def settings_changed(self, db: AsyncConnection, user_id: UserId, dropped: str | None = None) -> None:
        """Let a person's runs take what was saved.

        Args:
            dropped: a preset that no run carries any more.
        """
        for run_id in await store.of_user(db, self._names, user_id):
            run = await self.load(db, run_id)
            if run is None or run.status not in store.ACTIVE:
                continue
            if dropped is not None and run.preset_id == dropped:
                await store.update_run(db, run_id, preset_id=None)
                run.preset_id = None
            await self.keep(db, await self.renewed(db, run))

    def forget(self, run: LiveRun) -> None:
        """The run ended: nothing triggers for it any more."""
        self._runs.pop(run.run_id, None)
        self._triggers.get((run.venue, run.symbol), {}).pop(run.run_id, None)

    async def candle_closed(self, db: AsyncConnection, candle: Candle, younger: int = 0) -> None:
        """Let every run of this symbol and timeframe decide on the bar, once.

        Args:
            younger: candles that had closed after this one when it was told; a candle of the past is only folded.
        """
        where = (candle.venue, candle.symbol, candle.timeframe)
        late = younger > 0 or self._is_late(candle)
        for run_id in await store.deciding(db, self._names, *where):
            run = await self.load(db, run_id)
            if run is not None:
                await self._decide(db, run, candle, late)

    def _is_late(self, candle: Candle) -> bool:
        """Whether the market has moved on for longer than a decision stays valid, by the market's own clock."""
        tick = self.newest.get((candle.venue, candle.symbol))
        return tick is not None and tick.at - candle.close_at > self._fresh(candle.timeframe)

    def _fresh(self, timeframe: Timeframe) -> timedelta:
        return min(timedelta(seconds=self._settings.fresh_s), timeframe.length / 2)

    async def _decide(self, db: AsyncConnection, run: LiveRun, candle: Candle, late: bool) -> None:
        if run.last_bar_at is not None and candle.close_at <= run.last_bar_at:
            return
        await self.catch_up(run, candle.open_at)
        await self.fold(run, [candle])
        if late:
            await self.keep(db, run)
            return
        run = await self.renewed(db, run)
        decision_id = str(self._ids.uuid7())
        now = self._clock.now()
        wishes = run.on_bar()
        decided = {
            "decision_id": decision_id,
            "run_id": run.run_id,
            "symbol": run.symbol,
            "timeframe": run.timeframe,
            "bar_close_at": candle.close_at,
            "bar_confirmed": True,
            "settings_version": run.settings_version,
            "code_version": run.code_version,
            "wishes": len(wishes),
            "decided_at": now,
        }
        if not await store.insert_decision(db, decided):
            self._runs.pop(run.run_id, None)
            return
        cause = f"bar:{run.timeframe}:{candle.close_at:%Y-%m-%dT%H:%M:%SZ}"
        await self._store(db, run, wishes, (cause, decision_id, candle.close), candle.close_at)

    async def catch_up(self, run: LiveRun, until: datetime) -> None:
        """Fold candles that were missed (a restart, a gap in the feed); the past is never decided on."""
        if run.last_bar_at is None or run.last_bar_at >= until:
            return
        missing = int((until - run.last_bar_at) / run.timeframe.length)
        candles = await self._market.candles(run.venue, run.symbol, run.timeframe, missing, until)
        await self.fold(run, [candle for candle in candles if candle.open_at >= run.last_bar_at])

    async def fold(self, run: LiveRun, candles: Sequence[Candle]) -> None:
        """Fold closed candles in order, before each the finer ones that have closed with it."""
        finer = run.finer
        feed: Sequence[Candle] = []
        if finer is not None and candles:
            span = candles[-1].close_at - candles[0].open_at
            feed = await self._market.candles(run.venue, run.symbol, finer, span // finer.length, candles[-1].close_at)
        at = 0
        for candle in candles:
            while at < len(feed) and feed[at].close_at <= candle.close_at:
                run.fold_finer(feed[at])
                at += 1
            run.fold_candle(candle)

    async def order_filled(self, db: AsyncConnection, event: OrderFilled) -> None:
        """Tell the run of a fill."""
        if event.last_price is not None:  # whoever trades hears of a price before the market does
            self._heard(event.exchange, event.symbol, event.timestamp, event.last_price)
        last = event.last_price if event.last_price is not None else self._last(event.exchange, event.symbol)
        fields = _fill_fields(event, FillKind.FILLED, event.filled_qty, event.fill_price, last or event.fill_price)
        await self._tell(db, event.run_id, fields, event.timestamp, last or event.fill_price)

    async def order_ended(self, db: AsyncConnection, event: Ended) -> None:
        """Tell the run that an order will not fill any further."""
        last = self._last(event.exchange, event.symbol) or ZERO
        kind = FillKind.ENDED
        if isinstance(event, OrderRejected):
            lack = event.denied or event.code in _LACK_OF_MARGIN
            kind = FillKind.DENIED if lack else FillKind.REJECTED
        fields = _fill_fields(event, kind, ZERO, ZERO, last)
        after_commit(db, self.wake.set)  # a wish for the same slot may have waited for this end
        await self._tell(db, event.run_id, fields, event.at, last or None)

    async def refused(self, db: AsyncConnection, wish: Mapping[str, Any]) -> None:
        """Tell the run that one of its wished orders was refused before it became an order."""
        last = self._last(wish["venue"], wish["symbol"]) or ZERO
        now = self._clock.now()
        fields = {
            "kind": int(FillKind.REJECTED),
            "slot": slot_number(wish["slot"]),
            "side": BUY if wish["side"] == Side.BUY else SELL,
            "position_side": LONG if wish["position_side"] == PositionSide.LONG else SHORT,
            "qty": 0.0,
            "price": 0.0,
            "left": float(wish["qty"]),
            "last": float(last),
            "ts_ms": to_ms(now),
        }
        await self._tell(db, RunId(wish["run_id"]), fields, now, last or None)

    async def _tell(
        self, db: AsyncConnection, run_id: RunId | None, fields: dict[str, float], at: datetime, last: Decimal | None
    ) -> None:
        run = await self.load(db, run_id) if run_id is not None else None
        if run is None:
            return
        if fields["kind"] != FillKind.FILLED:  # no evidence of the venue: our own clock
            at = self.market_time(run, at)
            fields |= {"ts_ms": to_ms(at)}
        wishes = run.on_fill(**fields)
        await self._store(db, run, wishes, ("", None, last), at)

    def market_time(self, run: LiveRun, at: datetime) -> datetime:
        """When something of our own clock happened; by the market's clock where that runs ahead (a replay).

        Pauses after refusals are measured against candles.
        """
        tick = self.newest.get((run.venue, run.symbol))
        return max(at, tick.at if tick else at, run.last_bar_at or at)

    async def ticked(self, tick: Tick) -> None:
        """Compare a price with the nearest triggers before anything else is done."""
        key = (tick.venue, tick.symbol)
        before = self.newest.get(key)
        self.newest[key] = tick
        self._heard(tick.venue, tick.symbol, tick.at, tick.last)
        if before is not None and before.mark == tick.mark and before.last != tick.last:
            return  # last price and mark travel in two frames: this mark is older than what the last price has filled
        mark = float(tick.mark)
        for run_id, (below, above) in list(self._triggers.get(key, {}).items()):
            if below < mark < above:
                continue
            async with self._db.transaction() as db:
                run = await self.load(db, run_id)
                if run is not None and run.status in store.ACTIVE:
                    run = await self.renewed(db, run)
                    await self._store(db, run, run.on_tick(tick.mark, tick.at), ("", None, tick.last), tick.at)

    async def poke(self, run_id: RunId, tick: Tick) -> None:
        """Let a run work at the current price although no trigger was reached: after a stop request."""
        async with self._db.transaction() as db:
            run = await self.load(db, run_id)
            if run is not None:
                await self._store(db, run, run.on_tick(tick.mark, tick.at), ("", None, tick.last), tick.at)

    def _heard(self, venue: Venue, symbol: Symbol, at: datetime, last: Decimal) -> None:
        known = self._lasts.get((venue, symbol))
        if known is None or at >= known[0]:
            self._lasts[venue, symbol] = (at, last)

    def _last(self, venue: Venue, symbol: Symbol) -> Decimal | None:
        """The last price as ticks and fills have told it, whichever is newer."""
        known = self._lasts.get((venue, symbol))
        return None if known is None else known[1]

    async def keep(self, db: AsyncConnection, run: LiveRun) -> None:
        """Store the records after a change that uttered nothing."""
        await self._store(db, run, [], ("", None, None), self._clock.now())

    async def _store(
        self,
        db: AsyncConnection,
        run: LiveRun,
        wishes: list[Wish],
        why: tuple[str, str | None, Decimal | None],
        at: datetime,
    ) -> None:
        """Store state and wishes; `why` = (cause or empty, decision, price it was based on)."""
        rows = []
        for wish in wishes:
            run.seq += 1
            rows.append(self._row(run, wish, why, at))
        await store.insert_wishes(db, rows)
        run.version += 1
        await store.store_step(db, run.run_id, run.stored())
        for wish in wishes:
            if wish.kind is Kind.PLACE and slot_number(wish.slot) // SLOT_BASE in OPENING:
                await self._tell_signal(db, run, wish, why[2] or ZERO, at)
        if wishes:
            crash_point("strategy.wishes.before_commit")
            crash_after_commit(db, "strategy.wishes.after_commit")
        after_commit(db, partial(self._committed, run, run.triggers(), bool(wishes), run.ended()))

    def _committed(self, run: LiveRun, triggers: tuple[float, float], wishes: bool, ended: bool) -> None:
        if run.status in store.ACTIVE:
            self._triggers.setdefault((run.venue, run.symbol), {})[run.run_id] = triggers
            if ended:
                self.ending.add(run.run_id)
        if wishes or ended:
            self.wake.set()

    def _row(
        self, run: LiveRun, wish: Wish, why: tuple[str, str | None, Decimal | None], at: datetime
    ) -> dict[str, Any]:
        opening = wish.kind is Kind.PLACE and not wish.reduce_only
        resting = slot_number(wish.slot) // SLOT_BASE not in OPENING
        return {
            "run_id": run.run_id,
            "seq": run.seq,
            "decision_id": why[1],
            "at": at,
            "kind": wish.kind.name.lower(),
            "slot": wish.slot,
            "side": wish.side,
            "position_side": wish.position_side,
            "type": wish.type or "",
            "qty": wish.qty,
            "price": wish.price,
            "trigger": wish.trigger,
            "reduce_only": wish.reduce_only,
            "reference_price": why[2],
            "reason": wish.reason,
            "cause": why[0] if why[0] and not (opening and resting) else f"seq:{run.seq}",
            "fresh_until": self._clock.now() + self._fresh(run.timeframe) if opening else None,
        }

    async def _tell_signal(self, db: AsyncConnection, run: LiveRun, wish: Wish, price: Decimal, at: datetime) -> None:
        payload = SignalRaised(
            run_id=run.run_id,
            user_id=run.user_id,
            account_id=run.account_id,
            strategy=run.strategy.name,
            exchange=run.venue,
            symbol=run.symbol,
            timeframe=run.timeframe,
            reason=wish.reason,
            at=at,
            slot=wish.slot,
            side=wish.side,
            qty=wish.qty,
            reference_price=price,
        )
        await outbox.emit(
            db,
            payload,
            key=f"{run.user_id}:{run.venue}:{run.symbol}",
            aggregate=f"strategy:{run.run_id}",
            user_id=run.user_id,
        )


def _fill_fields(
    event: OrderFilled | Ended, kind: FillKind, qty: Decimal, price: Decimal, last: Decimal
) -> dict[str, float]:
    at = event.timestamp if isinstance(event, OrderFilled) else event.at
    slot = event.slot if event.slot != "external" else Family.EXIT.name.lower()
    return {
        "kind": int(kind),
        "slot": slot_number(slot),
        "side": BUY if event.side is Side.BUY else SELL,
        "position_side": LONG if event.position_side.sign > 0 else SHORT,
        "qty": float(qty),
        "price": float(price),
        "left": float(event.left),
        "last": float(last),
        "ts_ms": to_ms(at),
    }
