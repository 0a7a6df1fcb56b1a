"""What is at risk already, so that the pure check can say whether an intent may add to it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core import risk
from tradingboost.core.ids import AccountId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent
from tradingboost.services.orders import repository as store
from tradingboost.services.orders.errors import slot_busy
from tradingboost.services.orders.service.accounts import Accounts
from tradingboost.services.orders.service.days import Days
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.orders import OwnLimits
from tradingboost.shared.interfaces.positions import Positions, PositionView
from tradingboost.shared.interfaces.users import Account

_MINUTE = timedelta(minutes=1)


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of an intent.

    Args:
        deny: the code it is denied with, or nothing.
        margin_quote: what an opening takes, in the asset it `settle`s in.
        leg: the claim it was weighed by, its side and how many openings it had decided; None for what reduces.
    """

    deny: str
    margin_quote: Decimal
    settle: str
    leg: tuple[str, int] | None


class Weigher:
    """Gathers exposure and limits for `core.risk.check`; limits that nobody set cost nothing."""

    def __init__(self, neighbours: tuple[Exchange, Positions], accounts: Accounts, settings: OrdersSettings) -> None:
        self._exchange, self._positions = neighbours
        self._accounts = accounts
        self._days = Days(neighbours[1], accounts)
        self._settings = settings

    async def check(self, db: AsyncConnection, intent: OrderIntent, instrument: Instrument, now: datetime) -> Weighed:
        """Whether an intent may go.

        Raises:
            Unavailable: `slot_busy`.
        """
        (weighed,) = await self.check_all(db, [intent], instrument, now)
        return weighed

    async def check_all(
        self, db: AsyncConnection, intents: Sequence[OrderIntent], instrument: Instrument, now: datetime
    ) -> list[Weighed]:
        """Whether intents of one run for one symbol may go, each weighed as if those before it had gone.

        Args:
            intents: that all open, or all reduce.

        Returns:
            A word for each, up to the first that is denied.

        Raises:
            Unavailable: `slot_busy`.
        """
        first, account = intents[0], await self._accounts.account(intents[0].account_id)
        weight = None if first.reduce_only else await store.weight(db, intents, now - _MINUTE)
        frozen, blocked, ending = weight.blocking if weight is not None else await store.blocking(db, *intents)
        if ending:
            raise slot_busy(first.slot)
        exposure = risk.Exposure(
            account_owner=account.user_id,
            run_owner=first.user_id,
            account_id=account.account_id,
            legs_of=first.run_id,
            frozen=frozen,
            blocked=blocked if self._accounts.ready(first.account_id) else ("account_not_normal", *blocked),
        )
        if weight is not None:
            exposure = await self._of_opening(db, first, exposure, instrument, weight)
            exposure = await self._days.known(account, exposure, weight.own_limits, now)
        claim, found = weight.claim if weight is not None else None, list[Weighed]()
        limits = self._limits(account, weight.own_limits if weight is not None else ())
        for intent in intents:
            exposure = msgspec.structs.replace(exposure, reference_price=intent.reference_price)
            worth = ZERO if intent.reduce_only else risk.worth(intent, instrument, intent.reference_price)
            weighed = Weighed(
                deny=risk.check(intent, exposure, limits, instrument, now) or "",
                margin_quote=risk.margin_needed(worth, exposure.leverage),
                settle=instrument.settle,
                leg=None if claim is None else (claim["position_side"], claim["decided"]),
            )
            found.append(weighed)
            if weighed.deny:
                break
            exposure = exposure.with_opening(worth, weighed.margin_quote)
        return found

    def _limits(self, account: Account, own: Sequence[OwnLimits]) -> risk.Limits:
        chosen, listed = self._settings, [frozenset(one.symbols) for one in own if one.symbols is not None]
        most = {one.scope: one.max_daily_loss_quote for one in own}
        return risk.Limits(
            max_notional_quote=account.max_notional_quote,
            max_orders_per_minute=chosen.max_orders_per_minute,
            max_order_notional_quote=chosen.max_order_notional_quote,
            max_run_notional_quote=chosen.max_run_notional_quote,
            max_user_notional_quote=chosen.max_user_notional_quote,
            max_platform_notional_quote=chosen.max_platform_notional_quote,
            symbols=frozenset.intersection(*listed) if listed else None,
            max_loss_quote=most.get("account"),
            max_user_loss_quote=most.get("user"),
            price_band_bps=chosen.price_band_bps,
        )

    async def read_again(self, account_id: AccountId) -> None:
        """Ask the venue what is free before anybody is told that it is too little.

        Raises:
            Unavailable: it could not be read, so nobody knows.
        """
        self._accounts.read(account_id, (await self._exchange.snapshot(account_id, None)).balances)

    async def _of_opening(
        self,
        db: AsyncConnection,
        intent: OrderIntent,
        exposure: risk.Exposure,
        instrument: Instrument,
        weight: store.Weight,
    ) -> risk.Exposure:
        claim = weight.claim
        held = await self._positions.positions(intent.account_id)
        leverage = claim["leverage"] if claim is not None and claim["leverage"] else 1
        known = claim is not None and (claim["leverage"] or instrument.kind is InstrumentKind.SPOT)
        return msgspec.structs.replace(
            exposure,
            legs_of=claim["run_id"] if claim is not None else None,
            run_owner=claim["user_id"] if claim is not None else exposure.run_owner,
            mark=next((one.mark for one in held if one.symbol == intent.symbol and one.mark is not None), None),
            worst_case_notional_quote=await self._worth(held) + weight.waiting_quote,
            run_notional_quote=await self._of_run(db, intent, held),
            user_notional_quote=await self._of_user(db, intent),
            platform_notional_quote=await self._of_platform(db),
            free_quote=self._accounts.free(intent.account_id, instrument.settle) if known else None,
            leverage=leverage,
            orders_last_minute=weight.made,
        )

    async def _of_run(self, db: AsyncConnection, intent: OrderIntent, held: list[PositionView]) -> Decimal:
        if self._settings.max_run_notional_quote is None:
            return ZERO
        legs = [leg for leg in held if leg.run_id == intent.run_id]
        return await self._worth(legs) + await store.waiting_notional(db, run_id=intent.run_id)

    async def _of_user(self, db: AsyncConnection, intent: OrderIntent) -> Decimal:
        if self._settings.max_user_notional_quote is None:
            return ZERO
        theirs = await self._accounts.of_user(intent.user_id)
        return await self._of_accounts(theirs) + await store.waiting_notional(db, user_id=intent.user_id)

    async def _of_platform(self, db: AsyncConnection) -> Decimal:
        if self._settings.max_platform_notional_quote is None:
            return ZERO
        every = await store.known_accounts(db)
        return await self._of_accounts(every) + await store.waiting_notional(db)

    async def _of_accounts(self, accounts: list[AccountId]) -> Decimal:
        return sum([await self._worth(await self._positions.positions(one)) for one in accounts], ZERO)

    async def _worth(self, held: list[PositionView]) -> Decimal:
        worth = ZERO
        for leg in held:
            rules = await self._exchange.instrument(leg.venue, leg.symbol)
            worth += rules.notional_quote(abs(leg.qty), leg.average_price or ZERO)
        return worth
