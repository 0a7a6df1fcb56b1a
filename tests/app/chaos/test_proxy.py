"""The fault proxy: passes everything on, and each trouble is what its name says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.kit.stage import until

from tradingboost.app.chaos.proxy import End, Moment, Proxy, Trap, Way, committing, http_whole, placing

ORDER = b'POST /api/v5/trade/order HTTP/1.1\r\nContent-Length: 4\r\n\r\n{"a"'
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]


class Echo:
    """Answers each piece with itself, and remembers what it got."""

    def __init__(self) -> None:
        self.got = b""
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Echo"]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(1 << 16):
                    self.got += data
                    writer.write(data)
                    await writer.drain()
            except OSError:
                return
            finally:
                writer.transport.abort()

        tasks: list[asyncio.Task[None]] = []
        server = await asyncio.start_server(
            lambda *both: tasks.append(asyncio.create_task(serve(*both))), "127.0.0.1", 0
        )
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with Echo().running() as running:
        yield running


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", echo.port).running() as running:
        yield running


@pytest.fixture
async def dial(proxy: Proxy) -> AsyncIterator[Dial]:
    """Connections through the proxy, ended with the test."""
    writers: list[asyncio.StreamWriter] = []

    async def dial() -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writers.append(writer)
        return reader, writer

    yield dial
    for writer in writers:
        writer.transport.abort()


async def asked(streams: Streams, data: bytes, patience_s: float = 2.0) -> bytes:
    """Send, and what comes back; b"" when the connection ended.

    Raises:
        TimeoutError: nothing came.
    """
    reader, writer = streams
    writer.write(data)
    try:
        async with asyncio.timeout(patience_s):
            return await reader.read(1 << 16)
    except ConnectionError:
        return b""


async def test_what_is_sent_arrives_and_is_answered(dial: Dial) -> None:
    streams = await dial()
    assert await asked(streams, b"one") == b"one"
    assert await asked(streams, b"two") == b"two"


async def test_a_delay_makes_every_piece_late_each_way(dial: Dial, proxy: Proxy) -> None:
    streams = await dial()
    proxy.delay(0.05)
    began = asyncio.get_running_loop().time()
    assert await asked(streams, b"late") == b"late"
    assert asyncio.get_running_loop().time() - began >= 0.1


async def test_a_cut_breaks_what_stands_and_lets_new_connections_in(dial: Dial, proxy: Proxy) -> None:
    streams = await dial()
    assert await asked(streams, b"before") == b"before"
    proxy.cut()
    assert await asked(streams, b"after") == b""
    assert await asked(await dial(), b"again") == b"again"


async def test_while_it_is_shut_nobody_gets_through_and_healing_opens_it(dial: Dial, proxy: Proxy, echo: Echo) -> None:
    proxy.shut()
    assert await asked(await dial(), b"nobody") == b""
    proxy.heal()
    assert await asked(await dial(), b"somebody") == b"somebody"
    assert echo.got == b"somebody"


async def test_deaf_one_way_the_request_arrives_and_no_reply_comes(dial: Dial, proxy: Proxy, echo: Echo) -> None:
    streams = await dial()
    assert await asked(streams, b"before") == b"before"
    proxy.blackhole(Way.BACK)
    with pytest.raises(TimeoutError):
        await asked(streams, b"lost", 0.1)
    assert echo.got == b"beforelost"
    proxy.heal()
    assert await asked(streams, b"after") == b"", "a connection that lost bytes must not go on"


async def test_after_a_half_close_the_end_is_read_and_what_is_sent_still_arrives(
    dial: Dial, proxy: Proxy, echo: Echo
) -> None:
    streams = await dial()
    assert await asked(streams, b"one") == b"one"
    proxy.half_close()
    assert await asked(streams, b"two") == b""
    await until(lambda: _got(echo, b"onetwo"))


async def _got(echo: Echo, wanted: bytes) -> bool:
    return echo.got == wanted


async def test_new_connections_go_to_where_it_was_turned(dial: Dial, proxy: Proxy, echo: Echo) -> None:
    streams = await dial()
    async with Echo().running() as other:
        proxy.turn_to("127.0.0.1", other.port)
        assert await asked(streams, b"old") == b""
        assert await asked(await dial(), b"new") == b"new"
        assert (echo.got, other.got) == (b"", b"new")


@pytest.mark.parametrize(
    "lost",
    [
        (Moment.UNSENT, End.ABORT, b""),
        (Moment.UNANSWERED, End.ABORT, b""),
        (Moment.UNANSWERED, End.TRUNCATED, ORDER[: len(ORDER) // 2]),
    ],
)
async def test_a_trap_catches_the_nth_order_at_its_moment(
    dial: Dial, proxy: Proxy, echo: Echo, lost: tuple[Moment, End, bytes]
) -> None:
    moment, end, reply = lost
    happened: list[bytes] = []

    async def then() -> None:
        happened.append(echo.got)

    trap = proxy.catch(placing(then, nth=2, moment=moment, end=end))
    streams = await dial()
    assert await asked(streams, b"GET /") == b"GET /"
    assert await asked(streams, ORDER) == ORDER
    before = echo.got
    streams[1].write(ORDER[:30])  # in two pieces, as networks bring it
    await streams[1].drain()
    await asyncio.sleep(0.02)
    assert await asked(streams, ORDER[30:]) == reply
    assert trap.sprung.is_set()
    assert trap.caught == ORDER
    assert happened == [before if moment is Moment.UNSENT else before + ORDER]
    assert await asked(await dial(), ORDER) == ORDER, "it catches once"


async def test_a_reply_that_never_comes_leaves_the_connection_standing(dial: Dial, proxy: Proxy, echo: Echo) -> None:
    proxy.catch(placing(end=End.SILENCE))
    streams = await dial()
    with pytest.raises(TimeoutError):
        await asked(streams, ORDER, 0.1)
    assert echo.got == ORDER


@pytest.mark.parametrize(
    ("trap", "message"),
    [
        (lambda: committing(nth=2), b"Q\x00\x00\x00\x0bCOMMIT\x00"),
        (lambda: committing(nth=2), b"Q\x00\x00\x00\x0cCOMMIT;\x00"),
    ],
)
async def test_a_commit_is_known_by_its_bytes(
    dial: Dial, proxy: Proxy, trap: Callable[[], Trap], message: bytes
) -> None:
    armed = proxy.catch(trap())
    streams = await dial()
    assert await asked(streams, b"Q\x00\x00\x00\x0aBEGIN\x00") != b""
    assert await asked(streams, message) == message
    assert await asked(streams, message) == b""
    assert armed.caught == message


def test_a_request_is_whole_at_its_announced_length() -> None:
    assert [http_whole(ORDER[:k]) for k in (10, len(ORDER) - 1, len(ORDER))] == [False, False, True]
