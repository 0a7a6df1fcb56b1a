"""What a run remembers."""

from tests.unit.strategies.hyperrsi.harness import Run, facts

from tradingboost.strategies.contract import state_from_json, state_to_json
from tradingboost.strategies.hyperrsi import HYPERRSI
from tradingboost.strategies.hyperrsi.state import notes, side_index


def test_a_new_run_may_trade_and_knows_nothing(mode: str) -> None:
    run = Run(mode, run=facts(available_quote=facts().available_quote + 5))
    assert (int(run.running), int(run.side), float(run.available_quote)) == (1, 0, 5.0)
    assert run.rsi != run.rsi


def test_the_whole_state_survives_json(mode: str) -> None:
    run = Run(mode)
    run.open_long()
    again = state_from_json(state_to_json(run.state), HYPERRSI.state)
    assert again.tobytes() == run.state.tobytes()


def test_the_last_decision_can_be_explained(mode: str) -> None:
    run = Run(mode)
    run.bar(100_000.0, 65.0, 60.0)
    assert notes(run.state[0]) == {"long": "no_signal", "short": "no_signal", "add": "none", "hedge": "none"}
    run.open_long()
    run.bar(99_000.0)
    assert notes(run.state[0])["add"] == "no_signal"


def test_each_side_has_its_own_place() -> None:
    assert (side_index(1), side_index(-1)) == (0, 1)
