"""Runs other engines on the year, each between two looks at our own time, and checks what they traded.

An engine that is not there, takes too long, fails, or trades something else has one line that says so and no ratio.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from bench import limit
from bench.market import Minutes

TIMEOUT_S: Final = 300
MAY_DIFFER: Final = 2
"""An engine that fills one order a bar cannot take the one signal on the bar of an exit, and takes a later one."""
_PRICE: Final = 0.06
"""Half a tick of the market, for engines that round what they fill at."""
_ROOT: Final = Path(__file__).resolve().parents[2]
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class Peer(NamedTuple):
    """One engine and one way of using it.

    Args:
        name: of the ratio.
        environment: folder of its virtual environment, and name of its driver.
        rounds: warm runs; 0 = only the first, where that takes long and nothing is compiled.
    """

    name: str
    environment: str
    variant: str = ""
    rounds: int = 1


PEERS: Final = (
    Peer("vectorbt_rust", "vectorbt", "rust", 7),
    Peer("vectorbt_rust_talib", "vectorbt", "rust-talib", 7),
    Peer("vectorbt_numba", "vectorbt", "numba", 7),
    Peer("backtesting", "backtesting", "", 2),
    Peer("nautilus", "nautilus"),
    Peer("jesse", "jesse", "step"),
    Peer("freqtrade", "freqtrade", "", 0),
    Peer("backtrader_talib", "backtrader", "talib", 0),
    Peer("backtrader", "backtrader", "native", 0),
)
SWEEP_PEERS: Final = (
    Peer("vectorbt_rust", "vectorbt", "sweep-rust"),
    Peer("vectorbt_numba", "vectorbt", "sweep-numba"),
)


class Trouble(Exception):
    """Why there is no figure, in a sentence."""


def say(line: str) -> None:
    """One line about how it goes."""
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()


def compared(
    folder: Path, market: Minutes, ours: Callable[[], float], peers: Sequence[Peer] = PEERS
) -> tuple[dict[str, Any], dict[str, float]]:
    """What every peer needed, and how many times as long as ours that is.

    Args:
        folder: virtual environments by name.
        ours: takes our own time, in seconds, now.
    """
    found: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="tb-bench-") as place:
        candles = Path(place) / "candles.npz"
        np.savez(candles, **market._asdict())
        for peer in peers:
            before = ours()
            try:
                told = asked(folder, peer, candles)
                trades = told.pop("trades")
                if "sets" not in told:
                    told |= agreement(trades, market)
            except Trouble as trouble:
                found[peer.name] = {"why": str(trouble)}
                say(f"{peer.name}: {trouble}")
                continue
            told["ours_s"] = round((before + ours()) / 2, 6)
            found[peer.name] = told
            if "sets" not in told:
                ratios[f"w1_vs_{peer.name}"] = round(told["seconds"] / told["ours_s"], 1)
            say(f"{peer.name} {told['version']}: {told['seconds']:.4g} s")
    return found, ratios


def asked(folder: Path, peer: Peer, candles: Path) -> dict[str, Any]:
    """The answer of one driver.

    Raises:
        Trouble: there is none.
    """
    python = folder / peer.environment / "bin" / "python"
    if not python.is_file():
        raise Trouble(f"there is no environment {peer.environment} in the given folder.")
    command = [str(python.absolute()), "-m", f"bench.peers.{peer.environment}"]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            [*command, str(candles), str(peer.rounds), peer.variant],
            cwd=_ROOT,
            env=kept,
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"it was not done after {TIMEOUT_S} s.") from None
    except OSError as error:
        raise Trouble(f"its python cannot be run ({error.strerror}).") from None
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise Trouble(f"it failed: {last[:300]}")
    return answered(ended.stdout)


def answered(output: str) -> dict[str, Any]:
    """The object in the last line a driver has written.

    Raises:
        Trouble: it is none.
    """
    try:
        told = json.loads(output.strip().splitlines()[-1])
        sound = told["seconds"] > 0 and isinstance(told["version"], str) and isinstance(told["trades"], list)
    except (IndexError, KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise Trouble("its driver did not answer with figures.")
    return dict(told)


def agreement(trades: list[list[float]], market: Minutes) -> dict[str, int]:
    """How many trades there are and how many are the limit's: bars and prices.

    Raises:
        Trouble: they are not those of the comparison strategy.
    """
    expected = limit.trades(market)
    bars = zip(market.open_ms[expected.entered].tolist(), market.open_ms[expected.left].tolist(), strict=True)
    prices = zip(expected.entry_prices.tolist(), expected.exit_prices.tolist(), strict=True)
    wanted = dict(zip(bars, prices, strict=True))
    same = 0
    for entered, left, entry, price in trades:
        entry_price, exit_price = wanted.get((int(entered), int(left)), (float("nan"), float("nan")))
        same += abs(entry - entry_price) <= _PRICE and abs(price - exit_price) <= _PRICE
    if min(same, len(trades)) < len(wanted) - MAY_DIFFER or len(trades) > len(wanted):
        raise Trouble(f"it traded {len(trades)} times, and {same} of {len(wanted)} trades are those of the strategy.")
    return {"trades": len(trades), "same_trades": same}
