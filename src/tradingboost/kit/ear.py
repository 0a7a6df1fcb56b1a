"""A consumer's place at the bell: what it was given there, and whether it has to read by itself."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tradingboost.core.errors import Unavailable
from tradingboost.kit.groups import Fields, GroupLost, Member

Entries = Sequence[tuple[bytes, Fields]]
Heard = Sequence[tuple[bytes, int]]
"""Aggregate and number of events, as they lie in the stream."""


class Caller(Protocol):
    """The bell, as those who listen know it."""

    def hears(self, key: bytes) -> bool: ...

    def well(self) -> bool: ...

    def doubt(self, key: bytes) -> None: ...


class Ear:
    """One consumer at the bell.

    Args:
        types: the events that concern it.
        overhear: is told what its group was moved past.
    """

    def __init__(
        self, bell: Caller, member: Member, types: frozenset[bytes], overhear: Callable[[Heard], None]
    ) -> None:
        self.key = member.key.encode()
        self.group = member.group
        self.name = member.name
        self.types = types
        self.overhear = overhear
        self._bell = bell
        self._due = True
        self._woken = asyncio.Event()
        self._waiting = False
        self._asked = False
        self._given: Entries = ()
        self._error: Exception | None = None

    def due(self) -> bool:
        """Whether it has to read by itself before it waits."""
        return self._due

    def listen(self) -> bool:
        """Whether the bell will tell of all that a reading begun now does not find; call it before that reading.

        Raises:
            TradingBoostError: what broke the bell.
        """
        self._due = False
        self._woken.clear()
        self._complain()
        return self._bell.hears(self.key)

    def ring(self) -> None:
        """There may be something to read."""
        self._due = True
        self._woken.set()

    def doubt(self) -> None:
        """The stream is not the one it was: the bell begins anew there."""
        self._bell.doubt(self.key)

    async def wait(self, seconds: float) -> Entries:
        """What the group was given, unacknowledged; nothing when somebody rang or the time is over.

        Raises:
            Unavailable: nobody knows whether the group was given something.
            GroupLost: the same; it was given something else.
        """
        self._waiting = True
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            self._due = self._due or not self._bell.well()
            if self._asked:  # just now it is being given something
                await self._woken.wait()
        finally:
            self._waiting = False
        self._woken.clear()
        given, self._given = self._given, ()
        self._complain()
        return given

    def _complain(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    # -- the bell's side -----------------------------------------------------------------------------------------

    def ask(self) -> bool:
        """Whether it waits and may be given the news; it then waits for `answer` or `fail`."""
        self._asked = self._waiting and not self._asked and not self._woken.is_set()
        return self._asked

    def answer(self, given: int, entries: Entries) -> None:
        """What the script did for its group."""
        self._asked = False
        if given > 0:
            self._given = entries
            self._woken.set()
        elif given == 0:
            self.ring()
        else:
            self._error = GroupLost(self.key.decode())
            self._woken.set()

    def fail(self, error: Exception) -> None:
        """The bell is silent from now on; who was being asked, or cannot go on either, is told why."""
        if self._asked or not isinstance(error, Unavailable):
            self._error = error
        self._asked = False
        self.ring()
