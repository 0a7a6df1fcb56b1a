"""The golden vectors of the kernel, compiled and interpreted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pytest
from tests.golden import vectors
from tests.unit.strategies.hyperrsi.harness import MODES, Run, compiled_params, facts, in_mode, spot, swap

from tradingboost.strategies.contract import Reason, step_ratio
from tradingboost.strategies.hyperrsi import amounts, gates, hedge_rules, ladder, levels, signal, stops, trailing
from tradingboost.strategies.hyperrsi.checks import validate

Mode = Callable[[Callable[..., Any]], Callable[..., Any]]
SIDES: Final = {"long": 1, "short": -1}
SCENARIO: Final = "hedge_scenario"
"""Played by `test_hedge_scenarios.py`."""
NAN: Final = float("nan")


def as_text(value: float) -> str:
    """A number of the kernel as the exact decimal text of the vectors."""
    text = format(Decimal(repr(float(value))).normalize(), "f")
    return "0" if text == "-0" else text


def number(value: str | float | None) -> float:
    return NAN if value is None else float(value)


def rows_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(given["columns"], row, strict=True)) for row in given["rows"]]


def on_grid(given: dict[str, Any]) -> Any:
    """Parameters on the vector's tick and lot."""
    names = {"tick": "tick", "lot": "lot", "min_qty": "min_qty", "contract_size": "contract_size"}
    return swap(**{field: Decimal(given[key]) for key, field in names.items() if key in given})


def ratios(given: dict[str, Any]) -> dict[str, Any]:
    switches = {f"use_tp{i}": on for i, on in enumerate(given.get("use_tp", [True] * 3), start=1)}
    return {f"tp{i}_ratio": ratio for i, ratio in enumerate(given["ratios"], start=1)} | switches | {"use_sl": True}


def rsi_signal_indices(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(**{key: given[key] for key in ("entry_option", "rsi_oversold", "rsi_overbought")})[0]
    series = [NAN, *map(float, given["rsi"])]
    hold = mode(signal.rsi_signal)
    side = SIDES[given["side"]]
    found = [i - 1 for i in range(1, len(series)) if hold(side, series[i - 1], series[i], params)]
    return {"indices": found, "count": len(found)}


def rsi_signal_table(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    bounds = {key: given[key] for key in ("rsi_oversold", "rsi_overbought")}
    answers = []
    for row in rows_of(given):
        params = compiled_params(entry_option=row["entry_option"], **bounds)[0]
        held = mode(signal.rsi_signal)(SIDES[row["side"]], number(row["previous"]), number(row["current"]), params)
        answers.append(bool(held))
    return {"signal": answers}


def atr_floor(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    used = mode(levels.atr_used)
    return {"atr_used": [as_text(used(float(row["atr"]), float(row["base_price"]))) for row in given["rows"]]}


def tp_prices(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    values = {f"tp{i}_value": value for i, value in enumerate(given["values"], start=1)}
    params = compiled_params(on_grid(given), tp_option=given["tp_option"], **values)[0]
    average, last, atr = (number(given[key]) for key in ("average_price", "last_price", "atr"))
    side, prices = SIDES[given["side"]], []
    for level in range(3):
        target = mode(levels.tp_target)(level, side, average, atr, params)
        prices.append(as_text(mode(levels.tp_price)(target, side, average, last, params)))
    return {"prices": prices}


def exit_rounding(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    average = float(given["average_price"])
    prices, raw = [], []
    for row in given["rows"]:
        side = SIDES[row["side"]]
        if row["kind"] == "tp":
            params = compiled_params(on_grid(given), tp1_value=row["value_pct"])[0]
            raw.append(mode(levels.tp_target)(0, side, average, NAN, params))
            prices.append(mode(levels.tp_price)(raw[-1], side, average, average, params))
        else:
            params = compiled_params(on_grid(given), sl_value=row["value_pct"])[0]
            prices.append(mode(levels.static_stop)(side, average, NAN, params))
            raw.append(mode(levels.shifted)(average, -side, levels.PERCENTAGE, float(row["value_pct"]), NAN))
    return {"raw": [as_text(round(value, 6)) for value in raw], "price": [as_text(price) for price in prices]}


def tp_quantities(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(on_grid(given), **ratios(given))[0]
    quantities = np.zeros(3)
    mode(levels.tp_quantities)(float(given["position_contracts"]), params, quantities)
    runner = Decimal(given["position_contracts"]) - sum(Decimal(as_text(qty)) for qty in quantities)
    return {"contracts": [as_text(qty) for qty in quantities], "runner": as_text(float(runner))}


def tp_shares(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """A position of so many lots that rounding disappears shows the shares themselves."""
    params = compiled_params(swap(lot=Decimal(1), min_qty=Decimal(1)), **ratios(given))[0]
    quantities = np.zeros(3)
    mode(levels.tp_quantities)(1e12, params, quantities)
    return {"shares": [float(qty) / 1e12 for qty in quantities]}


def sl_price(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(on_grid(given), sl_option=given["sl_option"], sl_value=given["sl_value"])[0]
    average, atr = number(given["average_price"]), number(given["atr"])
    return {"price": as_text(mode(levels.static_stop)(SIDES[given["side"]], average, atr, params))}


def sl_active(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    answers = []
    for row in rows_of(given):
        switches = {key: row[key] for key in ("use_sl", "use_sl_on_last")}
        params = compiled_params(pyramiding_limit=given["pyramiding_limit"], **switches)[0]
        answers.append(bool(mode(levels.static_stop_active)(row["dca_count"], params)))
    return {"active": answers}


def sl_beyond_market(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    beyond = mode(levels.beyond_market)
    rows = rows_of(given)
    return {"close_now": [bool(beyond(SIDES[row["side"]], float(row["stop"]), float(row["last"]))) for row in rows]}


def break_even_chain(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    total = given["tp_ratio_sum"]
    switches = dict(
        zip(("use_break_even", "use_break_even_tp2", "use_break_even_tp3"), given["use_break_even"], strict=True)
    )
    run = Run("interpreted", use_sl=True, tp1_ratio=20, tp2_ratio=20, tp3_ratio=total - 40, **switches)
    row = run.state[0]
    row.side, row.average = SIDES[given["side"]], float(given["average_price"])
    row.tp_price[:] = [float(price) for price in given["tp_prices"]]
    after: dict[str, str | None] = {}
    for level in range(3):
        before = float(row.break_even)
        mode(stops.raise_break_even)(row, run.params[0], level)
        after[f"tp{level + 1}"] = as_text(row.break_even) if row.break_even != before else None
    return {"stop_after": after}


def dca_levels(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    kind, value = given["pyramiding_entry_type"], given["pyramiding_value"]
    params = compiled_params(swap(tick=Decimal("0.0001")), pyramiding_entry_type=kind, pyramiding_value=value)[0]
    side, level, found = SIDES[given["side"]], float(given["base_price"]), []
    for _ in range(given["count"]):
        level = mode(levels.dca_level)(side, level, number(given["atr"]), params)
        found.append(as_text(mode(levels.dca_trigger)(level, side, params)))
    return {"levels": found}


def dca_amounts(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    limit = given["pyramiding_limit"]
    params = compiled_params(entry_multiplier=given["entry_multiplier"], pyramiding_limit=limit)[0]
    factors = [mode(levels.multiplier)(entry, params) for entry in range(1, limit + 1)]
    return {"amounts": [as_text(float(given["base_amount"]) * factor) for factor in factors], "entries_total": limit}


def dca_allowed(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    answers = []
    for count in given["dca_count"]:
        run = Run("interpreted", pyramiding_limit=given["pyramiding_limit"], use_rsi_with_pyramiding=False)
        run.state[0].side, run.state[0].dca_count = 1, count
        answers.append(mode(gates.add_gate)(run.state[0], run.params[0]) == 0)
    return {"allowed": answers}


def dca_price_trigger(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    reached = mode(levels.level_reached)
    rows = rows_of(given)
    return {"reached": [bool(reached(SIDES[row["side"]], float(row["level"]), float(row["price"]))) for row in rows]}


def average_price(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    qty = average = 0.0
    for added, price in given["fills"]:
        average = mode(levels.average_after)(qty, average, float(added), float(price))
        qty += float(added)
    return {"average": average}


def entry_contracts(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    run = facts(available_quote=Decimal(given.get("available_quote", "0")))
    settings = {"entry_amount_option": given["unit"], "btc_investment": given["amount"], "leverage": given["leverage"]}
    params = compiled_params(on_grid(given), run, **settings)[0]
    amount = mode(levels.base_amount)(params.available_quote, params)
    answer = {"contracts": as_text(mode(levels.entry_qty)(amount, float(given["price"]), params))}
    return answer | ({"margin_quote": as_text(amount)} if given["unit"] == "PERCENT" else {})


def amount_for_symbol(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    keys = ("symbol_investments", "btc_investment", "eth_investment", "sol_investment")
    params = validate({key: given[key] for key in keys})
    found = []
    for symbol in given["symbols"]:
        instrument = swap(base=symbol.partition("/")[0])
        found.append(str(amounts.amount_for_symbol(params, instrument, Decimal(given["investment"]))))
    return {"amounts": found}


def start_notional(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    found = []
    for row in given["rows"]:
        settings = {"entry_amount_option": row["unit"], "btc_investment": row["amount"], "leverage": row["leverage"]}
        run = facts(available_quote=Decimal(row.get("available_quote", 0)))
        price = Decimal(row.get("price", "1"))
        found.append(amounts.start_notional_quote(validate(settings), swap(), run, price))
    least = Decimal(given["min_start_notional_quote"])
    texts = [as_text(float(notional)) for notional in found]
    return {"notional": texts, "accepted": [notional >= least for notional in found]}


def min_sustain(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    total = given["tp_ratio_sum"]
    split = {"tp1_ratio": 20, "tp2_ratio": 20, "tp3_ratio": total - 40, "use_sl": True}
    params = compiled_params(on_grid(given), **split)[0]
    return {"min_sustain": as_text(mode(levels.min_sustain)(float(given["entry_contracts"]), params))}


def guard_stop(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(on_grid(given))[0]
    prices = []
    for row in rows_of(given):
        liquidation = 0.0 if row["liquidation_price"] is None else row["liquidation_price"]
        side = SIDES[row["side"]]
        prices.append(as_text(mode(levels.guard_stop)(side, float(row["average_price"]), liquidation, params)))
    return {"price": prices}


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def candle_lock(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    until = mode(signal.candle_lock_until)
    ends = [until(milliseconds(row["decision_at"]), row["timeframe_minutes"] * 60_000) for row in rows_of(given)]
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return {"until": [(epoch + timedelta(milliseconds=int(end))).isoformat().replace("+00:00", "Z") for end in ends]}


def cooldown(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(use_cooldown=given["use_cooldown"], cooldown_time=given["cooldown_time"])[0]
    until = {given["side"]: milliseconds(given["at"]) + int(params.cooldown_ms)}
    asked = mode(signal.cooling)
    return {"blocked": [bool(asked(milliseconds(at), until.get(side, 0), params)) for at, side in given["checks"]]}


def cooldown_length(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """Read off the state after a real entry, add or exit."""
    seconds = []
    for event, length in given["rows"]:
        run = Run("interpreted", use_cooldown=given["use_cooldown"], cooldown_time=length)
        run.open_long()
        if event == "exit":
            run.state[0].cooldown_ms[0] = 0
            run.fill("sl", float(run.qty), 91_000.0)
        if event == "add":
            run.state[0].cooldown_ms[0] = 0
            run.bar(96_000.0, 35.0, 29.0)
            run.fill("add:2", 0.2, 96_000.0)
        seconds.append(max(0, run.cooldown_ms[0] - run.now_ms) // 1000)
    return {"seconds": seconds}


def entry_side(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    answers: list[str | None] = []
    for row in rows_of(given):
        names = ("direction", "use_cooldown", "use_trend_logic")
        run = Run("interpreted", **{name: row[name] for name in names})
        state = run.state[0]
        state.trend = row["trend_state"]
        far = run.now_ms + 1
        for index, side in enumerate(("long", "short")):
            state.lock_ms[index] = far * row[f"lock_{side}"]
            state.cooldown_ms[index] = far * row[f"cooldown_{side}"]
        passed = None
        for side, pair in (("long", (35.0, 29.0)), ("short", (65.0, 71.0))):
            state.rsi_prev, state.rsi = pair if row[f"signal_{side}"] else (50.0, 50.0)
            if passed is None and mode(gates.entry_gate)(state, run.params[0], SIDES[side], run.now_ms) == 0:
                passed = side
        answers.append(passed)
    return {"side": answers}


def tp_placed(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    placed = []
    for row in given["rows"]:
        params = compiled_params(**row)[0]
        placed.append([level + 1 for level in range(3) if mode(ladder.is_placed)(level, params)])
    return {"placed": placed}


def trailing_path(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    """The rules by themselves, unrounded, as the vectors have no tick."""
    side = SIDES[given["side"]]
    kind, value = given["offset_mode"], given["trailing_stop_offset_value"]
    params = compiled_params(trailing_stop_type=kind, trailing_stop_offset_value=value)[0]
    extreme = float(given["arming_price"])
    tp2, tp3 = (float(price) for price in given["tp_prices"][1:])
    offset = mode(trailing.trailing_offset)(extreme, tp2, tp3, params)
    stop = initial = mode(trailing.trailing_stop)(side, extreme, offset)
    stops, triggered = [], []
    for price in map(float, given["prices"]):
        triggered.append(bool(mode(trailing.trailing_hit)(side, price, stop)))
        extreme = max(extreme, price) if side > 0 else min(extreme, price)
        stop = mode(trailing.trailing_stop)(side, extreme, offset)
        stops.append(as_text(round(stop, 9)))
    answer = {"offset": as_text(round(offset, 9)), "initial_stop": as_text(round(initial, 9))}
    return {**answer, "stops": stops, "triggered": triggered}


def hedge_add(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    target, added = [], []
    for row in rows_of(given):
        rule = {f"dual_side_entry_{key}": row[key] for key in ("ratio_type", "ratio_value")}
        params = compiled_params(on_grid(given), **rule)[0]
        main, hedge = float(row["main_contracts"]), float(row["hedge_contracts"])
        target.append(as_text(mode(hedge_rules.hedge_target)(main, params)))
        added.append(as_text(mode(hedge_rules.hedge_addition)(main, hedge, params)))
    return {"target": target, "add": added}


def hedge_percent_prices(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    params = compiled_params(on_grid(given))[0]
    found: dict[str, list[str]] = {"tp": [], "sl": []}
    price = mode(hedge_rules.percent_from)
    for row in rows_of(given):
        side, average = SIDES[row["hedge_side"]], float(row["hedge_average"])
        found["tp"].append(as_text(price(average, side, side, float(row["tp_value_pct"]), params)))
        found["sl"].append(as_text(price(average, -side, side, float(row["sl_value_pct"]), params)))
    return found


STOP_KINDS: Final = {"none": 0, "guard": 1, "static": 2, "break_even": 3, "trailing": 4}


def hedge_tp_main_stop(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    prices = []
    for row in rows_of(given):
        side, average, kind = SIDES[row["hedge_side"]], float(row["hedge_average"]), STOP_KINDS[row["main_stop_kind"]]
        price = mode(hedge_rules.main_stop_tp)(side, average, kind, float(row["main_stop"] or 0))
        prices.append(as_text(price) if price else None)
    return {"tp": prices}


ENDS: Final = {
    "main_stop": Reason.SL,
    "main_closed_last_tp": Reason.LADDER,
    "main_closed_manual": Reason.NONE,
    "main_trend_close": Reason.TREND_REVERSAL,
}


def hedge_linked_exit(given: dict[str, Any], mode: Mode) -> dict[str, Any]:
    answers = []
    for row in rows_of(given):
        names = {f"dual_side_entry_{key}": row[key] for key in ("tp_trigger_type", "tp_value", "sl_trigger_type")}
        names |= {"dual_side_entry_sl_value": row["sl_value"], "use_dual_sl": given["use_dual_sl"]}
        names |= {key: row[key] for key in ("dual_side_close_on_main_sl", "dual_side_trend_close")}
        params = compiled_params(use_dual_side_entry=True, **names)[0]
        event = row["event"]
        if event in ENDS:
            answers.append(bool(mode(hedge_rules.closes_on_main_end)(int(ENDS[event]), params)))
        else:
            answers.append(bool(mode(hedge_rules.closes_on_main_tp)(int(event[-1]), 4, params)))
    return {"close_hedge": answers}


KINDS: Final[dict[str, Callable[[dict[str, Any], Mode], dict[str, Any]]]] = {
    function.__name__: function
    for function in (
        rsi_signal_indices, rsi_signal_table, atr_floor, tp_prices, exit_rounding, tp_quantities, tp_shares, sl_price,
        sl_active, sl_beyond_market, break_even_chain, dca_levels, dca_amounts, dca_allowed, dca_price_trigger,
        average_price, entry_contracts, amount_for_symbol, start_notional, min_sustain, guard_stop, candle_lock,
        cooldown, cooldown_length, entry_side, tp_placed, hedge_add, hedge_percent_prices, hedge_tp_main_stop,
        hedge_linked_exit,
    )
}  # fmt: skip
KINDS["trailing"] = trailing_path


def assert_equal(found: Any, expected: Any, tolerance: float | None) -> None:
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_equal(found[key], value, tolerance)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for left, right in zip(found, expected, strict=True):
            assert_equal(left, right, tolerance)
    elif tolerance is not None:
        assert float(found) == pytest.approx(float(expected), abs=tolerance)
    else:
        assert found == expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vector", [one for one in vectors("hyperrsi") if one.values[0]["kind"] != SCENARIO])
def test_the_kernel_gives_the_golden_numbers(vector: dict[str, Any], mode: str) -> None:
    found = KINDS[vector["kind"]](vector["input"], lambda function: in_mode(mode, function))
    assert_equal(found, vector["expected"], vector.get("abs_tol"))


def test_a_step_is_the_exact_fraction_of_its_decimal() -> None:
    assert step_ratio(Decimal("0.00005")) == (5.0, 100_000.0)
    assert spot().contract_size == 1
