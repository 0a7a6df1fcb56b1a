"""The order path: from an intent to the venue's acknowledgement, beside a bare client loop on the same exchange.

Ours records and claims the intent, sends it once, and stores the outcome with its facts; the bare loop only sends.
Both rest limit orders of one contract far below the market, in alternating batches of the same run.
"""

import time
from decimal import Decimal
from typing import Any

from bench.figures import installation, milliseconds, percentile
from tradingboost.app.demo import WARMUP, parameters
from tradingboost.app.instruments import listed
from tradingboost.app.replay.bars import synthetic
from tradingboost.app.replay.driver import VENUE
from tradingboost.app.replay.stage import Stage, stage
from tradingboost.core.ids import RunId, Symbol
from tradingboost.core.market import Timeframe
from tradingboost.core.order import OrderIntent, OrderType, PositionSide, Side
from tradingboost.kit.clock import SystemClock
from tradingboost.shared.interfaces.orders import ClaimLegs

ETH = Symbol("ETH-USDT-SWAP")
RUN = RunId("bench")
PRICE = Decimal(1500)
BATCH = 20


async def measure(orders: int = 200) -> dict[str, Any]:
    """p50 and p99 of both, and their ratio.

    Args:
        orders: of each kind; the exchange lets 500 rest per instrument.
    """
    market = synthetic(7, listed("BTC-USDT-SWAP"), Timeframe.M5, (WARMUP, 1), SystemClock().now())
    async with installation() as settings, stage(settings, market, [("grid", parameters("grid", market))]) as built:
        await built.admin.trade(ETH, "3000")
        account = built.parts[0].account
        await built.platform.orders.claim(
            ClaimLegs(
                run_id=RUN,
                user_id=account.user_id,
                account_id=account.account_id,
                venue=VENUE,
                symbol=ETH,
                leverage=5,
            )
        )
        bare = await _client(built)
        try:
            ours, theirs = await _race(built, bare, orders)
        finally:
            await bare.close()
    return {
        "orders": orders,
        "ours": milliseconds(ours),
        "bare_ccxt": milliseconds(theirs),
        "ratios": {
            "order_path_vs_ccxt_p50": round(percentile(ours, 0.5) / percentile(theirs, 0.5), 2),
            "order_path_vs_ccxt_p99": round(percentile(ours, 0.99) / percentile(theirs, 0.99), 2),
        },
    }


async def _race(built: Stage, bare: Any, orders: int) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    theirs: list[float] = []
    for first in range(-BATCH, orders, BATCH):  # the first batch warms both up
        for number in range(first, first + BATCH):
            ours.append(await _timed(built.platform.orders.submit(_intent(built, number))))
        for _ in range(BATCH):
            theirs.append(await _timed(bare.create_order("ETH/USDT:USDT", "limit", "buy", 1, float(PRICE))))
    return ours[BATCH:], theirs[BATCH:]


async def _timed(call: Any) -> float:
    began = time.perf_counter()
    await call
    return time.perf_counter() - began


def _intent(built: Stage, number: int) -> OrderIntent:
    account = built.parts[0].account
    return OrderIntent(
        user_id=account.user_id,
        account_id=account.account_id,
        run_id=RUN,
        venue=VENUE,
        symbol=ETH,
        slot=f"buy:{number + BATCH}",
        side=Side.BUY,
        position_side=PositionSide.LONG,
        type=OrderType.LIMIT,
        qty=Decimal(1),
        price=PRICE,
        reference_price=Decimal(3000),
        reason="bench",
        cause=f"seq:{number}",
    )


async def _client(built: Stage) -> Any:
    import ccxt.async_support as ccxt

    keys = await built.admin.open_account(balances={"USDT": "1000000"})
    account = built.parts[0].account
    client = ccxt.okx(
        {
            "apiKey": keys.key,
            "secret": keys.secret,
            "password": keys.passphrase,
            "enableRateLimit": False,
            "urls": {"api": {"rest": account.endpoint_rest, "ws": account.endpoint_ws}},
        }
    )
    await client.load_markets()
    return client
