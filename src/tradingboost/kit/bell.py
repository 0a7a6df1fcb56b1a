"""One reader of news for all consumers of a process, which calls on those whom an entry concerns.

Most entries are of types most groups do not handle. So one connection reads each new entry once, and one script gives
it to the members that wait for it and moves the other groups past it. A consumer reads by itself whenever this could
have missed something: at its start, when its group stood elsewhere, once a second in any case, and, blocking as if
there were no bell, for as long as the bell does not hear its stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.groups import Fields, GroupLost, Member
from tradingboost.kit.redis import Redis, mapped

Entries = Sequence[tuple[bytes, Fields]]
Heard = Sequence[tuple[bytes, int]]
"""Aggregate and number of events, as they lie in the stream."""

_BLOCK_MS = 1000
_TIMEOUT_S = 2.0
_COUNT = 100
_AGAIN_S = 0.2

log = structlog.get_logger(__name__)


class Ear:
    """One consumer at the bell.

    Args:
        types: the events that concern it.
        overhear: is told what its group was moved past.
    """

    def __init__(
        self, bell: "Bell", member: Member, types: frozenset[bytes], overhear: Callable[[Heard], None]
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
        """What the group was given, unacknowledged; nothing when it is time to read, or somebody rang.

        Raises:
            Unavailable: nobody knows whether the group was given something.
            GroupLost: the same; it was given something else.
        """
        self._waiting = True
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            self._due = True
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


class _Turn(NamedTuple):
    """News of one stream and for whom they are."""

    key: bytes
    before: bytes
    entries: Entries
    heard: Heard
    passed: list[Ear]
    asked: list[Ear]

    def words(self) -> Iterator[str | int]:
        """As the script takes them."""
        yield from (self.before.decode(), self.entries[-1][0].decode(), len(self.entries), len(self.passed))
        yield from (ear.group for ear in self.passed)
        yield len(self.asked)
        for ear in self.asked:
            yield from (ear.group, ear.name)


class Bell:
    """Of one process and one Redis; ask `ringing` for it."""

    def __init__(self, redis: Redis) -> None:
        self.users = 0
        self._redis = redis
        self._client: Any = redis.transport
        self._ears: dict[bytes, list[Ear]] = {}
        self._at: dict[bytes, bytes] = {}
        self._joined = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hears(self, key: bytes) -> bool:
        """Whether whoever waits will be told of everything that comes on this stream from now on."""
        return key in self._at

    def doubt(self, key: bytes) -> None:
        """Begin anew at the newest entry of a stream; its consumers read by themselves until then."""
        self._at.pop(key, None)
        for ear in self._ears.get(key, ()):
            ear.ring()

    @contextmanager
    def joined(self, ear: Ear) -> Iterator[None]:
        """Let a consumer be called for as long as the block lasts."""
        self._ears.setdefault(ear.key, []).append(ear)
        self._joined.set()
        try:
            yield
        finally:
            self._ears[ear.key].remove(ear)
            if not self._ears[ear.key]:
                del self._ears[ear.key]
                self._at.pop(ear.key, None)

    def start(self) -> None:
        """Begin, if it does not run."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="bell")

    async def end(self) -> None:
        """Stop. What broke it has been told to the consumers it had."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._place()
                    await self._tell(await self._news())
                except Unavailable as error:
                    log.warning("bell_waits", code=error.code)
                    self._fall_silent(error)
                    await asyncio.sleep(_AGAIN_S)
        except Exception as error:
            log.exception("bell_broken", exc_info=error)
            self._fall_silent(error)

    def _fall_silent(self, error: Exception) -> None:
        self._at.clear()
        for ears in self._ears.values():
            for ear in ears:
                ear.fail(error)

    async def _place(self) -> None:
        """Stand behind the newest entry of each stream it has not been listening to."""
        while not self._ears:
            self._joined.clear()
            await self._joined.wait()
        new = [key for key in self._ears if key not in self._at]
        if not new:
            return
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S), self._client.pipeline(transaction=False) as pipe:
                for key in new:
                    pipe.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1)
                newest = await pipe.execute()
        self._at |= {key: entries[0][0] if entries else b"0-0" for key, entries in zip(new, newest, strict=True)}

    async def _news(self) -> Sequence[tuple[bytes, Entries]]:
        with mapped():
            async with asyncio.timeout(_BLOCK_MS / 1000 + _TIMEOUT_S):
                return await self._client.xread(dict(self._at), count=_COUNT, block=_BLOCK_MS) or ()

    async def _tell(self, news: Sequence[tuple[bytes, Entries]]) -> None:
        turns = [turn for key, entries in news if (turn := self._sorted(key, entries)) is not None]
        if not turns:
            return
        keys, words = [turn.key.decode() for turn in turns], [word for turn in turns for word in turn.words()]
        answers = iter(await self._redis.script("turn", keys, words))
        for turn in turns:
            for ear in turn.passed:
                if next(answers) > 0:
                    ear.overhear(turn.heard)
                else:
                    ear.ring()
            for ear in turn.asked:
                ear.answer(next(answers), turn.entries)

    def _sorted(self, key: bytes, entries: Entries) -> _Turn | None:
        """Who is given the news, who is moved past them; the others are called to read by themselves."""
        ears, before = self._ears.get(key, ()), self._at.get(key)
        if before is not None:
            self._at[key] = entries[-1][0]
        try:
            heard = [(fields[b"agg"], int(fields[b"seq"])) for _, fields in entries]
            types = {fields[b"type"] for _, fields in entries}
        except (KeyError, ValueError):  # each consumer says by itself what it thinks of that
            before = None
        if before is None:
            for ear in ears:
                ear.ring()
            return None
        turn = _Turn(key, before, entries, heard, [], [])
        for ear in ears:
            if ear.types.isdisjoint(types):
                turn.passed.append(ear)
            elif ear.ask():
                turn.asked.append(ear)
            else:
                ear.ring()
        return turn if turn.passed or turn.asked else None


_bells: dict[Redis, Bell] = {}


@asynccontextmanager
async def ringing(redis: Redis) -> AsyncIterator[Bell]:
    """The bell of this process and this Redis, which rings for as long as anybody is inside."""
    bell = _bells.setdefault(redis, Bell(redis))
    bell.users += 1
    bell.start()
    try:
        yield bell
    finally:
        bell.users -= 1
        if not bell.users:
            del _bells[redis]
            await bell.end()
