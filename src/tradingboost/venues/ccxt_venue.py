"""Raw calls through a client-library instance, the same for every venue.

A read fails aloud and is never an empty list because it failed; a write leaves evidence and is judged by
`venues.outcome` and by nothing else.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from tradingboost.core.errors import BrokenInvariant, Refused, TradingBoostError, Unavailable
from tradingboost.shared.interfaces.exchange import Outcome
from tradingboost.venues.evidence import CALL, Evidence, Step
from tradingboost.venues.outcome import OKX_CODES, Asked, Codes, Verdict, classify, classify_all, code_of

log = structlog.get_logger(__name__)

PAGE: Final = 100
_MOST_PAGES: Final = 200
Row = dict[str, Any]


class Caller:
    """Raw calls of one instance.

    Args:
        instance: of the client library; `request(path, [api], method, params)` is all that is used.
        private: signed with the account's keys.
    """

    def __init__(self, instance: Any, *, private: bool) -> None:
        self._instance = instance
        self._private = private

    async def rows(self, path: str, params: Mapping[str, Any] | None = None, absent: tuple[str, ...] = ()) -> list[Any]:
        """The data of a GET.

        Args:
            absent: codes that say "there is no such thing", answered with an empty list.

        Raises:
            Refused: the venue does not accept the keys.
            Unavailable: it could not be read.
        """
        return await self.call("GET", path, dict(params or {}), absent)

    async def call(self, method: str, path: str, params: Any, absent: tuple[str, ...] = ()) -> list[Any]:
        """As `rows`, for any method; a POST only where repeating it changes nothing."""
        import ccxt

        evidence = Evidence()
        token = CALL.set(evidence)
        try:
            answer = await self._instance.request(path, [self._access(path)], method, params)
        except ccxt.BaseError as error:
            return _absent_or_raise(evidence, path, absent, error)
        finally:
            CALL.reset(token)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or answer.get("code") != "0":
            raise Unavailable("venue_unreadable", "The venue's answer cannot be read; try again.", path=path)
        return data

    async def pages(self, path: str, params: Mapping[str, Any], id_field: str) -> list[Row]:
        """Every page of a list, newest first; a failed page voids the whole read.

        Raises:
            Unavailable: a page could not be read, or there are more than anybody can hold.
        """
        found: list[Row] = []
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = await self.rows(path, {**params, "limit": str(PAGE), **after})
            found += page
            if len(page) < PAGE:
                return found
            after = {"after": str(page[-1][id_field])}
        raise Unavailable("venue_list_too_long", "The venue lists more than can be read; ask for less.", path=path)

    async def write(self, path: str, body: Any, evidence: Evidence, asked: Asked) -> Outcome:
        """Send once and judge.

        Raises:
            TradingBoostError: refused by us before anything was written.
        """

        async def sent() -> None:
            await self._instance.request(path, ["private"], "POST", body)

        return await judged(sent, path, evidence, asked, OKX_CODES)

    async def write_all(self, path: str, body: Any, evidence: Evidence, asked: Sequence[Asked]) -> list[Outcome]:
        """Send several items in one request, once, and judge each.

        Raises:
            TradingBoostError: refused by us before anything was written.
        """

        async def sent() -> None:
            await self._instance.request(path, ["private"], "POST", body)

        await _sent(sent, path, evidence)
        return [_told(verdict, path, evidence) for verdict in classify_all(evidence, asked, OKX_CODES)]

    async def close(self) -> None:
        """Let go of the instance; the shared session stays."""
        await self._instance.close()

    def _access(self, path: str) -> str:
        return "public" if path.startswith(("public/", "market/")) or not self._private else "private"


async def judged(
    send: Callable[[], Awaitable[None]], path: str, evidence: Evidence, asked: Asked, codes: Codes
) -> Outcome:
    """Send once and judge, by the evidence alone.

    Raises:
        TradingBoostError: refused by us before anything was written.
    """
    await _sent(send, path, evidence)
    return _told(classify(evidence, asked, codes), path, evidence)


async def _sent(send: Callable[[], Awaitable[None]], path: str, evidence: Evidence) -> None:
    import ccxt

    token = CALL.set(evidence)
    try:
        await send()
    except ccxt.BaseError as error:
        log.debug("venue_write_raised", path=path, error=type(error).__name__)
    except Unavailable as error:  # our own fence; what it means is in the evidence
        log.info("venue_write_fenced", path=path, code=error.code)
    except Exception:  # whatever broke: after the first byte only the evidence counts
        if evidence.step is Step.NOT_WRITTEN:
            raise
        log.exception("venue_client_failed", path=path)
    finally:
        CALL.reset(token)


def _told(verdict: Verdict, path: str, evidence: Evidence) -> Outcome:
    if verdict.unmapped:
        log.error("unmapped_outcome", path=path, venue_code=verdict.outcome.code, status=evidence.status)
        return msgspec.structs.replace(verdict.outcome, unmapped=True)
    return verdict.outcome


def _absent_or_raise(evidence: Evidence, path: str, absent: tuple[str, ...], error: Exception) -> list[Any]:
    found = _refusal(evidence, path, absent)
    if found is None:
        return []
    raise found from error


def _refusal(evidence: Evidence, path: str, absent: tuple[str, ...]) -> TradingBoostError | None:
    if evidence.step is not Step.ANSWERED:
        return Unavailable("venue_unreachable", "The venue does not answer; try again shortly.", path=path)
    code = code_of(evidence.body)
    if code in absent:
        return None
    if code is not None and code.startswith("501") and code != "50102":
        message = "The venue does not accept the keys of this account; check key, permissions and address list."
        return Refused("credentials_refused", message, venue_code=code, path=path)
    if code == "0":
        return BrokenInvariant("venue_client_failed", "The client library failed on a good answer.", path=path)
    message = "The venue refused a question; try again shortly."
    return Unavailable("venue_read_failed", message, venue_code=code or "", status=evidence.status, path=path)
