"""What the machine has left: a full disk refuses every intent, so somebody has to hear of it before."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

import msgspec
import structlog

from tradingboost.kit.metrics import Metrics
from tradingboost.kit.runtime import Life, Module, Worker

log = structlog.get_logger(__name__)
_EVERY_S: Final = 30.0
_SAID_AGAIN: Final = 20


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The file system that holds the data.

    Args:
        alarm: fuller than it should be.
    """

    used_ratio: float
    free_mb: int
    alarm: bool


def disk(path: Path, alarm_ratio: float) -> Disk:
    """How full the file system is on which a directory lies, or will lie."""
    here = next(one for one in (path, *path.parents) if one.exists())
    found = shutil.disk_usage(here)
    used_ratio = round(found.used / (found.used + found.free), 4)
    return Disk(used_ratio=used_ratio, free_mb=found.free // 1_000_000, alarm=used_ratio >= alarm_ratio)


def watch(path: Path, alarm_ratio: float, metrics: Metrics) -> Module:
    """Looks at the disk now and then, exports how full it is and complains when it is too full."""
    gauge = metrics.gauge("disk_used_ratio", "Share of the data directory's file system that is in use")

    async def look(life: Life) -> None:
        looks = 0
        while not life.stopping:
            found = await asyncio.to_thread(disk, path, alarm_ratio)
            gauge.plain.set(found.used_ratio)
            if found.alarm and looks % _SAID_AGAIN == 0:
                log.error("disk_nearly_full", used_ratio=found.used_ratio, free_mb=found.free_mb, path=str(path))
            looks = looks + 1 if found.alarm else 0
            await life.sleep(_EVERY_S)

    return Module("machine", workers=[Worker("disk", look)])
