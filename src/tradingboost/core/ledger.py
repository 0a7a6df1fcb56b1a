"""Double entry: every event of money is one journal whose amounts sum to zero per asset."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from tradingboost.core.errors import BrokenInvariant
from tradingboost.core.instrument import Instrument, InstrumentKind
from tradingboost.core.money import ZERO
from tradingboost.core.order import Fill


class Bucket(StrEnum):
    """Where an amount stands."""

    CASH = "cash"
    POSITION_COST = "position_cost"
    REALIZED = "realized"
    FEE = "fee"
    FUNDING = "funding"
    REBATE = "rebate"
    EXTERNAL = "external"
    ADJUSTMENT = "adjustment"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a journal; positive = into the bucket."""

    asset: str
    bucket: Bucket
    amount: Decimal


def fill_journal(instrument: Instrument, fill: Fill, realized_quote: Decimal) -> tuple[Entry, ...]:
    """What a fill did to the account.

    Args:
        realized_quote: what this fill realised (0 when it only opened).
    """
    entries: list[Entry] = []
    if instrument.kind is InstrumentKind.SPOT:
        cost = fill.side.sign * instrument.notional_quote(fill.qty, fill.price)
        base = fill.side.sign * fill.qty
        entries += _pair(instrument.quote, Bucket.CASH, Bucket.POSITION_COST, -cost)
        entries += _pair(instrument.base, Bucket.CASH, Bucket.POSITION_COST, base)
    else:
        entries += _pair(instrument.settle, Bucket.CASH, Bucket.REALIZED, realized_quote)
    counter = Bucket.FEE if fill.fee <= 0 else Bucket.REBATE
    return balanced(_joined(entries + _pair(fill.fee_currency, Bucket.CASH, counter, fill.fee)))


def funding_journal(asset: str, amount: Decimal) -> tuple[Entry, ...]:
    """A funding payment; negative = paid by the account."""
    return balanced(_pair(asset, Bucket.CASH, Bucket.FUNDING, amount))


def external_journal(asset: str, amount: Decimal) -> tuple[Entry, ...]:
    """Money that came from or went outside (a deposit is positive)."""
    return balanced(_pair(asset, Bucket.CASH, Bucket.EXTERNAL, amount))


def balanced(entries: tuple[Entry, ...] | list[Entry]) -> tuple[Entry, ...]:
    """The same entries, proven to sum to zero per asset."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.asset] = sums.get(entry.asset, ZERO) + entry.amount
    if any(sums.values()):
        raise BrokenInvariant(
            "unbalanced_journal", "A journal does not sum to zero.", sums={k: str(v) for k, v in sums.items()}
        )
    return tuple(entries)


def _pair(asset: str, to: Bucket, against: Bucket, amount: Decimal) -> list[Entry]:
    if amount == 0:
        return []
    return [Entry(asset=asset, bucket=to, amount=amount), Entry(asset=asset, bucket=against, amount=-amount)]


def _joined(entries: list[Entry]) -> list[Entry]:
    """One row per (asset, bucket): the table's key has no room for two."""
    sums: dict[tuple[str, Bucket], Decimal] = {}
    for entry in entries:
        key = (entry.asset, entry.bucket)
        sums[key] = sums.get(key, ZERO) + entry.amount
    return [Entry(asset=asset, bucket=bucket, amount=amount) for (asset, bucket), amount in sums.items() if amount]
