"""A hand at the exchange and at the desk: entries placed without a strategy, and a user who takes stops away."""

import asyncio
import secrets
from decimal import Decimal
from typing import Final

import msgspec

from tradingboost.app.chaos.market import SYMBOL
from tradingboost.app.chaos.town import Town
from tradingboost.app.replay.driver import VENUE
from tradingboost.app.replay.stage import BALANCE
from tradingboost.app.wiring import Platform
from tradingboost.core.ids import RunId, Symbol
from tradingboost.core.money import Rounding
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.exchange import OrderRef
from tradingboost.shared.interfaces.orders import CancelSlot, ClaimLegs, OrderView
from tradingboost.shared.interfaces.users import Account, LinkAccount
from tradingboost.simulator.client import Credentials
from tradingboost.venues.base import Endpoint, Keys, Owner, TradingVenue
from tradingboost.venues.catalogue import Venues

_RUN: Final = RunId("by hand")
_EVERY_S: Final = 0.1


async def open_account(town: Town, platform: Platform) -> tuple[Account, Credentials]:
    """A user with a paper account that no strategy trades on, compared with the venue."""
    await Venues(SystemClock()).load()  # in its seconds nobody else is served, so not once it matters
    uid = str(int.from_bytes(secrets.token_bytes(6), "big"))
    keys = await town.admin.open_account(uid=uid, balances={"USDT": str(BALANCE)}, pos_mode="net_mode")
    user = await platform.users.create_user("hand")
    account = await platform.users.link_account(
        LinkAccount(
            user_id=user.user_id,
            venue=VENUE,
            environment="simulated",
            label="by hand",
            exchange_uid=keys.uid,
            api_key=keys.key,
            api_secret=keys.secret,
            passphrase=keys.passphrase,
            endpoint_rest=town.endpoints.rest,
            endpoint_ws=town.endpoints.ws,
        )
    )
    town.accounts.append(account)
    await platform.orders.reconcile(account.account_id)
    return account, keys


async def enter(town: Town, platform: Platform, account: Account, number: int = 0) -> None:
    """Buy one contract at market with an attached stop two percent below, and let it fill."""
    last = Decimal(town.bars.price(int(town.bars.series.close[town.bars.warmup - 1])))
    await town.print_price(last)
    symbol = Symbol(town.bars.instrument.inst_id)
    rules = await platform.market.instrument(VENUE, symbol)
    slot = f"buy:{number}" if number else "entry"
    if not number:
        await _claim(platform, account, symbol)
    wish = _bought(account, symbol, slot, f"api:chaos {number}", last)
    stop = rules.price(last * Decimal("0.98"), Rounding.DOWN)
    await platform.orders.submit(msgspec.structs.replace(wish, qty=rules.lot * 100, trigger=stop))
    await town.print_price(last)


async def rest(platform: Platform, account: Account, number: int) -> OrderView:
    """Wish a resting entry three percent below the market, and what came of it."""
    symbol = Symbol(SYMBOL)
    rules = await platform.market.instrument(VENUE, symbol)
    last = (await platform.market.price(VENUE, symbol)).last
    await _claim(platform, account, symbol)
    wish = _bought(account, symbol, f"buy:{number}", f"api:probe {number}", last)
    price, stop = (rules.price(last * Decimal(share), Rounding.DOWN) for share in ("0.97", "0.95"))
    return await platform.orders.submit(
        msgspec.structs.replace(wish, type=OrderType.LIMIT, qty=rules.lot, price=price, trigger=stop)
    )


async def _claim(platform: Platform, account: Account, symbol: Symbol) -> None:
    legs = ClaimLegs(
        run_id=_RUN, user_id=account.user_id, account_id=account.account_id, venue=VENUE, symbol=symbol, leverage=3
    )
    await platform.orders.claim(legs)


def _bought(account: Account, symbol: Symbol, slot: str, cause: str, last: Decimal) -> OrderIntent:
    """A purchase at market, of one unit and without a stop until they are said."""
    return OrderIntent(
        user_id=account.user_id,
        account_id=account.account_id,
        run_id=_RUN,
        venue=VENUE,
        symbol=symbol,
        slot=slot,
        side=Side.BUY,
        position_side=PositionSide.LONG,
        type=OrderType.MARKET,
        qty=Decimal(1),
        reference_price=last,
        reason="by hand",
        cause=cause,
    )


async def end(platform: Platform, account: Account, number: int) -> None:
    """Take a resting entry back."""
    symbol = Symbol(SYMBOL)
    wish = CancelSlot(run_id=_RUN, account_id=account.account_id, symbol=symbol, slot=f"buy:{number}", reason="by hand")
    await platform.orders.cancel(wish)


async def take_stops_away(town: Town, account: Account, keys: Credentials) -> None:
    """The user cancels every stop as soon as it shows, and prints follow so that markets fill, until cancelled."""
    venues = Venues(SystemClock(), {VENUE: Endpoint(rest=town.endpoints.rest, ws=town.endpoints.ws)})
    owner = Owner(account_id=account.account_id, venue=VENUE)
    opened = venues.account(
        owner, Keys(api_key=keys.key, secret=keys.secret, passphrase=keys.passphrase), Endpoint(), "mark"
    )
    try:
        while True:
            await _sweep(opened, account)
            await asyncio.sleep(_EVERY_S)
    finally:
        await opened.close()
        await venues.close()


async def _sweep(venue: TradingVenue, account: Account) -> None:
    for report in await venue.open_orders():
        if report.is_algo:
            ref = OrderRef(
                account_id=account.account_id,
                symbol=report.symbol,
                client_order_id=None,
                venue_order_id=report.venue_order_id,
                is_algo=True,
            )
            await venue.cancel(ref)
