"""Keys of the jobs' database: queues are ours by name, everything else is as Celery keeps it.

`unacked`, `unacked_index` and the bindings carry no TTL because Celery gives them none; all of it may be lost.
"""

import re
from typing import Final

from tradingboost.kit.keys import Pattern, RedisType

DEFAULT_QUEUE: Final = "celery"
QUEUES: Final = (
    DEFAULT_QUEUE,
    "notifications",
    "scheduled",
    "backtests",
    "optimise",
    "hyperrsi_queue",
    "grid_queue",
)
RESULT_S: Final = 3600


def _row(text: str, type_: RedisType, ttl_s: int | None, owner: str = "celery") -> Pattern:
    return Pattern(text=text, type=type_, ttl_s=ttl_s, owner=owner)


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ROWS: Final = (
    *((name, _row(name, RedisType.LIST, None, "jobs")) for name in QUEUES),
    (f"(?:{'|'.join(QUEUES)})\x06\x16[0-9]", _row("{queue} by priority", RedisType.LIST, None, "jobs")),
    (f"celery-task-meta-{_UUID}", _row("celery-task-meta-{id}", RedisType.STRING, RESULT_S)),
    (f"celery-taskset-meta-{_UUID}", _row("celery-taskset-meta-{id}", RedisType.STRING, RESULT_S)),
    ("unacked", _row("unacked", RedisType.HASH, None)),
    ("unacked_index", _row("unacked_index", RedisType.SORTED_SET, None)),
    ("unacked_mutex", _row("unacked_mutex", RedisType.STRING, 300)),
    (r"_kombu\.binding(?:_permanent)?\.[\w.-]+", _row("_kombu.binding.{exchange}", RedisType.SET, None)),
    (r"_kombu\.binding_deadlines", _row("_kombu.binding_deadlines", RedisType.SORTED_SET, None)),
    (r"[\w@.-]+\.reply\.celery\.pidbox", _row("{id}.reply.celery.pidbox", RedisType.LIST, 300)),
    (r"[\w@.-]+\.celery\.pidbox", _row("{worker}.celery.pidbox", RedisType.LIST, 300)),
    (r"celeryev\.[\w.-]+", _row("celeryev.{id}", RedisType.LIST, 300)),
)


def jobs_pattern_of(key: str) -> Pattern | None:
    """The pattern of a key of the jobs' database; None for a stranger. It cannot be built or parsed: Celery does."""
    return next((pattern for form, pattern in _ROWS if re.fullmatch(form, key)), None)


def jobs_patterns() -> tuple[Pattern, ...]:
    """Every pattern of the jobs' database."""
    return tuple(pattern for _, pattern in _ROWS)
