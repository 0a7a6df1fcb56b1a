"""A server in a process of its own, so that its processor time is its own: the simulated exchange, or a bare peer.

The bare peer does what no exchange on this HTTP library can do without: it reads the request, checks its signature
and answers a constant. `python -m bench.apart KIND ACCOUNTS` prints one line of addresses and serves until its input
ends.
"""

import asyncio
import base64
import hmac
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web
from pydantic import SecretStr

from tradingboost.kit.runtime import freeze_loaded, run
from tradingboost.simulator.settings import AccountSettings, free_ports
from tradingboost.simulator.simulator import Simulator

INST: Final = "BTC-USDT-SWAP"
ETH: Final = "ETH-USDT-SWAP"
SOL: Final = "SOL-USDT-SWAP"
SECRET: Final = "secret"
PASSPHRASE: Final = "passphrase"
_ROOT: Final = Path(__file__).resolve().parents[1]
_ANSWER: Final = b'{"code":"0","msg":"","data":[{"ordId":"1","clOrdId":"","tag":"","sCode":"0","sMsg":""}]}'
_TICKS_A_S: Final = os.sysconf("SC_CLK_TCK")


class Server(msgspec.Struct, frozen=True):
    """Where it listens, and which process it is."""

    host: str
    port: int
    ws: str = ""
    admin: str = ""
    token: str = ""
    pid: int = 0

    def cpu_s(self) -> float:
        """Processor seconds it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_S


def resident_mb(pid: str = "self") -> float:
    """Memory a process holds now; without a number this one."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def name(account: int) -> str:
    """Number and key of an account."""
    return f"{account + 1}"


@asynccontextmanager
async def serving(kind: str, accounts: int) -> AsyncIterator[Server]:
    """A server for the length of the block.

    Args:
        kind: simulated or bare.
        accounts: opened beforehand, see `name`
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.apart", kind, str(accounts),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), 60)
        yield msgspec.structs.replace(msgspec.json.decode(line, type=Server), pid=child.pid)
    finally:
        child.stdin.close()
        await child.wait()


async def _simulated(accounts: int) -> None:
    opened = tuple(
        AccountSettings(
            uid=name(number),
            key=name(number),
            secret=SecretStr(SECRET),
            passphrase=SecretStr(PASSPHRASE),
            balances={"USDT": Decimal(10**9)},
        )
        for number in range(accounts)
    )
    settings = free_ports(
        clock="stepped", tls=False, accounts=opened, max_connections=4 * accounts + 100,
        policy={"taker_fill": "at_once", "slippage_ppm": 0},
    )  # fmt: skip
    async with Simulator(settings).running() as at:
        host, _, port = at.rest.removeprefix("http://").partition(":")
        await _serve(Server(host, int(port), at.ws, at.admin, at.admin_token))


async def _bare(_accounts: int) -> None:
    mac = hmac.new(SECRET.encode(), digestmod="sha256")

    async def answer(request: web.BaseRequest) -> web.Response:
        body, mine = await request.read(), mac.copy()
        mine.update((request.headers["OK-ACCESS-TIMESTAMP"] + request.method + request.raw_path).encode() + body)
        good = hmac.compare_digest(mine.digest(), base64.b64decode(request.headers["OK-ACCESS-SIGN"]))
        return web.Response(body=_ANSWER, status=200 if good else 401, headers={"Content-Type": "application/json"})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[-1][:2]
        await _serve(Server(host, port))
    finally:
        await runner.cleanup()


async def _serve(server: Server) -> None:
    freeze_loaded()
    sys.stdout.buffer.write(msgspec.json.encode(server) + b"\n")
    sys.stdout.buffer.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    _kind, _accounts = sys.argv[1:]
    run(lambda: {"simulated": _simulated, "bare": _bare}[_kind](int(_accounts)))
