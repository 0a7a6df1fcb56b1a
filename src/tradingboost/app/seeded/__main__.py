"""`python -m tradingboost.app.seeded --first 1 --count 300`: seeds on a database made for them."""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tradingboost.app.schemas import all_schemas
from tradingboost.app.seeded.running import OPERATIONS, SeedResult, run_seeds
from tradingboost.kit import embedded
from tradingboost.kit.db import Database
from tradingboost.kit.migrations import upgrade


async def _played(first: int, count: int, operations: int) -> list[SeedResult]:
    with tempfile.TemporaryDirectory(prefix="tradingboost-seeded-") as folder:
        async with embedded.servers(Path(folder), durable=False) as found:
            db = Database.open(found.db_url)
            try:
                await upgrade(db, all_schemas())
                return await run_seeds(first, count, db, operations=operations, told=_told)
            finally:
                await db.close()


def _told(one: SeedResult) -> None:
    """A broken seed names itself, so that it can be played again."""
    said = "ok" if one.ok else "; ".join(one.broken)
    sys.stdout.write(f"seed {one.seed} {one.digest[:12]} {one.events} events {one.seconds} s {said}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 1 when a seed is broken."""
    words = argparse.ArgumentParser(description="Play seeds of the money path.")
    words.add_argument("--first", type=int, default=1, help="the first seed")
    words.add_argument("--count", type=int, default=20, help="how many")
    words.add_argument("--operations", type=int, default=OPERATIONS, help="operations of each")
    wanted = words.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )  # what fails is the point
    results = asyncio.run(_played(wanted.first, wanted.count, wanted.operations))
    return 0 if all(one.ok for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
