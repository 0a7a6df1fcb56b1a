"""A process with a bridge starts other programs, and what grpc does at a fork stays out of them."""

import subprocess
import sys
from typing import Final

_STARTING: Final = """
import asyncio, os, sys
from tradingboost.kit.remote import grpc
from tradingboost.kit.runtime import run
from grpc import aio

async def main():
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for _ in range(20):
            asked = asyncio.ensure_future(channel.unary_unary("/nobody/there")(b"").code())
            started = await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", "")
            assert await started.wait() == 0
            await asked
    await server.stop(0)
    print("done")

run(main)
"""


def test_a_program_is_started_beside_a_bridge_without_grpc_in_between() -> None:
    ended = subprocess.run([sys.executable, "-c", _STARTING], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert "fork" not in ended.stderr
