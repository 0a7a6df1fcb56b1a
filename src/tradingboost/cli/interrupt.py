"""Ctrl-C for work that can end well: the first one asks, the second one insists."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def stoppable(work: Callable[[asyncio.Event], Awaitable[T]], begun: Callable[[], bool]) -> T:
    """Run `work` with an event that the first SIGINT or SIGTERM sets.

    Args:
        begun: whether the work listens to the event already; before that a signal cuts it short.

    Raises:
        KeyboardInterrupt: it was cut short, by a signal before it had begun or by a second one.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.ensure_future(work(stop))

    def on_signal() -> None:
        if stop.is_set() or not begun():
            task.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        if stop.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
