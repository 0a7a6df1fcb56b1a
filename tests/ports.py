"""Ports that an installation started by a test may use beside the other tests of the machine."""

import os
import socket
from typing import Final

from tradingboost.app.topology import BRIDGE_OFFSET, GATEWAY_PORT, PROCESSES

OFFSETS: Final = range(2000, 14_000, 20)
"""Every port lands below those a system gives away by itself: a connection of a test beside cannot take it."""


def free_offset() -> int:
    """A port offset at which every port of an installation is free."""
    wanted = [GATEWAY_PORT, *(one.port for one in PROCESSES.values())]
    wanted += [one.port + BRIDGE_OFFSET for one in PROCESSES.values()]
    first = os.getpid() % len(OFFSETS)  # apart from the installation that a process beside this one starts
    candidates: list[int] = [*OFFSETS[first:], *OFFSETS[:first]]
    return next(offset for offset in candidates if all(_free(port + offset) for port in wanted))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
