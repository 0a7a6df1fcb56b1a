"""Jobs of the tests: they count, and every number is a row that may be written only once."""

import asyncio
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.db import Database
from tradingboost.kit.jobs.piece import Done, Kind, Piece, Unfinished
from tradingboost.kit.jobs.worker import Periodic

CREATE: Final = text("CREATE TABLE counted (job uuid, number int, owner text, PRIMARY KEY (job, number))")
COUNT: Final = text("INSERT INTO counted VALUES (:job, :number, :owner)")
COUNTED: Final = text("SELECT number, owner FROM counted WHERE job = :job ORDER BY number")


async def count(piece: Piece) -> Done | Unfinished:
    """One number after the other, each a chunk of `pause_s`."""
    to = int(piece.args["to"])
    for number in range(int(piece.cursor or 0), to):
        if piece.stopped():
            return Unfinished()
        await asyncio.sleep(float(piece.args.get("pause_s", 0)))
        piece.tell(number, to, f"number {number}")

        async def note(connection: AsyncConnection, number: int = number) -> None:
            await connection.execute(COUNT, {"job": piece.job.id, "number": number, "owner": piece.job.owner})

        await piece.keep(number + 1, done=number + 1, total=to, effect=note)
    return Done({"counted": to})


async def compute(piece: Piece) -> Done | Unfinished:
    """Work of another thread, which looks whether it should stop."""

    def burn() -> bool:
        event = asyncio.Event()
        for _ in range(10_000):
            if piece.stopped():
                return False
            event.is_set()
        return True

    while not await asyncio.to_thread(burn):
        return Unfinished()
    return Done()


async def fail(piece: Piece) -> Done | Unfinished:
    """It breaks as the arguments say."""
    match piece.args["how"]:
        case "away":
            raise Unavailable("venue_down", "The exchange does not answer.")
        case "wrong":
            raise InvalidInput("bad_range", "That range holds no candles; take another.")
    raise ZeroDivisionError


def checked(args: dict[str, Any]) -> dict[str, Any]:
    """`to` is a must."""
    if "to" not in args:
        raise InvalidInput("bad_job", "Say how far to count: to=10.")
    return args


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("count", "celery", count, checked=checked),
        Kind("compute", "optimise", compute, long=True),
        Kind("fail", "scheduled", fail),
    )
}
SCHEDULE: Final = (Periodic("count", 3600, args={"to": 1}),)


async def counted(database: Database, job_id: object) -> list[tuple[int, str]]:
    """(number, who counted it), in order."""
    async with database.read() as connection:
        return [(row.number, row.owner) for row in await connection.execute(COUNTED, {"job": job_id})]
