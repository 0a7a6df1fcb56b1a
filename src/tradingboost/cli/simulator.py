"""`sim`: the simulated exchange alone, for any OKX client."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.simulator.settings import SimulatorSettings
    from tradingboost.simulator.simulator import Endpoints


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    verb(app, "sim", rich_help_panel="Start")(sim)


def sim(
    session: Session,
    *,
    candles: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Replay this candle file (.parquet, .feather, .csv) from now on."),
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(metavar="INST", help="Instrument of the file; by its name when it says so.")
    ] = None,
    live: Annotated[
        list[str] | None,
        typer.Option(metavar="INST", help="Follow the real market of this instrument (repeatable): paper trading."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the synthetic market: the same one, the same market.")
    ] = None,
    speed: Annotated[float | None, typer.Option(min=0.01, max=1000, help="Market seconds per second.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="REST and WebSocket port; 0 = any free.")] = None,
) -> Answer:
    """The simulated exchange alone: OKX v5 REST and WebSocket for ccxt, python-okx and others, unmodified."""
    if symbol is not None and candles is None:
        raise InvalidInput("symbol_without_candles", "--symbol names the instrument of a file; give --candles as well.")
    changes: dict[str, Any] = {"seed": seed, "speed": speed, "port": port}
    if port == 0:
        changes |= {"tls_port": 0, "admin_port": 0}
    root = session.settings()
    settings = root.sim.model_copy(update={name: value for name, value in changes.items() if value is not None})
    if live:
        if candles is not None:
            raise InvalidInput("live_and_candles", "A market follows a file or the real one; give --candles or --live.")
        settings = settings.model_copy(update={"markets": _followed(live)})
    if candles is not None:
        settings = settings.model_copy(update={"markets": (_source(candles, symbol),)})
    session.run(lambda: _serve(session, settings))
    return Answer(told=True)


def _followed(names: list[str]) -> Any:
    from tradingboost.simulator.settings import MarketSource

    return tuple(MarketSource(inst=name, source="live") for name in names)


def _source(candles: Path, symbol: str | None) -> Any:
    from tradingboost.app.instruments import instrument_of
    from tradingboost.kit.candles.files import load
    from tradingboost.simulator.settings import MarketSource

    instrument = instrument_of(candles, symbol)
    load(candles, instrument)  # a file that cannot be read is told before a port is opened
    return MarketSource(inst=instrument.inst_id, source="candles", path=candles)


async def _serve(session: Session, settings: "SimulatorSettings") -> None:
    from tradingboost.kit.runtime import Life, Module, Runtime, Worker, run_until_signal
    from tradingboost.simulator.simulator import Simulator

    async with Simulator(settings).running() as endpoints:
        session.tell(_told(settings, endpoints))

        async def rest(life: Life) -> None:
            while await life.sleep(5.0):
                life.beat()

        await run_until_signal(Runtime([Module("sim", workers=[Worker("sim", rest)])]))
    session.say("[dim]stopped[/]")


def _told(settings: "SimulatorSettings", endpoints: "Endpoints") -> Answer:
    accounts = [
        {
            "label": one.label,
            "key": one.key,
            "secret": one.secret.get_secret_value(),
            "passphrase": one.passphrase.get_secret_value(),
            "balances": {asset: str(amount) for asset, amount in one.balances.items()},
        }
        for one in settings.accounts
    ]
    markets = [{"inst": one.inst, "source": one.source} for one in settings.markets]
    data = {
        "rest": endpoints.rest,
        "ws": endpoints.ws,
        "tls_rest": endpoints.tls_rest,
        "tls_ws": endpoints.tls_ws,
        "ca_file": endpoints.ca_file,
        "admin": endpoints.admin,
        "admin_token": endpoints.admin_token,
        "clock": settings.clock,
        "seed": settings.seed,
        "markets": markets,
        "accounts": accounts,
    }
    return Answer(data, lambda console: _show(console, data))


def _show(console: "Console", data: dict[str, Any]) -> None:
    from tradingboost.cli.show import facts

    account = data["accounts"][0] if data["accounts"] else None
    rows = [
        ("REST", f"{data['rest']}/api/v5"),
        ("WebSocket", f"{data['ws']}/public, /private, /business"),
        ("the same over TLS", f"{data['tls_rest']}  (trust {data['ca_file']})" if data["tls_rest"] else "off"),
        ("admin", f"{data['admin']}  token {data['admin_token']}"),
        ("market", ", ".join(f"{one['inst']} ({one['source']})" for one in data["markets"]) or "synthetic, every pair"),
        ("seed", str(data["seed"])),
    ]
    if account is not None:
        money = ", ".join(f"{amount} {asset}" for asset, amount in account["balances"].items())
        rows += [
            ("API key", account["key"]),
            ("secret, passphrase", f"{account['secret']}, {account['passphrase']}"),
            ("play money", money),
        ]
    console.print(facts("A simulated exchange that speaks OKX v5", rows))
    console.print("[dim]Ctrl-C stops it. Nothing here is real money.[/]")
