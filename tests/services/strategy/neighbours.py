"""The neighbours of `strategy` behind their promises, in memory: honest, and able to be away when a test says so."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.builders import ACCOUNT, BTC, T0, USER, VENUE, D, an_instrument

from tradingboost.core.errors import Conflict, NotFound, Refused, TradingBoostError, Unavailable
from tradingboost.core.ids import AccountId, ClientOrderId, OrderId, RunId, Symbol, UserId, Venue
from tradingboost.core.instrument import Instrument
from tradingboost.core.market import Candle, Tick, Timeframe
from tradingboost.core.order import OrderIntent, OrderType
from tradingboost.shared.interfaces.market import FeedStatus
from tradingboost.shared.interfaces.orders import (
    AlertView,
    AmendSlot,
    CancelSlot,
    ClaimLegs,
    FillView,
    Flattened,
    MismatchResolved,
    OrderDetail,
    OrderView,
    OwnLimits,
    ResolveMismatch,
    SetLimits,
    SetSwitch,
    SettleOrder,
    Switch,
)
from tradingboost.shared.interfaces.users import Account, LinkAccount, SealedCredential, User
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective
from tradingboost.shared.user_settings.documents import dumped, given_keys, settled

M5 = Timeframe.M5
Hook = Callable[[Any], Awaitable[None]]


@dataclass
class FakeMarket:
    """Candles of five minutes per symbol, closed ones only; a quiet market before T0.

    Args:
        away: raised by the next questions for candles, one each; None = answer this one.
    """

    history: int = 400
    away: deque[TradingBoostError | None] = field(default_factory=deque)
    asked: list[tuple[int, datetime | None]] = field(default_factory=list)
    watched: list[tuple[Symbol, Timeframe]] = field(default_factory=list)
    prices: dict[Symbol, Tick] = field(default_factory=dict)
    watch_error: BaseException | None = None
    _candles: dict[Symbol, list[Candle]] = field(default_factory=dict)

    def closed(self, symbol: Symbol = BTC) -> list[Candle]:
        """Every closed candle, oldest first."""
        if symbol not in self._candles:
            self._candles[symbol] = []
            for number in range(self.history):
                self._append(symbol, T0 - (self.history - number) * M5.length, D(50_000 + number % 7 - number % 5))
        return self._candles[symbol]

    def close_bar(self, close: str, symbol: Symbol = BTC) -> Candle:
        """The next candle closes at a price."""
        return self._append(symbol, self.closed(symbol)[-1].close_at, D(close))

    def _append(self, symbol: Symbol, open_at: datetime, close: Decimal) -> Candle:
        known = self._candles[symbol]
        opened = known[-1].close if known else close
        candle = Candle(
            venue=VENUE,
            symbol=symbol,
            timeframe=M5,
            open_at=open_at,
            open=opened,
            high=max(opened, close) + 2,
            low=min(opened, close) - 2,
            close=close,
            volume=D(1),
        )
        known.append(candle)
        return candle

    async def rules_at(self, venue: Venue, symbol: Symbol, at: datetime) -> Instrument:
        return await self.instrument(venue, symbol)

    async def instrument(self, venue: Venue, symbol: Symbol) -> Instrument:
        if symbol == "NOPE-USDT-SWAP":
            raise NotFound("symbol_not_found", f"{venue} does not trade {symbol}; check the spelling.")
        return an_instrument(symbol=symbol, base=symbol.split("-", maxsplit=1)[0])

    async def candles(
        self, venue: Venue, symbol: Symbol, timeframe: Timeframe, limit: int, until: datetime | None = None
    ) -> list[Candle]:
        self.asked.append((limit, until))
        error = self.away.popleft() if self.away else None
        if error is not None:
            raise error
        return [one for one in self.closed(symbol) if until is None or one.open_at < until][-limit:]

    async def price(self, venue: Venue, symbol: Symbol) -> Tick:
        if symbol not in self.prices:
            raise Unavailable("no_price", f"No price of {symbol} has arrived yet; try again in a moment.")
        return self.prices[symbol]

    async def watch(self, venue: Venue, symbol: Symbol, timeframe: Timeframe) -> None:
        if self.watch_error is not None:
            raise self.watch_error
        self.watched.append((symbol, timeframe))

    async def feed_status(self) -> FeedStatus:
        return FeedStatus(frames={}, reconnects=0)


@dataclass
class FakeOrders:
    """Takes every wish down in the order of the calls; the same intent again gives the first answer.

    Args:
        script: what becomes of the next submits: an error to raise, or None = taken.
        before: called with each wish before it is taken.
        together: how many it takes at once at most; `ladders` says how many it took.
        two_legs: the account holds a long and a short leg side by side.
    """

    script: deque[TradingBoostError | None] = field(default_factory=deque)
    calls: list[OrderIntent | CancelSlot | AmendSlot] = field(default_factory=list)
    tried: list[OrderIntent] = field(default_factory=list)
    legs: dict[tuple[AccountId, Symbol], RunId] = field(default_factory=dict)
    released: list[RunId] = field(default_factory=list)
    reconciled: list[AccountId] = field(default_factory=list)
    before: Hook | None = None
    together: int = 0
    ladders: list[int] = field(default_factory=list)
    two_legs: bool = False
    at_claim: Hook | None = None
    release_script: deque[TradingBoostError | None] = field(default_factory=deque)
    reconcile_script: deque[TradingBoostError | None] = field(default_factory=deque)

    @property
    def submitted(self) -> list[OrderIntent]:
        return [call for call in self.calls if isinstance(call, OrderIntent)]

    async def submit(self, intent: OrderIntent) -> OrderView:
        if self.before is not None:
            await self.before(intent)
        self.tried.append(intent)
        error = self.script.popleft() if self.script else None
        if error is not None:
            raise error
        if intent.key not in {one.key for one in self.submitted}:
            self.calls.append(intent)
        return self._view(intent)

    async def submit_batch(self, intents: list[OrderIntent]) -> list[OrderView]:
        """As many as may go together, up to the first that a script has an error for."""
        told: list[OrderView] = []
        for intent in intents[: self.together]:
            if self.script and self.script[0] is not None:
                break
            told.append(await self.submit(intent))
        self.ladders.append(len(told))
        return told

    async def cancel(self, request: CancelSlot) -> OrderView | None:
        self.calls.append(request)
        return None

    async def amend(self, request: AmendSlot) -> OrderView:
        self.calls.append(request)
        return self._view(next(one for one in reversed(self.submitted) if one.run_id == request.run_id))

    async def claim(self, request: ClaimLegs) -> Decimal:
        if self.at_claim is not None:
            await self.at_claim(request)
        if request.side_by_side and not self.two_legs:
            raise Refused("hedge_mode_required", "The account holds one net position.")
        owner = self.legs.setdefault((request.account_id, request.symbol), request.run_id)
        if owner != request.run_id:
            raise Conflict("leg_busy", f"{request.symbol} belongs to run {owner}; stop it first.")
        return Decimal(10_000)

    async def release(self, run_id: RunId) -> None:
        error = self.release_script.popleft() if self.release_script else None
        if error is not None:
            raise error
        self.released.append(run_id)
        self.legs = {leg: owner for leg, owner in self.legs.items() if owner != run_id}

    async def reconcile(self, account_id: AccountId) -> None:
        error = self.reconcile_script.popleft() if self.reconcile_script else None
        if error is not None:
            raise error
        self.reconciled.append(account_id)

    async def orders(self, account_id: AccountId, limit: int = 50, open_only: bool = False) -> list[OrderView]:
        return []

    async def fills(self, account_id: AccountId, after_seq: int = 0, limit: int = 1000) -> list[FillView]:
        return []

    async def flatten(self, account_id: AccountId, request_id: str) -> Flattened:
        return Flattened(cancelled=0, closed=[], failed={})

    async def order(self, order_id: OrderId) -> OrderDetail:
        raise AssertionError("a run looks at no single order")

    async def end(self, order_id: OrderId) -> OrderDetail:
        raise AssertionError("a run cancels by slot")

    async def settle(self, request: SettleOrder) -> OrderDetail:
        raise AssertionError("only a person settles")

    async def alerts(self, account_id: AccountId | None = None, every: bool = False) -> list[AlertView]:
        raise AssertionError("alerts are for people")

    async def acknowledge(self, alert_id: str, by: str) -> AlertView:
        raise AssertionError("alerts are for people")

    async def switches(self) -> list[Switch]:
        raise AssertionError("a run does not ask for switches; its entries are denied")

    async def switch(self, request: SetSwitch) -> list[Switch]:
        raise AssertionError("only a person switches")

    async def resolve_mismatch(self, request: ResolveMismatch, by: str) -> MismatchResolved:
        raise AssertionError("only a person decides about a mismatch")

    async def limits(self, account_id: AccountId) -> list[OwnLimits]:
        raise AssertionError("a run does not ask for limits; its entries are denied")

    async def set_limits(self, request: SetLimits, by: str) -> list[OwnLimits]:
        raise AssertionError("only a person sets limits")

    def _view(self, intent: OrderIntent) -> OrderView:
        return OrderView(
            order_id=OrderId(intent.key),
            client_order_id=ClientOrderId("c"),
            venue_order_id=None,
            user_id=intent.user_id,
            account_id=intent.account_id,
            run_id=intent.run_id,
            venue=intent.venue,
            symbol=intent.symbol,
            slot=intent.slot,
            side=intent.side,
            position_side=intent.position_side,
            type=intent.type or OrderType.MARKET,
            qty=intent.qty,
            price=intent.price,
            trigger=intent.trigger,
            reduce_only=intent.reduce_only,
            state="OPEN",
            filled=D(0),
            average_price=None,
            deny_code="",
            reason=intent.reason,
            created_at=T0,
        )


@dataclass
class FakeUsers:
    """One user's accounts; every other account is unknown."""

    owners: dict[AccountId, UserId] = field(default_factory=lambda: {ACCOUNT: USER})
    stored: dict[str, Any] = field(default_factory=dict)
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 1
    asked: list[AskEffective] = field(default_factory=list)
    broken: TradingBoostError | None = None

    async def effective(self, asked: AskEffective) -> Effective:
        self.asked.append(asked)
        if self.broken is not None:
            raise self.broken
        layers = (self.stored, self.presets.get(asked.preset_id or "", {}), asked.overrides)
        said = dumped(settled(asked.strategy, *layers))
        if asked.strategy == "grid":
            said = {key: value for key, value in said.items() if key in given_keys("grid", *layers)}
        return Effective(params=said, version=self.version, preset_id=asked.preset_id or None)

    async def create_user(self, name: str) -> User:
        return User(user_id=USER, name=name)

    async def link_account(self, request: LinkAccount) -> Account:
        return await self.account(ACCOUNT)

    async def account(self, account_id: AccountId) -> Account:
        if account_id not in self.owners:
            raise NotFound("account_not_found", f"There is no account {account_id}.")
        return Account(
            account_id=account_id,
            user_id=self.owners[account_id],
            venue=VENUE,
            environment="simulated",
            label="test",
            exchange_uid="1",
        )

    async def accounts(self) -> list[Account]:
        return [await self.account(account_id) for account_id in self.owners]

    async def sealed_credential(self, account_id: AccountId) -> SealedCredential:
        raise NotFound("credentials_missing", "No keys are stored for this account; link it again.")
