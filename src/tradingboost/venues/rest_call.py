"""Raw calls of Binance, Bitget, Bybit and Upbit: a read fails aloud, a write leaves evidence and is judged by it."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from tradingboost.core.errors import BrokenInvariant, Refused, TradingBoostError, Unavailable
from tradingboost.shared.interfaces.exchange import Outcome
from tradingboost.venues.answers import ALREADY_SO, Manner
from tradingboost.venues.call import Call
from tradingboost.venues.ccxt_venue import judged
from tradingboost.venues.evidence import CALL, Evidence, Step
from tradingboost.venues.outcome import Asked

MOST_PAGES: Final = 200
_REFUSING: Final = 400
"""An HTTP status from here on is no good answer, whatever its body says."""


class RestCaller:
    """Calls of one instance.

    Args:
        instance: of the client library; `request` is all that is used.
        manner: how its venue answers.
    """

    def __init__(self, instance: Any, manner: Manner) -> None:
        self._instance = instance
        self._manner = manner

    async def ask(self, call: Call) -> Any:
        """The data of an answer; a POST only where repeating it changes nothing.

        Raises:
            Refused: the venue does not accept the keys.
            Unavailable: it could not be read.
        """
        found = await self._asked(call, self._manner.absent if call.method == "GET" else frozenset())
        if found is None:
            message = "The venue does not know what it was asked for; try again."
            raise Unavailable("venue_read_failed", message, path=call.path)
        return found

    async def seek(self, call: Call) -> Any | None:
        """The data of an answer, None where the venue says that there is no such order."""
        return await self._asked(call, self._manner.absent)

    async def settle(self, call: Call) -> None:
        """Change a setting; that it is so already is a success."""
        await self._asked(call, ALREADY_SO)

    async def pages(self, call: Call, rows: Callable[[Any], list[Any]], onward: Callable[[Any], dict[str, Any]]) -> Any:
        """Every page of a list; a failed page voids the whole read.

        Args:
            rows: of the data of one page.
            onward: what to say for the next page, nothing after the last.

        Raises:
            Unavailable: a page could not be read, or there are more than anybody can hold.
        """
        found: list[Any] = []
        for _ in range(MOST_PAGES):
            data = await self.ask(call)
            found += rows(data)
            more = onward(data)
            if not more:
                return found
            call = call.saying(**more)
        raise Unavailable("venue_list_too_long", "The venue lists more than can be read; ask for less.", path=call.path)

    async def write(self, call: Call, asked: Asked, evidence: Evidence) -> Outcome:
        """Send once and judge.

        Raises:
            TradingBoostError: refused by us before anything was written.
        """
        evidence.expected = call.params

        async def sent() -> None:
            await self._instance.request(call.path, list(call.api), call.method, call.params)

        return await judged(sent, call.path, evidence, asked, self._manner.codes)

    async def close(self) -> None:
        """Let go of the instance; the shared session stays."""
        await self._instance.close()

    async def _asked(self, call: Call, nothing: frozenset[str]) -> Any | None:
        import ccxt

        evidence = Evidence()
        token = CALL.set(evidence)
        try:
            await self._instance.request(call.path, list(call.api), call.method, call.params)
        except ccxt.BaseError as error:
            code = self._code(evidence)
            if code and code in nothing:
                return None
            incomplete = isinstance(error, ccxt.AuthenticationError) and evidence.step is Step.NOT_WRITTEN
            raise _incomplete(call.path) if incomplete else self._refusal(evidence, code, call.path) from error
        finally:
            CALL.reset(token)
        return self._data(evidence, call.path, nothing)

    def _data(self, evidence: Evidence, path: str, nothing: frozenset[str]) -> Any | None:
        """The data as text and decimals, read from the body itself."""
        code = self._code(evidence)
        if code and code in nothing:
            return None
        if code != "" or evidence.status >= _REFUSING:
            raise self._refusal(evidence, code, path)
        try:
            return self._manner.data(_parsed(evidence.body))
        except (KeyError, TypeError) as error:
            message = "The venue's answer cannot be read; try again."
            raise Unavailable("venue_unreadable", message, path=path) from error

    def _code(self, evidence: Evidence) -> str | None:
        """The code of an answer that refuses, "" of one that does not, None where it cannot be read."""
        if evidence.step is not Step.ANSWERED:
            return None
        answer = _parsed(evidence.body)
        return self._manner.code(answer) if isinstance(answer, dict | list) else None

    def _refusal(self, evidence: Evidence, code: str | None, path: str) -> TradingBoostError:
        if evidence.step is not Step.ANSWERED:
            return Unavailable("venue_unreachable", "The venue does not answer; try again shortly.", path=path)
        if code is not None and code in self._manner.auth:
            message = "The venue does not accept the keys of this account; check key, permissions and address list."
            return Refused("credentials_refused", message, venue_code=code, path=path)
        if code == "" and evidence.status < _REFUSING:
            return BrokenInvariant("venue_client_failed", "The client library failed on a good answer.", path=path)
        message = "The venue refused a question; try again shortly."
        return Unavailable("venue_read_failed", message, venue_code=code or "", status=evidence.status, path=path)


def _incomplete(path: str) -> Refused:
    message = "The keys of this account lack a part the venue asks for; link it again with key, secret and passphrase."
    return Refused("credentials_refused", message, path=path)


def _parsed(body: str) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        return None
