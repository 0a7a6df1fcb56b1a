"""Keyed lanes: things of one key are worked on one after the other, different keys side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

Work = Callable[[list[T]], Awaitable[float | None]]
"""Works on things of one key from the front of the list, removing what is done; a returned number means: the rest
waits that many seconds, other keys go on."""


class Lanes(Generic[T]):
    """`width` workers over any number of keys.

    Invariant: one key is in the hands of one worker at a time, so its things keep their order.
    """

    def __init__(self, work: Work[T], width: int = 8) -> None:
        self._work = work
        self._width = width
        self._boxes: dict[str, deque[T]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._size = 0
        self._changed = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()

    def __len__(self) -> int:
        """How many things are waiting or being worked on."""
        return self._size

    def put(self, key: str, thing: T) -> None:
        """Append; the caller keeps the total bounded with `below`."""
        self._size += 1
        box = self._boxes.get(key)
        if box is None:
            self._boxes[key] = deque((thing,))
            self._ready.put_nowait(key)
        else:
            box.append(thing)

    async def below(self, limit: int) -> None:
        """Wait until fewer than `limit` things are left."""
        while self._size >= limit:
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._width):
                    group.create_task(self._worker())
        finally:
            for timer in self._timers:
                timer.cancel()

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            box = self._boxes[key]
            things = list(box)
            box.clear()
            count = len(things)
            pause_s = await self._work(things)
            self._size -= count - len(things)
            self._changed.set()
            box.extendleft(reversed(things))
            if not box:
                del self._boxes[key]
            elif pause_s is None:
                self._ready.put_nowait(key)
            else:
                self._later(key, pause_s)

    def _later(self, key: str, pause_s: float) -> None:
        def again() -> None:
            self._timers.discard(timer)
            self._ready.put_nowait(key)

        timer = asyncio.get_running_loop().call_later(pause_s, again)
        self._timers.add(timer)
