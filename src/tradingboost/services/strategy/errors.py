"""What only `strategy` can say."""

from tradingboost.core.errors import Conflict, NotFound, Refused, Unavailable
from tradingboost.core.ids import AccountId, RunId, Symbol
from tradingboost.core.market import Timeframe


def run_already_active(account_id: AccountId, symbol: Symbol) -> Conflict:
    """One run per account and symbol."""
    return Conflict(
        "run_already_active",
        f"{symbol} already has an active run on this account; stop it first.",
        account_id=account_id,
        symbol=symbol,
    )


def max_symbols_reached(limit: int) -> Conflict:
    """All slots of the user are taken."""
    return Conflict("max_symbols_reached", f"You already run {limit} symbols; stop one first.", max=limit)


def wrong_owner(account_id: AccountId) -> Refused:
    """The account is somebody else's."""
    return Refused(
        "wrong_owner", "This account belongs to another user; choose one of your own.", account_id=account_id
    )


def run_not_found(run_id: RunId) -> NotFound:
    """No such run here."""
    return NotFound("run_not_found", f"There is no run {run_id}.", run_id=run_id)


def short_history(symbol: Symbol, timeframe: Timeframe, have: int, need: int) -> Unavailable:
    """The warm-up is not complete."""
    return Unavailable(
        "short_history",
        f"{symbol} has only {have} of the {need} closed {timeframe} candles the indicators need; try again later.",
        have=have,
        need=need,
    )


def signal_bot_unavailable() -> Refused:
    """Orders go to the exchange directly."""
    return Refused(
        "signal_bot_unavailable",
        "Signal-bot execution is not connected here; set execution_mode to API_DIRECT for this symbol.",
    )
