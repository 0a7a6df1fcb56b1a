"""How long a position stood without a stop for all of it, seen at the exchange itself, with us dead or alive."""

import asyncio
from decimal import Decimal
from typing import Any, Final

from tradingboost.core.money import ZERO
from tradingboost.kit.clock import Clock
from tradingboost.shared.interfaces.users import Account
from tradingboost.simulator.client import AdminClient

_EVERY_S: Final = 0.25


class Watch:
    """Looks at every leg of some accounts, four times a second.

    Args:
        accounts: whose; may grow while it watches.
    """

    def __init__(self, admin: AdminClient, accounts: list[Account], clock: Clock) -> None:
        self._admin = admin
        self._accounts = accounts
        self._clock = clock
        self._since: dict[str, float] = {}
        self._dark = False
        self.longest_s = 0.0
        """The longest time without cover while the platform was up."""
        self.longest_dark_s = 0.0
        """The longest while nobody of ours was there: resting entries fill then, too."""

    def turn(self, *, dark: bool) -> None:
        """The platform died, or is back; times are counted anew."""
        self._dark = dark
        self._since.clear()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_S)

    async def look(self) -> list[str]:
        """One look; what is not covered now, one line a leg."""
        found: list[str] = []
        now = self._clock.monotonic()
        for account in list(self._accounts):
            bare = uncovered(await self._admin.truth(account.exchange_uid))
            found += [f"{account.label}: {line}" for line in bare.values()]
            names = {f"{account.exchange_uid} {leg}" for leg in bare}
            for name in names:
                since = self._since.setdefault(name, now)
                if self._dark:
                    self.longest_dark_s = max(self.longest_dark_s, now - since)
                else:
                    self.longest_s = max(self.longest_s, now - since)
            for name in [one for one in self._since if one.startswith(account.exchange_uid) and one not in names]:
                del self._since[name]
        return found


def uncovered(truth: dict[str, Any]) -> dict[str, str]:
    """Legs that have less live stop than position, by name."""
    live = [row["text"] for row in truth["algos"] if row["text"]["state"] == "live" and row["text"]["slTriggerPx"]]
    found: dict[str, str] = {}
    for row in (one["text"] for one in truth["positions"]):
        held = Decimal(row["pos"])
        if held == 0:
            continue
        long = held > 0 if row["posSide"] == "net" else row["posSide"] == "long"
        closing = "sell" if long else "buy"
        same = [stop for stop in live if (stop["side"], stop["instId"]) == (closing, row["instId"])]
        covered = sum((Decimal(stop["sz"]) for stop in same if stop["posSide"] in (row["posSide"], "")), ZERO)
        if covered < abs(held):
            leg = f"{row['instId']} {row['posSide']}"
            found[leg] = f"{leg} holds {held} and has stops for {covered}"
    return found
