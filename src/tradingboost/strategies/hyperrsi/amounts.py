"""Which amount a symbol trades with, and what it is worth."""

from decimal import Decimal

from tradingboost.core.errors import InvalidInput
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.strategies.contract import RunFacts
from tradingboost.strategies.hyperrsi.members import AmountUnit
from tradingboost.strategies.hyperrsi.params import HyperrsiParams


def amount_for_symbol(params: HyperrsiParams, instrument: Instrument, investment: Decimal | None) -> Decimal:
    """The symbol's own amount (by unified name or venue id), else that of its coin, else the run's investment.

    Raises:
        InvalidInput: none of them is given.
    """
    own = params.symbol_investments.get(unified_symbol(instrument), params.symbol_investments.get(instrument.symbol))
    by_coin = {"BTC": params.btc_investment, "ETH": params.eth_investment, "SOL": params.sol_investment}
    for amount in (own, by_coin.get(instrument.base), investment):
        if amount is not None:
            return amount
    raise InvalidInput(
        "amount_missing",
        f"No amount is set for {instrument.symbol}; set it in symbol_investments or give the run an investment.",
        symbol=instrument.symbol,
    )


def unified_symbol(instrument: Instrument) -> str:
    """The venue-neutral name: `BTC/USDT` on spot, `BTC/USDT:USDT` for a linear swap."""
    pair = f"{instrument.base}/{instrument.quote}"
    return pair if instrument.kind is InstrumentKind.SPOT else f"{pair}:{instrument.settle}"


def start_notional_quote(params: HyperrsiParams, instrument: Instrument, facts: RunFacts, price: Decimal) -> Decimal:
    """Notional of the first entry before rounding, for the minimum every start is checked against."""
    amount = amount_for_symbol(params, instrument, facts.investment)
    if params.entry_amount_option is AmountUnit.COUNT:
        return amount * price
    margin = amount
    if params.entry_amount_option is AmountUnit.PERCENT:
        margin = facts.available_quote * amount / 100
    return margin * (1 if instrument.kind is InstrumentKind.SPOT else params.leverage)
