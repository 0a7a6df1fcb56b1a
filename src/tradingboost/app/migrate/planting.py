"""Writing generated keys into a Redis of their own."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from tradingboost.app.migrate.generated import Content, Made
from tradingboost.kit.redis import Redis

_PAGE: Final = 200


async def planted(redis: Redis, made: Iterable[Made]) -> int:
    """Write generated keys; how many."""
    count, waiting = 0, iter(made)
    while page := list(islice(waiting, _PAGE)):
        async with redis.context("pipeline") as client, client.pipeline(transaction=False) as pipe:
            for one in page:
                _plant(pipe, one.key, one.content)
            await pipe.execute()
        count += len(page)
    return count


def _plant(pipe: Any, key: str, content: Content) -> None:
    if isinstance(content, str):
        pipe.set(key, content)
    elif isinstance(content, dict):
        pipe.hset(key, mapping=content)
    elif isinstance(content, list):
        pipe.rpush(key, *content)
    elif isinstance(content, set):
        pipe.sadd(key, *sorted(content))
    else:
        for entry in content:
            pipe.xadd(key, {"entry": entry})
