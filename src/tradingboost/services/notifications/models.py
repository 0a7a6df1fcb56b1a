"""What a fact says to a person, in one line."""

from decimal import Decimal

from tradingboost.shared.events.envelope import Payload
from tradingboost.shared.events.orders import (
    AlertRaised,
    OrderFilled,
    OrderParked,
    OrderRejected,
    OrderUnknown,
    ProtectionMissing,
)
from tradingboost.shared.events.positions import DustLeft, FundingBooked, MismatchFound, PositionClosed, PositionOpened
from tradingboost.shared.events.strategy import RunStarted, RunStopped
from tradingboost.shared.events.users import CredentialNeedsCare


def told(payload: Payload) -> tuple[str, str]:
    """(category, sentence) of a fact."""
    match payload:
        case OrderFilled(symbol=symbol, side=side, filled_qty=qty, fill_price=price, slot=slot):
            return "fill", f"{symbol} {slot}: {side} {plain(qty)} at {plain(price)}"
        case OrderRejected(symbol=symbol, slot=slot, code=code):
            return "order", f"{symbol} {slot}: not placed ({code})"
        case OrderUnknown(symbol=symbol):
            return "alarm", f"{symbol}: a reply was lost; entries wait until the exchange has been asked"
        case AlertRaised(message=message, symbol=symbol):
            return "alarm", message if symbol is None or message.startswith(symbol) else f"{symbol}: {message}"
        case OrderParked(symbol=symbol, reason=reason):
            return "alarm", f"{symbol}: {reason}"
        case ProtectionMissing(symbol=symbol, action=action):
            return "alarm", f"{symbol}: the stop was missing; {action}"
        case PositionOpened(symbol=symbol, position_side=side, qty=qty, average_price=average):
            return "position", f"{symbol} {side} opened: {plain(qty)} at {plain(average)}"
        case PositionClosed(symbol=symbol, position_side=side, realized_quote=realized):
            return "position", f"{symbol} {side} closed: {plain(realized)} realised by the last fill"
        case MismatchFound(symbol=symbol, ours=ours, venue=venue):
            return "alarm", f"{symbol}: our books say {plain(ours)}, the exchange says {plain(venue)}; entries pause"
        case DustLeft(symbol=symbol, qty=qty, min_qty=least):
            return (
                "position",
                f"{symbol}: {plain(qty)} is left, less than the exchange trades ({plain(least)}); it stays",
            )
        case FundingBooked(symbol=symbol, amount=amount, asset=asset):
            return "funding", f"{symbol}: funding {plain(amount)} {asset}"
        case RunStarted(strategy=strategy, symbol=symbol, timeframe=timeframe):
            return "run", f"{strategy} runs on {symbol} {timeframe}"
        case RunStopped(strategy=strategy, symbol=symbol, reason=reason):
            return "run", f"{strategy} on {symbol} stopped: {reason}"
        case CredentialNeedsCare(label=label, code="credential_expiring", days_left=days):
            return "alarm", f"{label}: its API keys end in {days} days; connect new ones"
        case CredentialNeedsCare(label=label, code=code):
            return "alarm", f"{label}: its API keys open nothing any more ({code}); stops stay, connect new ones"
        case _:
            return "note", type(payload).__name__


def plain(amount: Decimal | None) -> str:
    """A number as a person writes it."""
    if amount is None:
        return "-"
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
