"""One reader of news for all consumers of a process, which calls on those whom an entry concerns.

Most entries are of types most groups do not handle. So one connection reads each new entry once, and one script gives
it to the members that wait for it and moves the other groups past it. Once a second the bell looks whether every group
stands at the end. A consumer reads by itself whenever something could have been missed: at its start, when its group
stands elsewhere, when the bell gives no sign, and, blocking as if there were no bell, while the bell does not hear its
stream.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit.ear import Ear, Entries, Heard
from tradingboost.kit.redis import Redis, mapped

_BLOCK_MS = 1000
_TIMEOUT_S = 2.0
_COUNT = 100
_AGAIN_S = 0.2
_LOOK_EVERY_S = 1.0
_SIGN_WITHIN_S = 1.5

log = structlog.get_logger(__name__)


class _Turn(NamedTuple):
    """News of one stream and for whom they are."""

    key: bytes
    before: bytes
    entries: Entries
    heard: Heard
    passed: list[Ear]
    asked: list[Ear]

    def words(self) -> Iterator[str]:
        """As the script takes them."""
        yield from (self.before.decode(), self.entries[-1][0].decode(), str(len(self.entries)), str(len(self.passed)))
        yield from (ear.group for ear in self.passed)
        yield str(len(self.asked))
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
        self._sign_at = self._look_at = 0.0

    def well(self) -> bool:
        """Whether it gave a sign of late."""
        return asyncio.get_running_loop().time() - self._sign_at < _SIGN_WITHIN_S

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
                    if self._at and asyncio.get_running_loop().time() >= self._look_at:
                        await self._look()
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
                found = await self._client.xread(dict(self._at), count=_COUNT, block=_BLOCK_MS)
        self._sign_at = asyncio.get_running_loop().time()
        return found or ()

    async def _look(self) -> None:
        """Call whoever's group is gone or does not stand at the end, and begin anew where a stream has gone back."""
        keys = list(self._at)
        found = await self._redis.script("standing", [key.decode() for key in keys], [])
        for key, (newest, *groups) in zip(keys, found, strict=True):
            standing = dict(zip(groups[::2], groups[1::2], strict=True))
            for ear in self._ears.get(key, ()):
                if standing.get(ear.group.encode()) != newest:
                    ear.ring()
            if key in self._at and _order(newest) < _order(self._at[key]):
                self.doubt(key)
        self._sign_at = asyncio.get_running_loop().time()
        self._look_at = self._sign_at + _LOOK_EVERY_S

    async def _tell(self, news: Sequence[tuple[bytes, Entries]]) -> None:
        turns = [turn for key, entries in news if (turn := self._sorted(key, entries)) is not None]
        if not turns:
            return
        words = "\n".join(word for turn in turns for word in turn.words())
        said = await self._redis.script("turn", [turn.key.decode() for turn in turns], [words])
        answers = map(int, said.split())
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


def _order(entry_id: bytes) -> tuple[int, int]:
    stamp, _, number = entry_id.partition(b"-")
    return int(stamp or 0), int(number or 0)


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
