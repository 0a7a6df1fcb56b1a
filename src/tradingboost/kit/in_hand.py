"""Who in this process has facts in hand just now: an early no for everybody who waits for silence.

It is no proof of silence, only a cheap sign of work; `kit.drained` asks the servers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Dialect

from tradingboost.kit.db import Database

# By the dialect object, which all views of an engine share.
_busy: WeakKeyDictionary[Dialect, list[Callable[[], bool]]] = WeakKeyDictionary()


@contextmanager
def shown(database: Database, *busy: Callable[[], bool]) -> Iterator[None]:
    """Let others see whether somebody is busy, for as long as the block lasts."""
    known = _busy.setdefault(database.engine.dialect, [])
    known.extend(busy)
    try:
        yield
    finally:
        for one in busy:
            known.remove(one)


def anything(database: Database) -> bool:
    """Whether somebody here is at work on a fact."""
    return any(busy() for busy in _busy.get(database.engine.dialect, ()))
