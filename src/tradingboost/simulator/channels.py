"""What can be subscribed to, where, and with which argument."""

from typing import Any, Final

import msgspec

from tradingboost.sim.bars import BARS
from tradingboost.simulator.envelope import ApiError

PATHS: Final = ("public", "private", "business")


class Channel(msgspec.Struct, frozen=True):
    """One channel: its address, the argument field it is keyed by and whether it needs a login."""

    path: str
    key: str
    private: bool = False
    login: bool = False


_PUBLIC: Final = [
    "tickers",
    "mark-price",
    "index-tickers",
    "price-limit",
    "open-interest",
    "funding-rate",
    "trades",
    "books",
    "books5",
    "bbo-tbt",
]
CHANNELS: Final[dict[str, Channel]] = {
    **{name: Channel("public", "instId") for name in _PUBLIC},
    "books50-l2-tbt": Channel("public", "instId", login=True),
    "books-l2-tbt": Channel("public", "instId", login=True),
    "instruments": Channel("public", "instType"),
    "status": Channel("public", ""),
    "trades-all": Channel("business", "instId"),
    "account": Channel("private", "", private=True),
    "balance_and_position": Channel("private", "", private=True),
    "positions": Channel("private", "instType", private=True),
    "orders": Channel("private", "instType", private=True),
    "fills": Channel("private", "", private=True),
    "orders-algo": Channel("business", "instType", private=True),
    "algo-advance": Channel("business", "instType", private=True),
    **{
        f"{kind}{bar}": Channel("business", "instId")
        for kind in ("candle", "mark-price-candle", "index-candle")
        for bar in BARS
    },
}

BOOK_DEPTH: Final = {"books": 400, "books-l2-tbt": 400, "books50-l2-tbt": 50, "books5": 5, "bbo-tbt": 1}


def check(arg: dict[str, Any], path: str, *, logged_in: bool) -> Channel:
    """The channel of an argument.

    Raises:
        ApiError: unknown, on another address, incomplete or not logged in.
    """
    name = arg.get("channel")
    found = CHANNELS.get(name) if isinstance(name, str) else None
    if found is None:
        raise ApiError("60018", f"Wrong URL or channel:{name} doesn't exist. Please use the correct URL, channel.")
    if found.path != path:
        code = "64001" if found.path == "business" else ("64002" if path == "business" else "60018")
        raise ApiError(code)
    if (found.private or found.login) and not logged_in:
        raise ApiError("60011")
    if found.key and not isinstance(arg.get(found.key), str):
        raise ApiError("60013", f"Invalid args: {found.key} is missing.")
    return found
