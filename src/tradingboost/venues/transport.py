"""The sockets under every venue: one HTTP session and one TLS context a process.

The request class is where "not sent" ends: right before the first byte it compares the deadline with the clock, notes
that bytes may leave, and lets a POST leave once only (neither a redirect nor a library may send it again).
"""

import ssl
from typing import Any

import aiohttp
import certifi
from aiohttp.client_reqrep import ClientRequest, ClientResponse

from tradingboost.core.errors import Unavailable
from tradingboost.kit.clock import Clock
from tradingboost.venues.evidence import CALL, Step


class Transport:
    """Opened at first use inside the running loop; closed once, at the end of the process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=certifi.where())
        return self._tls

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self.tls, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector, request_class=_request_class(self.clock))
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _request_class(clock: Clock) -> type[ClientRequest]:
    class Fenced(ClientRequest):
        async def send(self, conn: Any) -> ClientResponse:
            evidence = CALL.get()
            if evidence is not None:
                if evidence.deadline is not None and clock.monotonic() >= evidence.deadline:
                    evidence.late = evidence.step is Step.NOT_WRITTEN
                    raise Unavailable("expired", "The order's deadline passed before it could be written.")
                if evidence.step is not Step.NOT_WRITTEN and self.method == "POST":
                    raise Unavailable("sent_already", "A request that changes something is written once only.")
                evidence.step = max(evidence.step, Step.WRITTEN)
            return await super().send(conn)

    return Fenced
