"""What holds on every path: quantities conserve, the stop never loosens, never two openings.

A toy venue keeps the live orders a run asked for and fills them in any order, in parts or whole.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.strategies.hyperrsi.harness import INTERPRETED, Run, Wish, swap

from tradingboost.strategies.contract import FillKind

EXITS = ("tp:1", "tp:2", "tp:3", "sl", "exit")
STEP = 100  # lots in one unit of quantity


class Venue:
    """Live orders by slot; every wish and every report is checked against the rules."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.live: dict[str, Wish] = {}
        self.left: dict[str, int] = {}
        self.side = 0
        self.lots = 0
        self.price = 100_000.0
        self.stop = 0.0
        self.stopping = False
        """A stop that fills in parts is left to finish; until then the venue trims what may only reduce."""

    def take(self, wishes: list[Wish], opening_fill: bool = False) -> None:
        """Carry out what the run asked for."""
        for wish in wishes:
            if wish.kind == "cancel":
                assert wish.slot in self.live, wish
                del self.live[wish.slot]
                continue
            lots = round(wish.qty * STEP)
            assert lots >= 1
            assert float(wish.qty) == lots / STEP
            assert (wish.kind == "amend") == (wish.slot in self.live), wish
            assert wish.reduce_only == (wish.slot in EXITS)
            assert wish.slot != "entry" or self.lots == 0
            if wish.slot == "sl":
                self._check_stop(wish, opening_fill)
            self.live[wish.slot] = wish
            self.left[wish.slot] = lots
        assert len([slot for slot in self.live if slot not in EXITS]) <= 1

    def _check_stop(self, wish: Wish, opening_fill: bool) -> None:
        assert self.left.get("sl") is None or round(wish.qty * STEP) <= max(self.lots, 1)
        if self.stop and not opening_fill:
            assert self.side * wish.trigger >= self.side * self.stop
        self.stop = wish.trigger

    def fill(self, slot: str, lots: int) -> None:
        """Fill some of an order and tell the run."""
        wish = self.live[slot]
        reduces = slot in EXITS
        lots = min(lots, self.left[slot], self.lots if reduces else lots)
        self.left[slot] -= lots
        done = self.left[slot] == 0
        if done:
            del self.live[slot]
        if not reduces and not self.lots:
            self.side, self.stop = wish.side, wish.trigger
            if wish.trigger:
                self.live["sl"], self.left["sl"] = wish, round(wish.qty * STEP)
        self.lots += -lots if reduces else lots
        self.stopping = self.lots > 0 and (self.stopping or slot == "sl")
        price = wish.trigger if slot == "sl" else wish.price or self.price
        self.price = price
        self.take(self.run.fill(slot, lots / STEP, price, left=self.left[slot] / STEP, side=self.side), not reduces)
        self.check()
        if not self.lots:
            self.side, self.stop = 0, 0.0

    def end(self, slot: str) -> None:
        """End an opening unfilled, in whole or for its rest."""
        left = self.left[slot] / STEP
        del self.live[slot]
        wishes = self.run.report(slot, FillKind.ENDED, left=left, last=self.price)
        self.take(wishes, opening_fill=True)
        self.check()

    def check(self) -> None:
        """The run's books are the venue's books."""
        assert round(float(self.run.qty) * STEP) == self.lots
        assert int(self.run.side) == (self.side if self.lots else 0)
        if not self.lots:
            assert [slot for slot in self.live if slot in EXITS] == []
        elif "exit" not in self.live and not any(slot not in EXITS for slot in self.live):
            resting = sum(self.left[slot] for slot in self.live if slot.startswith("tp"))
            assert resting <= self.lots or self.stopping
            assert self.left["sl"] == self.lots or self.stopping


MOVES = st.tuples(
    st.sampled_from(["bar", "tick", "fill", "fill", "fill", "end"]),
    st.integers(0, 9),
    st.integers(1, 40),
    st.sampled_from([0.95, 0.97, 0.99, 1.0, 1.01]),
)
SETTINGS = st.fixed_dictionaries(
    {
        "use_sl": st.booleans(),
        "use_sl_on_last": st.booleans(),
        "use_break_even": st.booleans(),
        "use_check_DCA_with_price": st.booleans(),
        "use_rsi_with_pyramiding": st.booleans(),
        "use_tp2": st.booleans(),
        "pyramiding_limit": st.integers(1, 4),
        "entry_multiplier": st.sampled_from(["0.5", "1", "1.6"]),
        "entry_criterion": st.sampled_from(["AVERAGE", "LAST_FILL"]),
    }
)


def step(venue: Venue, move: tuple[str, int, int, float]) -> None:
    """One thing happens."""
    what, pick, lots, factor = move
    run = venue.run
    if what == "bar":
        venue.price = round(venue.price * factor, 1)
        pair = (35.0, 29.0) if pick < 6 else (65.0, 71.0)
        venue.take(run.bar(venue.price, *pair))
    elif what == "tick":
        below, above = run.triggers()
        mark = below if below > 0 else above
        if mark not in (float("inf"), float("-inf")):
            venue.price = mark
            venue.take(run.tick(mark))
    elif what == "fill" and venue.live:
        slots = sorted(slot for slot in venue.live if venue.lots or slot not in EXITS)
        if slots:
            venue.fill(slots[pick % len(slots)], lots)
    elif what == "end":
        for slot in [slot for slot in venue.live if slot not in EXITS]:
            venue.end(slot)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=SETTINGS, moves=st.lists(MOVES, max_size=60))
def test_books_conserve_stops_never_loosen_and_openings_are_single(
    chosen: dict[str, Any], moves: list[tuple[str, int, int, float]]
) -> None:
    venue = Venue(Run(INTERPRETED, swap(), use_cooldown=False, **chosen))
    for move in moves:
        step(venue, move)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=SETTINGS, moves=st.lists(MOVES, max_size=40))
def test_compiled_and_interpreted_runs_hold_the_same_bits(
    chosen: dict[str, Any], moves: list[tuple[str, int, int, float]]
) -> None:
    twins = [Venue(Run(mode, swap(), use_cooldown=False, **chosen)) for mode in ("compiled", INTERPRETED)]
    for move in moves:
        for venue in twins:
            step(venue, move)
        assert twins[0].run.state.tobytes() == twins[1].run.state.tobytes()
        assert twins[0].live == twins[1].live
