"""The pre-trade check: a pure list of rules, the first that fails denies the intent with a stable code."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradingboost.core.ids import AccountId, RunId, Symbol, UserId
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, PositionSide, Side

DENIALS: Final = {
    "wrong_owner": "The account or the run belongs to somebody else.",
    "frozen": "Everything is frozen here by a switch; clear it first.",
    "wrong_side": "A long is opened by buying and a short by selling; the sides do not fit.",
    "below_min_qty": "The quantity is below the venue's minimum; make it larger.",
    "above_max_qty": "The quantity is above the venue's maximum for one order; make it smaller.",
    "off_lot": "The quantity does not lie on a lot of the instrument; round it down.",
    "bad_price": "A price is missing, off the tick or too far from the market, or the stop is on the wrong side of it.",
    "symbol_not_allowed": "The symbol is not on the list of what may be traded here; add it with limits set.",
    "kill_switch_active": "A kill switch stops new entries; see kill-switch list.",
    "account_not_normal": "The account opens nothing now (unknown order, mismatch, keys, comparison); see status.",
    "leg_busy": "Another run owns this symbol, or none does.",
    "stale": "The signal is too old, or there is no price to check it against.",
    "limit_exceeded": "It would exceed a limit of order, run, account, user or platform, or of a minute or a day.",
    "insufficient_balance": "The free balance does not cover the margin; add funds or make it smaller.",
}
"""What a person reads for a deny code."""

_MARGIN_SLACK: Final = Decimal("0.98")
"""The venue's own margin check decides what is close: marks and fees differ a little from our figures."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be at risk at most, each with everything counted that may still fill; None = no limit of its own.

    Args:
        max_notional_quote: of the account.
        symbols: what may be opened at all.
        max_loss_quote: of the account since 00:00 UTC; `max_user_loss_quote` of all accounts of the person.
        price_band_bps: how much worse than the market a price may be, and how far from the mark a market order's.
    """

    max_notional_quote: Decimal = Decimal(1_000_000)
    max_orders_per_minute: int = 600
    max_order_notional_quote: Decimal | None = None
    max_run_notional_quote: Decimal | None = None
    max_user_notional_quote: Decimal | None = None
    max_platform_notional_quote: Decimal | None = None
    symbols: frozenset[Symbol] | None = None
    max_loss_quote: Decimal | None = None
    max_user_loss_quote: Decimal | None = None
    price_band_bps: int | None = None


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the moment of the check.

    Args:
        owner: user and run owner by the books, against which the intent is compared.
        legs_of: the run that claimed the leg, None if nobody did.
        worst_case_notional_quote: positions plus every order that may still fill, UNKNOWN counted as filled.
        run_notional_quote: the same of the run; `user_` and `platform_` of all their accounts (asked where limited).
        reference_price: newest market price, None if it could not be read.
        free_quote: what the venue lets new orders use, less what was sent since that reading; None = not read.
        leverage: in force for the symbol.
        mark: the venue's mark price, None where it is not followed.
        lost_quote: by the account since 00:00 UTC (asked where limited), negative = gained, None = not known.
        day_over: a limit of the day's loss was reached earlier on this day.
    """

    account_owner: UserId
    run_owner: UserId
    account_id: AccountId
    legs_of: RunId | None
    frozen: bool = False
    blocked: tuple[str, ...] = ()
    unknown_on_symbol: bool = False
    worst_case_notional_quote: Decimal = ZERO
    run_notional_quote: Decimal = ZERO
    user_notional_quote: Decimal = ZERO
    platform_notional_quote: Decimal = ZERO
    free_quote: Decimal | None = None
    leverage: int = 1
    orders_last_minute: int = 0
    reference_price: Decimal | None = None
    mark: Decimal | None = None
    lost_quote: Decimal | None = ZERO
    user_lost_quote: Decimal | None = ZERO
    day_over: bool = False

    def with_opening(self, worth: Decimal, margin: Decimal) -> "Exposure":
        """As it is once an opening worth this much goes out."""
        free = None if self.free_quote is None else self.free_quote - margin
        return msgspec.structs.replace(
            self,
            worst_case_notional_quote=self.worst_case_notional_quote + worth,
            run_notional_quote=self.run_notional_quote + worth,
            user_notional_quote=self.user_notional_quote + worth,
            platform_notional_quote=self.platform_notional_quote + worth,
            free_quote=free,
            orders_last_minute=self.orders_last_minute + 1,
        )


def check(intent: OrderIntent, exposure: Exposure, limits: Limits, instrument: Instrument, now: datetime) -> str | None:
    """Why the intent is denied, or None. Reduce-only keeps ownership, freeze and form, nothing else.

    Returns:
        A key of `DENIALS`.
    """
    rules: list[Callable[[OrderIntent, Exposure, Limits, Instrument, datetime], str | None]] = [_owner, _frozen, _form]
    if not intent.reduce_only:
        rules += [_side, _mode, _leg, _fresh, _symbol, _band, _stop_side, _margin, _limits, _loss]
    for rule in rules:
        code = rule(intent, exposure, limits, instrument, now)
        if code is not None:
            return code
    return None


def _owner(intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    same = intent.user_id == exposure.account_owner == exposure.run_owner and intent.account_id == exposure.account_id
    return None if same else "wrong_owner"


def _frozen(_intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    return "frozen" if exposure.frozen else None


def _form(
    intent: OrderIntent, _exposure: Exposure, _limits: Limits, instrument: Instrument, _now: datetime
) -> str | None:
    largest = instrument.max_limit_qty if intent.price is not None else instrument.max_market_qty
    if intent.qty < instrument.min_qty:
        return "below_min_qty"
    if intent.qty > largest:
        return "above_max_qty"
    if intent.qty % instrument.lot:
        return "off_lot"
    prices = [price for price in (intent.price, intent.trigger) if price is not None]
    return "bad_price" if any(price <= 0 or price % instrument.tick for price in prices) else None


def _side(
    intent: OrderIntent, _exposure: Exposure, _limits: Limits, instrument: Instrument, _now: datetime
) -> str | None:
    if instrument.kind is InstrumentKind.SPOT:  # coins are sold without a leg to reduce
        return None
    return None if intent.side.sign == intent.position_side.sign else "wrong_side"


def _mode(_intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    return exposure.blocked[0] if exposure.blocked else None


def _leg(intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    return "leg_busy" if exposure.legs_of != intent.run_id or exposure.unknown_on_symbol else None


def _fresh(
    intent: OrderIntent, exposure: Exposure, _limits: Limits, _instrument: Instrument, now: datetime
) -> str | None:
    late = intent.fresh_until is not None and now > intent.fresh_until
    return "stale" if late or exposure.reference_price is None or exposure.reference_price <= 0 else None


def _symbol(intent: OrderIntent, _exposure: Exposure, limits: Limits, *_: object) -> str | None:
    return "symbol_not_allowed" if limits.symbols is not None and intent.symbol not in limits.symbols else None


def _band(intent: OrderIntent, exposure: Exposure, limits: Limits, *_: object) -> str | None:
    """A resting price may lie anywhere on its own side of the market; one that would fill at once may not."""
    market = exposure.mark if exposure.mark is not None else exposure.reference_price
    asked = intent.price if intent.price is not None else exposure.reference_price
    if limits.price_band_bps is None or market is None or asked is None:
        return None
    away = (asked - market) * intent.side.sign if intent.price is not None else abs(asked - market)
    return "bad_price" if away > market * limits.price_band_bps / 10_000 else None


def _stop_side(intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    if intent.trigger is None or intent.type.is_trigger or exposure.reference_price is None:
        return None
    entry = intent.price if intent.price is not None else exposure.reference_price
    wrong = intent.trigger >= entry if intent.position_side is PositionSide.LONG else intent.trigger <= entry
    return "bad_price" if wrong else None


def worth(intent: OrderIntent, instrument: Instrument, reference_price: Decimal | None) -> Decimal:
    """What an opening puts at risk: its notional at its own price, else at the newest one."""
    price = intent.price if intent.price is not None else reference_price
    return instrument.notional_quote(intent.qty, price) if price is not None else ZERO


def margin_needed(notional_quote: Decimal, leverage: int) -> Decimal:
    """What must be free for an opening not to be refused here; a little less than the venue asks for."""
    return notional_quote / leverage * _MARGIN_SLACK


def _margin(
    intent: OrderIntent, exposure: Exposure, _limits: Limits, instrument: Instrument, _now: datetime
) -> str | None:
    sells_coins = instrument.kind is InstrumentKind.SPOT and intent.side is Side.SELL
    if exposure.free_quote is None or sells_coins:
        return None
    needed = margin_needed(worth(intent, instrument, exposure.reference_price), exposure.leverage)
    return "insufficient_balance" if needed > exposure.free_quote else None


def _limits(
    intent: OrderIntent, exposure: Exposure, limits: Limits, instrument: Instrument, _now: datetime
) -> str | None:
    wanted = worth(intent, instrument, exposure.reference_price)
    held = (
        (ZERO, limits.max_order_notional_quote),
        (exposure.run_notional_quote, limits.max_run_notional_quote),
        (exposure.worst_case_notional_quote, limits.max_notional_quote),
        (exposure.user_notional_quote, limits.max_user_notional_quote),
        (exposure.platform_notional_quote, limits.max_platform_notional_quote),
    )
    if any(most is not None and others + wanted > most for others, most in held):
        return "limit_exceeded"
    return "limit_exceeded" if exposure.orders_last_minute >= limits.max_orders_per_minute else None


def _loss(_intent: OrderIntent, exposure: Exposure, limits: Limits, *_: object) -> str | None:
    lost = ((exposure.lost_quote, limits.max_loss_quote), (exposure.user_lost_quote, limits.max_user_loss_quote))
    if exposure.day_over or any(reached(quote, most) for quote, most in lost):
        return "limit_exceeded"
    unread = any(quote is None and most is not None for quote, most in lost)
    return "stale" if unread else None  # what is held has no price: nobody can say how much is lost


def reached(lost_quote: Decimal | None, max_loss_quote: Decimal | None) -> bool:
    """Whether a loss is as large as it may be on one day."""
    return lost_quote is not None and max_loss_quote is not None and lost_quote >= max_loss_quote
