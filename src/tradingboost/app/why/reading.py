"""What a kernel's memory says about its last decision: the same for a record in a back-test and a stored one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from tradingboost.app.why.words import RULES, SIDES, STATUSES, SUBJECTS, Language, of, phrase, reason
from tradingboost.strategies.reasons import Reason, reason_name

UNASKED: Final = -1
"""Stands in a note while nobody has asked since."""
_ENTERED: Final = (Reason.NONE, Reason.RAISED_TO_MINIMUM)
_SIDES: Final = ("long", "short")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Why one thing was done or not.

    Args:
        subject: long, short, add, hedge; of a grid buy, sell or run.
        count: levels of a grid it is said of.
        held: whether it was kept from opening.
    """

    subject: str
    reason: str
    count: int
    held: bool
    sentence: str


def fields_of(state: Any) -> dict[str, Any]:
    """A record of length 1 as a mapping of plain values, as a run's picture shows it."""
    return {name: state[name][0].tolist() for name in state.dtype.names}


def held_back(strategy: str, fields: Mapping[str, Any]) -> Counter[tuple[str, int]]:
    """(subject, reason) of everything that was asked, and of how many levels it is true."""
    return _of_grid(fields) if strategy == "grid" else _of_sides(fields)


def notes_of(strategy: str, fields: Mapping[str, Any], wanted: Language) -> list[Note]:
    """The same as sentences."""
    notes = []
    for (subject, code), count in held_back(strategy, fields).items():
        held = subject == "run" or code not in _ENTERED
        name = of(SUBJECTS[subject], wanted)
        kind = "entered" if not held else "held_many" if strategy == "grid" and subject != "run" else "held"
        sentence = phrase(kind, wanted, subject=name, count=count, why=reason(code, wanted))
        notes.append(Note(subject=subject, reason=reason_name(code), count=count, held=held, sentence=sentence))
    return notes


def standing(strategy: str, fields: Mapping[str, Any], wanted: Language) -> str:
    """What the run held, in a sentence."""
    if strategy == "grid":
        status = of(STATUSES[int(fields["status"])], wanted)
        return phrase("grid_holding", wanted, status=status, cycles=fields["cycles"])
    if not fields["side"]:
        return phrase("flat", wanted)
    side = of(SIDES["long" if fields["side"] > 0 else "short"], wanted)
    return phrase("holding", wanted, qty=shown(fields["qty"]), side=side, price=shown(fields["average"]))


def values_of(strategy: str, fields: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers it decided on; None = not known yet, or nobody looks at it."""
    if strategy == "grid":
        return {"regime": float(fields["regime"]), "cycles": float(fields["cycles"])}
    names = {"RSI before": "rsi_prev", "RSI": "rsi", "ATR": "atr", "trend state": "trend"}
    found = {name: _known(fields[key]) for name, key in names.items()}
    if fields["side"]:
        more = {"average": "average", "quantity": "qty", "stop": "stop_price", "break-even": "break_even"}
        found |= {name: _known(fields[key]) for name, key in more.items() if fields[key]}
    return found


def rules_of(strategy: str, params: Any, fields: Mapping[str, Any], wanted: Language) -> list[str]:
    """What the entry rule asks of the numbers, one sentence a side that may open."""
    if strategy == "grid" or fields["side"]:
        return []
    sentences = []
    for side, level, rule in zip(
        _SIDES, (params.rsi_oversold, params.rsi_overbought), RULES[params.entry_option.name], strict=True
    ):
        if params.direction.name in ("BOTH", side.upper()):
            told = of(rule, wanted).format(level=level)
            before, now = shown(fields["rsi_prev"]), shown(fields["rsi"])
            sentences.append(phrase("asks", wanted, before=before, now=now, side=of(SIDES[side], wanted), rule=told))
    return sentences


def shown(value: float | None) -> str:
    """A number to six digits, a dash for what is not known."""
    return "-" if value is None or not np.isfinite(value) else f"{value:,.6g}"


def _of_sides(fields: Mapping[str, Any]) -> Counter[tuple[str, int]]:
    """Flat: both sides. With a position: its adds, and the hedge where one was asked for."""
    found: Counter[tuple[str, int]] = Counter()
    if not fields["side"]:
        asked = [(name, code) for name, code in zip(_SIDES, fields["note"], strict=True) if code != UNASKED]
        entered = [one for one in asked if fields["opening"] and one[1] in _ENTERED]
        found.update(entered[:1] or asked)
        return found
    if fields["note_add"] != UNASKED:
        found["add", fields["note_add"]] += 1
    if fields["note_hedge"] not in (UNASKED, Reason.NONE):
        found["hedge", fields["note_hedge"]] += 1
    return found


def _of_grid(fields: Mapping[str, Any]) -> Counter[tuple[str, int]]:
    """Levels that have no order, by the reason; and what holds the whole run."""
    found: Counter[tuple[str, int]] = Counter()
    if fields["status_reason"] != Reason.NONE:
        found["run", fields["status_reason"]] += 1
    notes, live = np.array(fields["order_note"]), np.array(fields["order_live"])
    half = (notes.size - 3) // 2  # buys, sells, and the three single slots behind them
    for subject, part in (("buy", slice(0, half)), ("sell", slice(half, 2 * half))):
        waiting = notes[part][live[part] == 0]
        codes, counts = np.unique(waiting[waiting > Reason.NONE], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            found[subject, code] += count
    return found


def _known(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.10g}")
