"""Ports for an installation that runs beside others on the same machine."""

import os
from typing import Final

from tradingboost.app.topology import BRIDGE_OFFSET, GATEWAY_PORT, PROCESSES
from tradingboost.core.errors import Unavailable
from tradingboost.kit.embedded.directory import is_free

OFFSETS: Final = range(2000, 14_000, 20)
"""Every port lands below those a system gives away by itself: a connection of somebody beside cannot take it."""

_given: set[int] = set()


def free_offset() -> int:
    """A port offset at which every port of an installation is free; this process is never given it twice.

    Raises:
        Unavailable: there is none left.
    """
    wanted = [GATEWAY_PORT, *(one.port for one in PROCESSES.values())]
    wanted += [one.port + BRIDGE_OFFSET for one in PROCESSES.values()]
    first = os.getpid() % len(OFFSETS)  # apart from the installation that a process beside this one starts
    candidates: list[int] = [*OFFSETS[first:], *OFFSETS[:first]]
    for offset in candidates:
        if offset not in _given and all(is_free(port + offset) for port in wanted):
            _given.add(offset)
            return offset
    raise Unavailable("no_free_ports", "No ports are free for another installation; end some of those that run.")
