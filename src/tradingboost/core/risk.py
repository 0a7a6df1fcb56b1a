"""The pre-trade check: a pure list of rules, the first that fails denies the intent with a stable code."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec

from tradingboost.core.ids import AccountId, RunId, UserId
from tradingboost.core.instrument import Instrument
from tradingboost.core.money import ZERO
from tradingboost.core.order import OrderIntent, PositionSide


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do at most."""

    max_notional_quote: Decimal = Decimal(1_000_000)
    max_orders_per_minute: int = 600


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at the moment of the check.

    Args:
        owner: user and run owner by the books, against which the intent is compared.
        legs_of: the run that claimed the leg, None if nobody did.
        worst_case_notional_quote: positions plus every order that may still fill, UNKNOWN counted as filled.
        reference_price: newest market price, None if it could not be read.
    """

    account_owner: UserId
    run_owner: UserId
    account_id: AccountId
    legs_of: RunId | None
    frozen: bool = False
    blocked: tuple[str, ...] = ()
    unknown_on_symbol: bool = False
    worst_case_notional_quote: Decimal = ZERO
    orders_last_minute: int = 0
    reference_price: Decimal | None = None


def check(intent: OrderIntent, exposure: Exposure, limits: Limits, instrument: Instrument, now: datetime) -> str | None:
    """Why the intent is denied, or None. Reduce-only keeps ownership, freeze and form, nothing else.

    Returns:
        A deny code: wrong_owner, frozen, kill_switch_active, account_not_normal, leg_busy, stale, below_min_qty,
        bad_price, limit_exceeded.
    """
    rules: list[Callable[[OrderIntent, Exposure, Limits, Instrument, datetime], str | None]] = [_owner, _frozen, _form]
    if not intent.reduce_only:
        rules += [_mode, _leg, _fresh, _stop_side, _limits]
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


def _mode(_intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    return exposure.blocked[0] if exposure.blocked else None


def _leg(intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    return "leg_busy" if exposure.legs_of != intent.run_id or exposure.unknown_on_symbol else None


def _fresh(
    intent: OrderIntent, exposure: Exposure, _limits: Limits, _instrument: Instrument, now: datetime
) -> str | None:
    late = intent.fresh_until is not None and now > intent.fresh_until
    return "stale" if late or exposure.reference_price is None or exposure.reference_price <= 0 else None


def _stop_side(intent: OrderIntent, exposure: Exposure, *_: object) -> str | None:
    if intent.trigger is None or intent.type.is_trigger or exposure.reference_price is None:
        return None
    entry = intent.price if intent.price is not None else exposure.reference_price
    wrong = intent.trigger >= entry if intent.position_side is PositionSide.LONG else intent.trigger <= entry
    return "bad_price" if wrong else None


def _limits(
    intent: OrderIntent, exposure: Exposure, limits: Limits, instrument: Instrument, _now: datetime
) -> str | None:
    price = intent.price if intent.price is not None else exposure.reference_price
    wanted = instrument.notional_quote(intent.qty, price) if price is not None else ZERO
    if exposure.worst_case_notional_quote + wanted > limits.max_notional_quote:
        return "limit_exceeded"
    return "limit_exceeded" if exposure.orders_last_minute >= limits.max_orders_per_minute else None
