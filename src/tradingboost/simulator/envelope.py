"""The outer shape of every answer: code, message, data."""

from typing import Any

import orjson

from tradingboost.simulator.codes import message as sentence


class ApiError(Exception):
    """A refusal in the venue's words.

    Args:
        code: the venue's code, for example `50111`.
        message: replaces the code's usual sentence.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str | None = None, *, status: int = 200) -> None:
        super().__init__(code)
        self.code = code
        self.message = sentence(code) if message is None else message
        self.status = status


class Reply:
    """Rows with something beside them: another top code, or the order times.

    Args:
        rows: the `data` list.
        timed: add `inTime` and `outTime` (trade POSTs).
    """

    __slots__ = ("code", "message", "rows", "timed")

    def __init__(self, rows: list[Any], *, code: str = "0", message: str = "", timed: bool = False) -> None:
        self.rows = rows
        self.code = code
        self.message = message
        self.timed = timed


def dump(value: object) -> bytes:
    """JSON bytes, keys in the order they were written."""
    return orjson.dumps(value)


def wrap(rows: list[Any]) -> bytes:
    return orjson.dumps({"code": "0", "msg": "", "data": rows})


def refusal(error: ApiError) -> bytes:
    return orjson.dumps({"code": error.code, "msg": error.message, "data": []})
