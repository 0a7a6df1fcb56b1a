"""Warnings: allowed, but said aloud."""

import pytest

from tradingboost.strategies.hyperrsi.advice import liquidation_pct, warnings
from tradingboost.strategies.hyperrsi.checks import validate

OFF = {"trailing_start_point": "NONE"}
NO_TP = {"use_tp1": False, "use_tp2": False, "use_tp3": False, **OFF}
HEDGE = {"use_sl": True, "use_dual_side_entry": True, **OFF}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"use_sl": True, **OFF}, []),
        ({}, ["no_static_stop", "nothing_to_trail"]),
        ({"trailing_start_point": "TP2"}, ["no_static_stop"]),
        ({"trailing_start_point": "TP2", "use_tp3": False}, ["no_static_stop", "nothing_to_trail"]),
        (NO_TP, ["no_static_stop"]),
        ({**NO_TP, "use_trend_close": False}, ["no_exit", "no_static_stop"]),
        ({"use_sl": True, "sl_value": 3, **OFF}, ["dca_unreachable"]),
        ({"use_sl": True, "sl_value": 3, "pyramiding_limit": 1, **OFF}, []),
        ({"use_sl": True, "sl_value": 3, "use_check_DCA_with_price": False, **OFF}, []),
        ({"use_sl_on_last": True, "sl_value": 3, **OFF}, []),
        ({"use_sl": True, "sl_value": 12, **OFF}, ["sl_beyond_liquidation"]),
        ({"use_sl": True, "sl_value": 12, "leverage": 5, **OFF}, []),
        (HEDGE, []),
        ({**HEDGE, "dual_side_entry_trigger": 4}, ["hedge_never_opens"]),
        ({**HEDGE, "dual_side_entry_trigger": 4, "dual_side_entry_tp_trigger_type": "PERCENT"}, []),
        ({**HEDGE, "dual_side_entry_tp_trigger_type": "DO_NOT_CLOSE"}, ["hedge_without_exit"]),
        ({**HEDGE, "dual_side_entry_tp_trigger_type": "DO_NOT_CLOSE", "use_dual_sl": True}, []),
    ],
)
def test_each_warning_has_its_cause(given: dict[str, object], expected: list[str]) -> None:
    assert warnings(validate(given)) == expected


def test_ten_times_leverage_is_liquidated_nine_and_a_half_percent_below() -> None:
    assert float(liquidation_pct(validate({}))) == pytest.approx(9.502262443)
