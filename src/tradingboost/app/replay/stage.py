"""The stage of a replay: a stepped exchange, the whole platform in this process, and one paper account a strategy."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec

from tradingboost.app.process import platform as opened_platform
from tradingboost.app.replay.bars import Bars
from tradingboost.app.replay.driver import VENUE, Driver
from tradingboost.app.replay.quiet import Quiet
from tradingboost.app.settings import Settings
from tradingboost.app.topology import PROCESSES
from tradingboost.app.wiring import Platform
from tradingboost.core.ids import Symbol
from tradingboost.kit.feed import Source
from tradingboost.kit.runtime import Runtime, first_error
from tradingboost.shared.interfaces.strategy import RunView, StartRun
from tradingboost.shared.interfaces.users import Account, LinkAccount
from tradingboost.simulator.client import AdminClient
from tradingboost.simulator.settings import free_ports
from tradingboost.simulator.simulator import Endpoints, Simulator
from tradingboost.strategies import get as strategy_named

BALANCE = Decimal(10_000)
SLIPPAGE_BPS = Decimal(5)
_POLICY: dict[str, Any] = {
    "taker_fill": "next_print",
    "book": "flat",
    "funding": "command",
    "slippage_ppm": int(SLIPPAGE_BPS * 100),
    "rows_kept": 200_000,
    "candle_rows": 20_000,
}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy of a replay."""

    strategy: str
    params: dict[str, Any]
    account: Account
    run: RunView


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a replay runs on.

    Args:
        runtime: what runs the platform here; None when it runs in other processes.
    """

    platform: Platform
    admin: AdminClient
    bars: Bars
    parts: list[Part]
    runtime: Runtime | None = None

    def driver(self, **options: Any) -> Driver:
        """The driver of this stage's market."""
        return Driver(self.platform, self.admin, self.quiet(), self.bars, **options)

    def quiet(self) -> Quiet:
        """Who tells when everybody here has reacted."""
        source = Source(VENUE, self.bars.instrument.inst_id)
        return Quiet(self.platform, self.admin, [part.account.account_id for part in self.parts], [source])


@asynccontextmanager
async def exchange_for(bars: Bars) -> AsyncIterator[tuple[AdminClient, Endpoints]]:
    """A stepped exchange that stands right before the first replayed bar and knows the bars before it."""
    settings = free_ports(
        clock="stepped", start_ms=bars.start_ms, tls=False, markets=_no_markets(bars), accounts=(), policy=_POLICY
    )
    async with AsyncExitStack() as stack:
        endpoints = await stack.enter_async_context(Simulator(settings).running())
        admin = await stack.enter_async_context(AdminClient(endpoints.admin, endpoints.admin_token))
        history = bars.history()
        for first in range(0, len(history), 500):
            await admin.seed_candles(bars.instrument.inst_id, bars.timeframe.value, history[first : first + 500])
        yield admin, endpoints


def _no_markets(bars: Bars) -> Any:
    from tradingboost.simulator.settings import MarketSource

    return (MarketSource(inst=bars.instrument.inst_id, source="none"),)


@asynccontextmanager
async def stage(
    settings: Settings, bars: Bars, strategies: Sequence[tuple[str, dict[str, Any]]]
) -> AsyncIterator[Stage]:
    """Raise the stage: exchange, platform, accounts, runs.

    Args:
        strategies: (name, parameters), one account each.
    """
    async with AsyncExitStack() as stack:
        admin, endpoints = await stack.enter_async_context(exchange_for(bars))
        moved = {"okx_rest": endpoints.rest, "okx_ws": endpoints.ws}
        # Hours pass here within the moment a mark takes to be read, and no price is mistyped.
        unbound = settings.orders.model_copy(update={"price_band_bps": None})
        market = settings.market.model_copy(update=moved)
        settings = settings.model_copy(update={"market": market, "orders": unbound})
        built = await stack.enter_async_context(opened_platform(settings, PROCESSES, durable=False))
        runtime = await stack.enter_async_context(running(built))
        parts = [await open_part(built, admin, endpoints, bars, wanted) for wanted in strategies]
        yield Stage(platform=built, admin=admin, bars=bars, parts=parts, runtime=runtime)


@asynccontextmanager
async def running(built: Platform) -> AsyncIterator[Runtime]:
    """Run the platform's loops while the block runs; their error ends the block, which else might wait for ever."""
    runtime = Runtime(built.modules, clock=built.context.clock)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(runtime.run(), name="runtime")
            await runtime.started.wait()
            try:
                yield runtime
            finally:
                runtime.stop()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors


async def open_part(
    built: Platform, admin: AdminClient, endpoints: Endpoints, bars: Bars, wanted: tuple[str, dict[str, Any]]
) -> Part:
    """A user with a paper account at the exchange, and a run of one strategy on it; `wanted` = (name, parameters)."""
    name, params = wanted
    strategy = strategy_named(name)
    rules = await built.market.instrument(VENUE, Symbol(bars.instrument.inst_id))
    apart = strategy.asks(strategy.validate(params), rules).long_short
    keys = await admin.open_account(
        uid=str(int.from_bytes(secrets.token_bytes(6), "big")),  # another account than that of any earlier replay
        label=f"demo {name}",
        key=secrets.token_hex(16),
        secret=secrets.token_hex(16),
        passphrase=secrets.token_hex(8),
        balances={"USDT": str(BALANCE)},
        pos_mode="long_short_mode" if apart else "net_mode",
    )
    user = await built.users.create_user("demo")
    link = LinkAccount(
        user_id=user.user_id,
        venue=VENUE,
        environment="simulated",
        label=f"demo {name}",
        exchange_uid=keys.uid,
        api_key=keys.key,
        api_secret=keys.secret,
        passphrase=keys.passphrase,
        endpoint_rest=endpoints.rest,
        endpoint_ws=endpoints.ws,
    )
    account = await built.users.link_account(link)
    request = StartRun(
        user_id=user.user_id,
        account_id=account.account_id,
        strategy=name,
        symbol=Symbol(bars.instrument.inst_id),
        timeframe=bars.timeframe,
        params=params,
    )
    run = await built.strategy(name).start(request)
    return Part(strategy=name, params=params, account=account, run=run)
