"""Faults as scenarios: every name does something, a seed gives one scenario, and signals reach whole families."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tradingboost.app.chaos.components import COMPONENTS, known_components
from tradingboost.app.chaos.faults import FAULTS, hit, known_faults
from tradingboost.app.chaos.servers import at_port, family
from tradingboost.app.chaos.strikes import STRIKES
from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import InvalidInput


def test_every_fault_has_its_strike_and_every_strike_its_name() -> None:
    assert sorted(STRIKES) == sorted(FAULTS)
    assert {name for name in FAULTS if name.startswith("service.")} == {f"service.{name}" for name in PROCESSES}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_seed_gives_the_same_scenario_and_another_one_another(fault: str) -> None:
    first, again = hit(fault, 3), hit(fault, 3)
    assert first == again
    assert first.chance.random() == again.chance.random()
    shortest_s, longest_s = FAULTS[fault].lasts_s
    drawn = [hit(fault, seed) for seed in range(20)]
    assert all(shortest_s <= one.lasts_s <= longest_s for one in drawn)
    assert len({one.lasts_s for one in drawn}) == 20
    assert (hit(fault, 0).name, first.name) == (fault, f"{fault}#3")


def test_an_unknown_fault_is_refused_with_the_name_that_was_meant() -> None:
    assert known_faults(["redis.stop", "redis.kill", "redis.stop"]) == ["redis.kill", "redis.stop"]
    with pytest.raises(InvalidInput, match=r"did you mean redis\.failover"):
        known_faults(["redis.failove"])


def test_each_component_is_hurt_by_faults_that_exist_and_an_unknown_one_is_refused() -> None:
    assert {fault for one in COMPONENTS.values() for fault in one.faults} <= set(FAULTS)
    assert [one.says for one in known_components(["orders", "postgres"])] == ["PostgreSQL", "orders"]
    with pytest.raises(InvalidInput, match="did you mean postgres"):
        known_components(["postgre"])


def test_an_address_keeps_its_password_behind_another_port() -> None:
    assert at_port("redis://:pa:ss@127.0.0.1:1/0", 6380) == "redis://:pa:ss@127.0.0.1:6380/0"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="families of processes are read from /proc")
async def test_a_family_is_a_process_and_everything_it_started() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    parent = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", code])
    try:
        async with asyncio.timeout(20):
            while len(family(parent.pid)) < 2:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)
        assert family(parent.pid)[0] == parent.pid
    finally:
        for pid in reversed(family(parent.pid)):
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(parent.wait, 20)
