"""The sockets under every venue: one HTTP session and one TLS context a process, behind the rate governor.

The request class is where "not sent" ends: right before the first byte it compares the deadline with the clock, notes
that bytes may leave, and lets a POST leave once only (neither a redirect nor a library may send it again).
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final

import aiohttp
import certifi
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from yarl import URL

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import Clock
from tradingboost.kit.crash import crash_point
from tradingboost.venues import lanes, requests
from tradingboost.venues.evidence import CALL, Step
from tradingboost.venues.governor import Governor
from tradingboost.venues.venue_clock import VenueClock

_MOST_TOLD: Final = 12
"""Digits of a Retry-After that can be a number of seconds."""


class Transport:
    """Opened at first use inside the running loop; closed once, at the end of the process.

    Args:
        governor: None = one of its own, which shares nothing.
    """

    def __init__(self, clock: Clock, governor: Governor | None = None) -> None:
        self.clock = clock
        self.governor = governor or Governor(clock)
        self.clocks: list[VenueClock] = []
        self._session: aiohttp.ClientSession | None = None
        self._governed: GovernedSession | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=certifi.where())
        return self._tls

    @property
    def session(self) -> "GovernedSession":
        """What instances of the client library are given in place of a session of their own."""
        if self._governed is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self.tls, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector, request_class=_request_class(self.clock))
            self._governed = GovernedSession(self._session, self)
        return self._governed

    def venue_clock(self, venue: Venue, ask: Callable[[], Awaitable[int]]) -> VenueClock:
        """A venue's time, doubted as soon as the venue refuses a request for it."""
        made = VenueClock(venue, self.clock, ask)
        self.clocks.append(made)
        return made

    def doubt(self, venue: Venue) -> None:
        """Our idea of the venue's time is refused; it is measured again before the next request."""
        for one in self.clocks:
            if one.venue == venue:
                one.doubted = True

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = self._governed = None


class GovernedSession:
    """The part of an HTTP session the client library uses; nothing leaves without the governor's leave."""

    def __init__(self, session: aiohttp.ClientSession, transport: Transport) -> None:
        self._session = session
        self._transport = transport

    @property
    def closed(self) -> bool:
        return self._session.closed

    @property
    def headers(self) -> Mapping[str, str]:
        return self._session.headers

    @property
    def cookie_jar(self) -> aiohttp.abc.AbstractCookieJar:
        return self._session.cookie_jar

    def get(self, url: URL, **options: Any) -> "_Asking":
        return _Asking(self._session, self._transport, "GET", url, options)

    def post(self, url: URL, **options: Any) -> "_Asking":
        return _Asking(self._session, self._transport, "POST", url, options)

    def put(self, url: URL, **options: Any) -> "_Asking":
        return _Asking(self._session, self._transport, "PUT", url, options)

    def delete(self, url: URL, **options: Any) -> "_Asking":
        return _Asking(self._session, self._transport, "DELETE", url, options)

    def ws_connect(self, url: str, **options: Any) -> "_Dialling":
        """Without compression: our frames are small, and it takes a third of a megabyte a connection."""
        return _Dialling(self._session, self._transport, URL(url), {**options, "compress": 0})


class _Asking:
    """One request: room, the request itself, and what its answer says about the venue's patience."""

    def __init__(
        self, session: aiohttp.ClientSession, transport: Transport, method: str, url: URL, options: dict[str, Any]
    ) -> None:
        self._session = session
        self._transport = transport
        self._target = (method, url)
        self._options = options
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        request = requests.read(*self._target, self._options.get("headers"), self._options.get("data"))
        await self._admitted(request)
        self._response = response = await self._session.request(*self._target, **self._options)
        try:
            head = (await response.read())[: requests.HEAD]
        except BaseException:
            response.close()
            raise
        said = requests.judge(request, response.status, head.decode("utf-8", "replace"))
        told_s = _told_s(response.headers.get("Retry-After", ""))
        self._transport.governor.answered(request, said, told_s)
        if said.clock:
            self._transport.doubt(request.venue)
        return response

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._response is not None:
            await self._response.__aexit__(kind, error, trace)

    async def _admitted(self, request: requests.Request) -> None:
        evidence = CALL.get()
        deadline_s = evidence.deadline if evidence is not None else None
        try:
            await self._transport.governor.admit(request, lanes.current() or request.lane, deadline_s)
        except Unavailable as error:
            if evidence is not None:
                evidence.fenced = error.code
            raise


class _Dialling:
    """One socket, opened no faster than an address may."""

    def __init__(self, session: aiohttp.ClientSession, transport: Transport, url: URL, options: dict[str, Any]) -> None:
        self._session = session
        self._governor = transport.governor
        self._url = url
        self._options = options

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        await self._governor.dial(*requests.dialled(self._url))
        opened: aiohttp.ClientWebSocketResponse = await self._session.ws_connect(self._url, **self._options)
        return opened


async def _flushed(response: ClientResponse) -> None:
    """Until the body of the request is with the operating system, which delivers it even when we die."""
    writing = response._writer  # the task that writes it, None when it is through
    if writing is not None:
        await asyncio.wait({writing})


def _told_s(retry_after: str) -> float | None:
    """Seconds the venue asks us to stay away."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) <= _MOST_TOLD else None


def _request_class(clock: Clock) -> type[ClientRequest]:
    class Fenced(ClientRequest):
        async def send(self, conn: Any) -> ClientResponse:
            evidence = CALL.get()
            if evidence is None:
                return await super().send(conn)
            if evidence.deadline is not None and clock.monotonic() >= evidence.deadline:
                evidence.late = evidence.step is Step.NOT_WRITTEN
                raise Unavailable("expired", "The order's deadline passed before it could be written.")
            if evidence.step is not Step.NOT_WRITTEN and self.method == "POST":
                raise Unavailable("sent_already", "A request that changes something is written once only.")
            evidence.step = max(evidence.step, Step.WRITTEN)
            response = await super().send(conn)
            if evidence.deadline is not None:  # only a submission has one
                await _flushed(response)
                crash_point("exchange.submit.after_write")
            return response

    return Fenced
