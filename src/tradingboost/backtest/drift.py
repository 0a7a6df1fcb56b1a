"""Why a live run and its back-test part: every difference between their fills with its cause.

The fills of one slot within one candle are one row, so that an order filled in pieces is compared as a whole. Rows of
the same candle, slot and side are a pair. What two runs do after they have parted hangs on where they parted: such rows
`follow`, until both are flat and the next pair agrees again.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from tradingboost.backtest.compare import differences
from tradingboost.backtest.trace import FillLine, IntentLine, Trace, plain

_ONLY_TESTED: Final = "only in the back-test"
_ONLY_LIVED: Final = "only live"
LATE_BARS: Final = 2
"""A fill up to that many candles earlier or later than in the back-test is the same one, delayed."""


class Cause(StrEnum):
    """What makes a live run part from its back-test."""

    DATA = "data"
    """Candles were missed or came too late to be decided on."""
    LATENCY = "latency"
    FEE = "fee"
    FILL_MODEL = "fill_model"
    """Another price, size or side of the book than the model's."""
    REJECTED = "rejected"
    """The venue or a limit of the platform refused the order."""
    CODE = "code"
    """Another version of the code has decided."""
    FOLLOWS = "follows"
    """It hangs on an earlier difference."""
    UNKNOWN = "unknown"


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about the live run besides what it did. Times in milliseconds since the epoch.

    Args:
        bar_ms: length of a candle.
        apart: legs are held side by side; else there is one net position.
        gaps: (last close before, first close behind) candles nothing was decided on.
        refused: (time, slot) of wishes that were refused.
        other_code: another version of the code has decided.
    """

    bar_ms: int
    apart: bool = False
    gaps: Sequence[tuple[int, int]] = ()
    refused: Sequence[tuple[int, str]] = ()
    other_code: bool = False


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One difference.

    Args:
        at_ms: where the earlier of the two stands.
        tested, lived: price x quantity as text, "" where one side has none.
    """

    cause: Cause
    at_ms: int
    slot: str
    side: str
    what: str
    tested: str
    lived: str


_Key = tuple[int, str, str, str]
"""Candle, slot, side, leg."""


class _Row(NamedTuple):
    """The fills of one slot and side within one candle; `flat`: nothing was held after them."""

    at_ms: int
    slot: str
    side: str
    qty: Decimal
    value: Decimal
    fee: Decimal
    liquidity: str
    flat: bool

    def text(self) -> str:
        """Size and mean price for people."""
        return f"{plain(self.qty)} @ {plain((self.value / self.qty).quantize(Decimal('1e-8')))}"


_Pair = tuple[_Row | None, _Row | None]


def drifts(tested: Trace, lived: Trace, known: Circumstances) -> list[Drift]:
    """Every difference with its cause, in order of time; empty when the two runs are one story.

    Args:
        tested: the back-test over the candles the run has seen; lived: what the run recorded.
    """
    pairs = _pairs(_rows(tested.fills, known), _rows(lived.fills, known))
    found = list(_Judge(known).judged(pairs))
    return found or _wished(tested.intents, lived.intents, known)


def _rows(fills: Sequence[FillLine], known: Circumstances) -> dict[_Key, _Row]:
    """Fills joined by candle, slot and side, in order of their first fill."""
    rows: dict[_Key, _Row] = {}
    held: dict[str, str] = {}
    for fill in fills:
        held[fill.position_side if known.apart else "net"] = fill.position
        flat = all(position == "0" for position in held.values())
        qty = Decimal(fill.qty)
        row = _Row(
            fill.at_ms, fill.slot, fill.side, qty, qty * Decimal(fill.price), Decimal(fill.fee), fill.liquidity, flat
        )
        key = (fill.at_ms // known.bar_ms, fill.slot, fill.side, fill.position_side)
        first = rows.get(key)
        if first is not None:
            row = first._replace(
                qty=first.qty + row.qty, value=first.value + row.value, fee=first.fee + row.fee, flat=flat
            )
        rows[key] = row
    return rows


def _pairs(tested: Mapping[_Key, _Row], lived: Mapping[_Key, _Row]) -> list[_Pair]:
    """Rows of the same candle, slot and side; then those a few candles apart; then those that stand alone."""
    partner = {key: key for key in tested if key in lived}
    taken = set(partner)
    for key in tested:
        near = (near for near in _near(key) if near in lived and near not in taken)
        if key not in partner and (found := next(near, None)) is not None:
            partner[key] = found
            taken.add(found)
    pairs: list[_Pair] = [(row, lived[partner[key]] if key in partner else None) for key, row in tested.items()]
    pairs += [(None, row) for key, row in lived.items() if key not in taken]
    return sorted(pairs, key=_time)


def _near(key: _Key) -> Iterator[_Key]:
    for bars in range(1, LATE_BARS + 1):
        yield (key[0] + bars, *key[1:])
        yield (key[0] - bars, *key[1:])


def _time(pair: _Pair) -> int:
    return min(row.at_ms for row in pair if row is not None)


class _Judge:
    """Goes through the pairs in order of time and remembers whether the two runs are in step."""

    def __init__(self, known: Circumstances) -> None:
        self._known = known
        self._parted = False
        self._flat = True
        self._in_step_ms = 0

    def judged(self, pairs: Sequence[_Pair]) -> Iterator[Drift]:
        """The differences."""
        for pair in pairs:
            before, after = pair
            drift = self._of_two(before, after) if before and after else self._alone(pair)
            if drift is not None:
                self._parted = self._parted or drift.cause is not Cause.FEE
                yield drift
            elif self._flat:
                self._parted, self._in_step_ms = False, _time(pair)
            self._flat = all(row.flat for row in pair if row is not None)

    def unexplained(self, at_ms: int) -> Cause:
        """The cause of what nothing beside it explains."""
        if self._parted:
            return Cause.FOLLOWS
        if any(before <= at_ms and behind > self._in_step_ms for before, behind in self._known.gaps):
            return Cause.DATA
        return Cause.CODE if self._known.other_code else Cause.UNKNOWN

    def _of_two(self, tested: _Row, lived: _Row) -> Drift | None:
        """What differs between two rows that are one fill."""
        pair = (tested, lived)
        if tested.qty != lived.qty or tested.liquidity != lived.liquidity:
            return _drift(Cause.FOLLOWS if self._parted else Cause.FILL_MODEL, "size", pair)
        if tested.value != lived.value:
            resting = tested.liquidity == "maker"  # it fills at the price it was wished at: no matter of the model
            return _drift(self.unexplained(lived.at_ms) if resting else Cause.FILL_MODEL, "price", pair)
        if tested.at_ms != lived.at_ms:
            return _drift(Cause.LATENCY, f"{(lived.at_ms - tested.at_ms) / 1000:+g} s", pair)
        if tested.fee != lived.fee:
            return _drift(Cause.FEE, f"fee {plain(lived.fee)} for {plain(tested.fee)}", pair)
        return None

    def _alone(self, pair: _Pair) -> Drift:
        """Why a fill is in one of the two stories only."""
        tested, lived = pair
        if tested is not None and self._was_refused(tested):
            return _drift(Cause.REJECTED, _ONLY_TESTED, pair)
        at_ms = _time(pair)
        return _drift(self.unexplained(at_ms), _ONLY_TESTED if lived is None else _ONLY_LIVED, pair)

    def _was_refused(self, row: _Row) -> bool:
        near = self._known.bar_ms * LATE_BARS
        return any(slot == row.slot and 0 <= row.at_ms - at_ms <= near for at_ms, slot in self._known.refused)


def _drift(cause: Cause, what: str, pair: _Pair) -> Drift:
    row = next(row for row in pair if row is not None)
    texts = ["" if one is None else one.text() for one in pair]
    return Drift(
        cause=cause, at_ms=_time(pair), slot=row.slot, side=row.side, what=what, tested=texts[0], lived=texts[1]
    )


def _wished(tested: Sequence[IntentLine], lived: Sequence[IntentLine], known: Circumstances) -> list[Drift]:
    """Where all fills agree: wishes that differ all the same."""
    found: list[Drift] = []
    for one in differences(Trace(intents=list(tested)), Trace(intents=list(lived))):
        line = one.expected if one.expected is not None else one.actual
        texts = ["" if side is None else _wish(side) for side in (one.expected, one.actual)]
        cause = _Judge(known).unexplained(line.at_ms)
        what = "wish: " + (", ".join(one.fields) or (_ONLY_LIVED if one.expected is None else _ONLY_TESTED))
        found.append(
            Drift(
                cause=cause,
                at_ms=line.at_ms,
                slot=line.slot,
                side=line.side,
                what=what,
                tested=texts[0],
                lived=texts[1],
            )
        )
    return found


def _wish(line: IntentLine) -> str:
    price = line.price if line.price != "0" else line.trigger
    return f"{line.kind} {line.qty} @ {price}"
