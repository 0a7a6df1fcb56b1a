"""Repeating what may be repeated, and nothing else.

`retried(method, ...)` asks the method's own tag (`shared.calls`): only @safe and @repeatable methods are repeated, and
only after Unavailable, which promises that nothing was done. An untagged function counts as @once and is refused: an
order is never sent again by a loop.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import stamina

from tradingboost.core.errors import BrokenInvariant, Unavailable
from tradingboost.shared.calls import Repeat, call_of

P = ParamSpec("P")
T = TypeVar("T")


def retried(
    method: Callable[P, Awaitable[T]],
    *,
    attempts: int = 3,
    first_pause_s: float = 0.1,
    longest_pause_s: float = 5.0,
    time_limit_s: float = 30.0,
) -> Callable[P, Awaitable[T]]:
    """The method, tried again after Unavailable with growing, jittered pauses.

    Args:
        attempts: how often it is called at most, the first call included.
        time_limit_s: no new attempt begins later than this after the first.

    Raises:
        BrokenInvariant: the method is tagged @once, or not at all.
    """
    if call_of(method).repeat is Repeat.ONCE:
        name = getattr(method, "__qualname__", repr(method))
        raise BrokenInvariant("retry_of_once", f"{name} may be sent once only and must not be wrapped in a retry.")

    @wraps(method)
    async def again(*args: P.args, **kwargs: P.kwargs) -> T:
        async for attempt in stamina.retry_context(
            on=Unavailable,
            attempts=attempts,
            timeout=time_limit_s,
            wait_initial=first_pause_s,
            wait_max=longest_pause_s,
            wait_jitter=first_pause_s,
        ):
            with attempt:
                return await method(*args, **kwargs)
        raise BrokenInvariant("retry_without_outcome", "A retry ended without a result and without an error.")

    return again
