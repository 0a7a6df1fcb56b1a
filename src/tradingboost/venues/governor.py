"""The rate governor: every request to a venue passes here, takes room in its windows, and waits or is shed without it.

Windows of a credential are counted in this process, which holds the account's lease; windows of an address are shared
by all processes. What a venue answers closes windows: entries and data stay away, what protects asks now and then.
"""

import math
from collections.abc import Iterable
from typing import Final

import msgspec
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.core.ids import Venue
from tradingboost.kit.clock import Clock
from tradingboost.kit.ratelimit import SharedWindows, Window
from tradingboost.venues.lanes import FLOOR_PCT, LONGEST_S, SHED, Lane
from tradingboost.venues.limits import DIALS, Limit, Scope
from tradingboost.venues.requests import Request, Said

log = structlog.get_logger(__name__)

_FIRST_S: Final = 2.0
_LONGEST_CLOSED_S: Final = 60.0
_MOST_TOLD_S: Final = 7 * 86_400.0
_PROBE_S: Final = 2.0
_RESTING_S: Final = 30.0
_SAME_S: Final = 1.5
"""Refusals this close together are answers to what was on its way, and one no."""
_SWEEP_AT: Final = 1_000
Key = tuple[str, ...]
Drawing = list[tuple[Key, Limit, int]]


class Closed:
    """A window the venue has said no for."""

    def __init__(self) -> None:
        self.until_s = 0.0
        self.backoff_s = 0.0
        self.probe_at_s = 0.0
        self.said_s = -math.inf
        self.told = False
        """The venue itself named the time, so a lucky probe does not open it earlier."""

    def again(self, now_s: float, told_s: float | None) -> None:
        """The venue said no (once more)."""
        if told_s is None and now_s < self.until_s and now_s - self.said_s < _SAME_S:
            return
        self.said_s = now_s
        self.backoff_s = min(_LONGEST_CLOSED_S, self.backoff_s * 2 or _FIRST_S)
        self.told = told_s is not None
        span_s = self.backoff_s if told_s is None else min(told_s, _MOST_TOLD_S)
        self.until_s = max(self.until_s, now_s + span_s)
        self.probe_at_s = now_s + _PROBE_S


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """One closed window, for people.

    Args:
        window: its name at the venue.
    """

    window: str
    seconds_left: float


class VenueState(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue treats us.

    Args:
        banned_s: seconds a ban lasts on, 0 without one.
        resting: it is under maintenance.
        sent, waited, shed: requests by lane since the start.
    """

    venue: Venue
    banned_s: float
    resting: bool
    closed: list[Closure]
    sent: dict[str, int]
    waited: dict[str, int]
    shed: dict[str, int]


class Governor:
    """One a process.

    Args:
        shared: windows of this address; None = they are counted here.
        scale: factor on every limit, 0 = none; None = 1, and none for an address of this machine
            (a simulated exchange).
    """

    def __init__(self, clock: Clock, shared: SharedWindows | None = None, scale: float | None = None) -> None:
        self._clock = clock
        self._shared = shared
        self._scale = scale
        self._windows: dict[Key, Window] = {}
        self._closed: dict[Key, Closed] = {}
        self._banned: dict[Venue, Closed] = {}
        self._resting: dict[tuple[Venue, str], float] = {}
        self._counts: dict[tuple[Venue, str], dict[str, int]] = {}
        self._sweep_at = _SWEEP_AT

    async def admit(self, request: Request, lane: Lane, deadline_s: float | None = None) -> None:
        """Return once the request may leave.

        Args:
            deadline_s: monotonic second after which it may not.

        Raises:
            Unavailable: `rate_limited`, `rate_banned` or `venue_maintenance`; nothing was written.
        """
        begun_s = self._clock.monotonic()
        latest_s = begun_s + LONGEST_S[lane]
        if deadline_s is not None:
            latest_s = deadline_s if lane is Lane.PROTECT else min(latest_s, deadline_s)
        waited, windows = False, request.windows()
        while True:
            now_s = self._clock.monotonic()
            wait_s = self._wait_s(request, lane, windows, now_s)
            if wait_s <= 0 and (wait_s := await self._drawn(request, lane, windows)) <= 0:
                self._count(request.venue, "sent", lane)
                return
            if now_s + wait_s > latest_s:
                self._count(request.venue, "shed", lane)
                raise self._no_room(request, lane)
            if not waited:
                self._count(request.venue, "waited", lane)
            waited = True
            await self._clock.sleep(wait_s)

    async def dial(self, venue: Venue, here: bool) -> None:
        """Return once another socket may be opened from this address."""
        factor = self._factor(here)
        while factor:
            now_s = self._clock.monotonic()
            wait_s = self._window((venue, DIALS.name), DIALS).wait_s(1, DIALS.most, now_s)
            if wait_s <= 0:
                wait_s = await self._from_address(venue, DIALS.name, DIALS, 1, DIALS.most)
            if wait_s <= 0:
                self._window((venue, DIALS.name), DIALS).take(1, now_s)
                return
            await self._clock.sleep(wait_s)

    def answered(self, request: Request, said: Said, told_s: float | None) -> None:
        """The venue has answered.

        Args:
            told_s: seconds it asks us to stay away, None when it does not say.
        """
        now_s = self._clock.monotonic()
        if said.banned:
            self._banned.setdefault(request.venue, Closed()).again(now_s, told_s)
            log.error("venue_banned_us", venue=request.venue, path=request.path, retry_after_s=told_s)
        elif said.rate:
            for key in self._meant(request, said):
                self._closed.setdefault(key, Closed()).again(now_s, told_s)
            log.warning("venue_rate_limited", venue=request.venue, path=request.path, code=said.code)
        elif said.resting:
            self._resting[request.venue, request.path] = now_s + _RESTING_S
        else:
            self._resting.pop((request.venue, request.path), None)
            self._works(request, now_s)

    def hindrance(self, venue: Venue) -> tuple[str, str] | None:
        """(code, sentence) why nothing opens at a venue now."""
        now_s = self._clock.monotonic()
        banned = self._banned.get(venue)
        if banned is not None and now_s < banned.until_s:
            left = math.ceil(banned.until_s - now_s)
            return (
                "rate_banned",
                f"{venue} does not take requests from this address for {left} s more; stops rest there.",
            )
        if any(name == venue and now_s < until_s for (name, _), until_s in self._resting.items()):
            return "venue_maintenance", f"{venue} is under maintenance; nothing opens until it answers again."
        return None

    def state(self, venue: Venue) -> VenueState:
        """For people."""
        now_s = self._clock.monotonic()
        banned = self._banned.get(venue)
        hindered = self.hindrance(venue)
        counts = {kind: dict(self._counts.get((venue, kind), {})) for kind in ("sent", "waited", "shed")}
        return VenueState(
            venue=venue,
            banned_s=max(0.0, banned.until_s - now_s) if banned else 0.0,
            resting=hindered is not None and hindered[0] == "venue_maintenance",
            closed=[
                Closure(window=":".join(part for part in key[1:] if part), seconds_left=round(one.until_s - now_s, 1))
                for key, one in self._closed.items()
                if key[0] == venue and now_s < one.until_s
            ],
            **counts,
        )

    def _wait_s(self, request: Request, lane: Lane, windows: Drawing, now_s: float) -> float:
        """Seconds until it may be tried; 0 = now, infinite = it is shed."""
        if lane is Lane.ENTRY and self.hindrance(request.venue) is not None:
            return math.inf
        closed = [self._banned.get(request.venue), *(self._closed.get(key) for key, _, _ in windows)]
        waits = [self._until_open(one, lane, now_s) for one in closed if one is not None and now_s < one.until_s]
        factor = self._factor(request.here)
        if factor:
            for key, limit, cost in windows:
                if limit.scope is not Scope.IP or self._shared is None:
                    most = _most(limit, lane, factor)
                    waits.append(self._window(key, limit).wait_s(cost, most, now_s))
        return max(waits, default=0.0)

    def _until_open(self, one: Closed, lane: Lane, now_s: float) -> float:
        if lane in SHED:
            return one.until_s - now_s
        return max(0.0, min(one.probe_at_s, one.until_s) - now_s)

    async def _drawn(self, request: Request, lane: Lane, windows: Drawing) -> float:
        """Draw from every window at once; else seconds until that may work."""
        factor = self._factor(request.here)
        for key, limit, cost in windows if factor and self._shared is not None else ():
            if limit.scope is Scope.IP:
                wait_s = await self._from_address(request.venue, key[1], limit, cost, _most(limit, lane, factor))
                if wait_s > 0:
                    return wait_s
        now_s = self._clock.monotonic()
        wait_s = self._wait_s(request, lane, windows, now_s)  # somebody may have been faster while we asked
        if wait_s > 0:
            return wait_s
        for key, limit, cost in windows if factor else ():
            if limit.scope is not Scope.IP or self._shared is None:
                self._window(key, limit).take(cost, now_s)
        for one in [self._banned.get(request.venue), *(self._closed.get(key) for key, _, _ in windows)]:
            if one is not None and now_s < one.until_s:
                one.probe_at_s = now_s + _PROBE_S
        return 0.0

    async def _from_address(self, venue: Venue, name: str, limit: Limit, cost: int, most: int) -> float:
        if self._shared is None:
            return 0.0
        drawn = await self._shared.take(venue, name, most, limit.period_s, cost)
        if drawn is not None:
            return drawn.wait_s
        now_s = self._clock.monotonic()
        mine = self._window((venue, name, "mine"), limit)
        wait_s = mine.wait_s(cost, max(cost, most // self._shared.sharers), now_s)
        if wait_s <= 0:
            mine.take(cost, now_s)
        return wait_s

    def _works(self, request: Request, now_s: float) -> None:
        """A good answer: a closure the venue put no time to ends, one that is over is forgotten."""
        if not self._closed and not self._banned:
            return
        for key, _, _ in request.windows():
            one = self._closed.get(key)
            if one is not None and (not one.told or now_s >= one.until_s):
                del self._closed[key]
        banned = self._banned.get(request.venue)
        if banned is not None and now_s >= banned.until_s:
            del self._banned[request.venue]

    def _meant(self, request: Request, said: Said) -> Iterable[Key]:
        """The window a refusal is about: the account's where the code says so, else the narrowest."""
        windows = request.windows()
        wide = request.rules.account_wide.get(said.code)
        return [key for key, _, _ in windows if key[1] == wide] or [key for key, _, _ in windows[:1]]

    def _no_room(self, request: Request, lane: Lane) -> Unavailable:
        hindered = self.hindrance(request.venue)
        if hindered is not None:
            return Unavailable(*hindered, venue=request.venue)
        message = f"{request.venue} has no room for more requests of this kind right now; try again in a few seconds."
        return Unavailable("rate_limited", message, venue=request.venue, lane=lane.value)

    def _window(self, key: Key, limit: Limit) -> Window:
        found = self._windows.get(key)
        if found is None:
            if len(self._windows) >= self._sweep_at:
                self._sweep()
            found = self._windows[key] = Window(limit.period_s)
        return found

    def _sweep(self) -> None:
        """Forget windows nobody has used for their whole length."""
        now_s = self._clock.monotonic()
        self._windows = {key: one for key, one in self._windows.items() if one.used(now_s)}
        self._closed = {key: one for key, one in self._closed.items() if now_s < one.until_s}
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._windows))

    def _factor(self, here: bool) -> float:
        if self._scale is not None:
            return self._scale
        return 0.0 if here else 1.0

    def _count(self, venue: Venue, kind: str, lane: Lane) -> None:
        counts = self._counts.setdefault((venue, kind), {})
        counts[lane.value] = counts.get(lane.value, 0) + 1


def _most(limit: Limit, lane: Lane, factor: float) -> int:
    """What the lane may use of a window."""
    whole = max(1, int(limit.most * factor))
    return max(1, whole * (100 - FLOOR_PCT[lane]) // 100) if limit.reserved else whole
