"""What a request to a venue is about, read from the request itself: no adapter has to say it, so none can forget."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from yarl import URL

from tradingboost.core.ids import Venue
from tradingboost.venues.lanes import Lane
from tradingboost.venues.limits import OTHER, RULES, Limit, Rules, Scope

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_INSTRUMENT: Final = ("instId", "symbol", "market")
_CODE: Final = re.compile(r'"(?:code|sCode|retCode)"\s*:\s*"?(-?\d+)')
HEAD: Final = 600
"""Codes stand at the beginning of an answer: so many bytes of it are looked at."""
_TOO_MANY: Final = (418, 429)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Args:
        path: from the venue's own mark on, without the leading slash.
        credential: a short name for whose keys sign it, "" = nobody's.
        items: orders in a batch, else 1.
        here: the address is this machine's, so no venue of the world.
    """

    venue: Venue
    method: str
    path: str
    credential: str
    instrument: str
    items: int
    here: bool

    @property
    def name(self) -> str:
        """As the tables call it."""
        return f"{self.method} {self.path}"

    @property
    def rules(self) -> Rules:
        """The venue's table."""
        return RULES.get(self.venue, OTHER)

    @property
    def lane(self) -> Lane:
        """Where it goes when nobody has said."""
        if self.method == "GET":
            return Lane.DATA
        return Lane.CANCEL if self.method == "DELETE" or "cancel" in self.path else Lane.ENTRY

    def windows(self) -> list[tuple[tuple[str, ...], Limit, int]]:
        """(key, limit, cost) of every window it draws from."""
        found = []
        for limit, cost in self.rules.draws(self.name, self.items, bool(self.credential)):
            name = (limit.name or self.path).lower()
            key: tuple[str, ...] = (self.venue, name)
            if limit.scope is not Scope.IP:
                key += (self.credential,)
            if limit.scope is Scope.INSTRUMENT:
                key += (self.instrument,)
            found.append((key, limit, cost * self.items))
        return found


class Said(msgspec.Struct, frozen=True):
    """What an answer says about the venue's patience.

    Args:
        rate: too many; `code` says of what.
        banned: too many for too long.
    """

    code: str
    rate: bool = False
    banned: bool = False
    clock: bool = False
    resting: bool = False

    @property
    def good(self) -> bool:
        """The venue works and has room."""
        return not (self.rate or self.banned or self.clock or self.resting)


def read(method: str, url: URL, headers: Mapping[str, str] | None, body: Any) -> Request:
    """Read a request that is about to leave."""
    venue, rules, path = _venue(url.path)
    text = bytes(body) if isinstance(body, bytes | bytearray) else str(body or "").encode()
    rows = _rows(text)
    named = rows[0] if rows else url.query
    instrument = next((str(named[key]) for key in _INSTRUMENT if named.get(key)), "")
    return Request(
        venue=venue,
        method=method,
        path=path,
        credential=_credential(_header(headers, rules.key_header)),
        instrument=instrument,
        items=max(len(rows), 1),
        here=url.host in _LOOPBACK,
    )


def dialled(url: URL) -> tuple[Venue, bool]:
    """Whose socket an address is, and whether it is on this machine."""
    host = url.host or ""
    named = (venue for venue in RULES if venue.removesuffix("usdm") in host)
    return next(named, Venue("other")), host in _LOOPBACK


def judge(request: Request, status: int, head: str) -> Said:
    """What the answer says, by the venue's own words.

    Args:
        head: its first bytes.
    """
    rules = request.rules
    codes = _CODE.findall(head)
    code = next((one for one in reversed(codes) if one not in ("0", "1", "2")), "")
    if status == 418 or code in rules.banned:
        return Said(code, banned=True)
    if code in rules.resting or (status == 503 and not code):
        return Said(code, resting=True)
    if status in _TOO_MANY or code in rules.rate:
        return Said(code, rate=True)
    return Said(code, clock=code in rules.clock)


@lru_cache(maxsize=1024)
def _venue(path: str) -> tuple[Venue, Rules, str]:
    for venue, rules in RULES.items():
        for mark in rules.marks:
            at = path.find(mark)
            if at >= 0:
                return venue, rules, path[at:].lstrip("/")
    return Venue("other"), OTHER, path.lstrip("/")


def _rows(body: bytes) -> list[dict[str, Any]]:
    if body[:1] not in (b"{", b"["):
        return []
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return []
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _header(headers: Mapping[str, str] | None, name: str) -> str:
    return str((headers or {}).get(name) or "") if name else ""


@lru_cache(maxsize=4096)
def _credential(value: str) -> str:
    """A short name; a bearer token is another one each time, its payload names the key."""
    if not value:
        return ""
    parts = value.removeprefix("Bearer ").split(".")
    if len(parts) == 3:
        try:
            payload = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            value = str(payload.get("access_key") or value)
        except (msgspec.DecodeError, binascii.Error, ValueError, AttributeError):
            value = parts[0]
    return hashlib.blake2b(value.encode(), digest_size=8).hexdigest()
