"""Warnings: allowed, but said aloud."""

import pytest

from tradingboost.strategies.hyperrsi.advice import liquidation_pct, warnings
from tradingboost.strategies.hyperrsi.checks import validate


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"use_sl": True}, []),
        ({"use_tp1": False, "use_tp2": False, "use_tp3": False}, ["no_exit", "no_static_stop"]),
        ({"use_sl": True, "sl_value": 3}, ["dca_unreachable"]),
        ({"use_sl": True, "sl_value": 3, "pyramiding_limit": 1}, []),
        ({"use_sl": True, "sl_value": 3, "use_check_DCA_with_price": False}, []),
        ({"use_sl_on_last": True, "sl_value": 3}, []),
        ({"use_sl": True, "sl_value": 12}, ["sl_beyond_liquidation"]),
        ({"use_sl": True, "sl_value": 12, "leverage": 5}, []),
    ],
)
def test_each_warning_has_its_cause(given: dict[str, object], expected: list[str]) -> None:
    assert warnings(validate(given)) == expected


def test_ten_times_leverage_is_liquidated_nine_and_a_half_percent_below() -> None:
    assert float(liquidation_pct(validate({}))) == pytest.approx(9.502262443)
