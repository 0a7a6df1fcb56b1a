"""Isolated margin as an unmodified ccxt client sees it."""

from typing import Any

import pytest
from tests.simulator.stage import BTC, SYMBOL, Venue

ISOLATED = {"marginMode": "isolated"}


async def _row(okx: Any) -> dict[str, Any]:
    (row,) = [one for one in await okx.fetch_positions([SYMBOL]) if one["marginMode"] == "isolated"]
    return dict(row)


async def _move(okx: Any, kind: str, amount: str) -> None:
    """By the venue's own name: this ccxt's unified call stumbles over the answer the venue documents."""
    body = {"instId": BTC, "posSide": "net", "type": kind, "amt": amount}
    (row,) = (await okx.private_post_account_position_margin_balance(body))["data"]
    assert row == {**body, "leverage": "10", "ccy": "USDT"}


async def test_ccxt_trades_with_isolated_margin(venue: Venue, okx: Any) -> None:
    await okx.set_leverage(10, SYMBOL, {**ISOLATED, "posSide": "net"})
    before = (await okx.fetch_balance())["info"]["data"][0]["details"]
    await okx.create_order(SYMBOL, "market", "buy", 10, None, ISOLATED)
    row = await _row(okx)
    assert (row["marginMode"], row["contracts"], row["leverage"], row["collateral"]) == ("isolated", 10, 10, 420)
    assert row["liquidationPrice"] == pytest.approx((4200 - 420) / (0.1 * (1 - 0.0045)))
    await _move(okx, "add", "80")
    assert (await _row(okx))["collateral"] == 500
    await _move(okx, "reduce", "80")
    (usdt,) = [one for one in (await okx.fetch_balance())["info"]["data"][0]["details"] if one["ccy"] == "USDT"]
    (was,) = [one for one in before if one["ccy"] == "USDT"]
    assert float(was["cashBal"]) - float(usdt["cashBal"]) == pytest.approx(420 + 2.1)
    assert (usdt["isoEq"], usdt["imr"], usdt["mgnRatio"]) == ("420", "0", "")
    bills = (await okx.private_get_account_bills({"mgnMode": "isolated"}))["data"]
    assert [(one["type"], one["subType"], one["posBalChg"]) for one in bills] == [
        ("6", "161", "-80"),
        ("6", "160", "80"),
        ("2", "1", "420"),
    ]
    await okx.create_order(SYMBOL, "market", "sell", 10, None, {**ISOLATED, "reduceOnly": True})
    assert (await okx.fetch_positions([SYMBOL])) == []
    assert await venue.admin.check() == []


async def test_sizes_and_leverages_are_those_of_the_margin_mode(venue: Venue, okx: Any) -> None:
    await okx.set_leverage(20, SYMBOL, {"marginMode": "cross"})
    await okx.set_leverage(5, SYMBOL, {**ISOLATED, "posSide": "net"})

    async def asked(path: str, **fields: str) -> dict[str, Any]:
        (row,) = (await getattr(okx, f"private_get_account_{path}")({"instId": BTC, **fields}))["data"]
        return dict(row)

    assert (await asked("leverage_info", mgnMode="isolated"))["lever"] == "5"
    sizes = [float((await asked("max_size", tdMode=mode))["maxBuy"]) for mode in ("cross", "isolated")]
    assert sizes[0] == pytest.approx(4 * sizes[1], rel=1e-3)
    await okx.create_order(SYMBOL, "market", "buy", 3, None, ISOLATED)
    assert (await asked("max_avail_size", tdMode="isolated", reduceOnly="true"))["availSell"] == "3"
    assert (await asked("max_avail_size", tdMode="cross", reduceOnly="true"))["availSell"] == "0"


async def test_a_deleveraging_names_the_margin_mode(venue: Venue, okx: Any) -> None:
    await okx.create_order(SYMBOL, "market", "buy", 2)
    await okx.create_order(SYMBOL, "market", "buy", 2, None, ISOLATED)
    await venue.admin.deleverage("1", BTC, sz="1", mgn_mode="isolated")
    held = {row["marginMode"]: row["contracts"] for row in await okx.fetch_positions([SYMBOL])}
    assert held == {"cross": 2, "isolated": 1}
    await venue.admin.add_fault("adl()", match={"account": "1", "instId": BTC})
    assert await okx.fetch_positions([SYMBOL]) == []
