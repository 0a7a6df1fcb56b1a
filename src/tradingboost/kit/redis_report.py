"""Every key against the registry: Valid, Legacy or Unknown, and where type, TTL or secrecy are not as they should."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from tradingboost.kit.keys import API_KEYS, API_KEYS_ACCOUNT, Pattern, pattern_of
from tradingboost.kit.keys_jobs import jobs_pattern_of
from tradingboost.kit.keys_legacy import legacy_of
from tradingboost.kit.redis import Redis, mapped
from tradingboost.kit.redis_masks import is_sealed
from tradingboost.kit.redis_shell import SCAN_COUNT

Judgement = Literal["valid", "legacy", "unknown"]
FaultKind = Literal["legacy", "unknown", "type", "ttl", "plaintext"]
FAULTS: Final[tuple[FaultKind, ...]] = ("legacy", "unknown", "type", "ttl", "plaintext")
FAULTS_KEPT: Final = 1000
_TIMEOUT_S: Final = 15.0
_SLACK: Final = 1.11  # jitter and rounding
_CREDENTIAL_FIELDS: Final = ("api_key", "api_secret", "passphrase")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about one key that is not as it should be."""

    key: str
    kind: FaultKind
    text: str


class Report(msgspec.Struct, kw_only=True):
    """All keys of one database.

    Args:
        faults: the first thousand; `counted` has all of them by kind.
        patterns: keys by pattern, legacy ones too.
        verbs: legacy keys by the verb that takes them over.
    """

    db: str
    valid: int = 0
    legacy: int = 0
    unknown: int = 0
    patterns: dict[str, int] = {}
    counted: dict[str, int] = {}
    faults: list[Fault] = []
    verbs: dict[str, int] = {}


class _Facts(msgspec.Struct, frozen=True):
    """What the server says about one key."""

    key: str
    type: str
    ttl_ms: int
    secrets: list[str | None]


async def report(redis: Redis, db: Literal["app", "jobs"]) -> Report:
    """Judge every key; reads only, and no value but those that should be sealed.

    Raises:
        Unavailable: `redis_down`.
    """
    client: Any = redis.transport
    known = jobs_pattern_of if db == "jobs" else pattern_of
    found, cursor = Report(db=db), 0
    while True:
        with mapped():
            async with asyncio.timeout(_TIMEOUT_S):
                cursor, keys = await client.scan(cursor, count=SCAN_COUNT)
                facts = await _facts(client, keys)
        for one in facts:
            _judge(one, known, redis.prefix if db == "app" else "", found)
        if not cursor:
            return found


async def _facts(client: Any, keys: list[bytes]) -> list[_Facts]:
    if not keys:
        return []
    async with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
            pipe.pttl(key)
        replies = await pipe.execute()
    names = [key.decode("utf-8", "backslashreplace") for key in keys]
    types = [one.decode() for one in replies[::2]]
    hashes = [n for n, name in enumerate(names) if types[n] == "hash" and _holds_keys(name)]
    async with client.pipeline(transaction=False) as pipe:
        for n in hashes:
            pipe.hmget(keys[n], _CREDENTIAL_FIELDS)
        secrets = dict(zip(hashes, await pipe.execute() if hashes else (), strict=True))
    return [
        _Facts(name, types[n], int(replies[2 * n + 1]), [_text(one) for one in secrets.get(n, ())])
        for n, name in enumerate(names)
        if types[n] != "none"  # it expired meanwhile
    ]


def _judge(one: _Facts, known: Callable[[str], Pattern | None], prefix: str, found: Report) -> None:
    plain = one.key.removeprefix(prefix)
    pattern = known(plain) if one.key.startswith(prefix) else None
    faults: list[tuple[FaultKind, str]] = []
    if pattern is not None:
        found.valid += 1
        _count(found.patterns, pattern.text)
        faults += _of_ours(one, pattern)
    elif found.db == "app" and (legacy := legacy_of(one.key)) is not None:
        found.legacy += 1
        _count(found.patterns, legacy.text)
        _count(found.verbs, legacy.verb)
        faults.append(("legacy", f"{legacy.text}: {legacy.note}; run: tradingboost {legacy.verb}"))
    else:
        found.unknown += 1
        faults.append(("unknown", f"{one.type} that no pattern knows; find out who writes it"))
    if any(value and not is_sealed(value) for value in one.secrets):
        faults.append(("plaintext", "an exchange key that is not encrypted; register it anew, and delete this"))
    for kind, text in faults:
        _count(found.counted, kind)
        if len(found.faults) < FAULTS_KEPT:
            found.faults.append(Fault(key=one.key, kind=kind, text=text))


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _of_ours(one: _Facts, pattern: Pattern) -> list[tuple[FaultKind, str]]:
    faults: list[tuple[FaultKind, str]] = []
    if one.type != pattern.type.value:
        faults.append(("type", f"is a {one.type}, {pattern.text} is a {pattern.type.value}; delete it, {_COMES_BACK}"))
    if pattern.ttl_s is not None and one.ttl_ms < 0:
        faults.append(("ttl", f"has no TTL, the policy is {pattern.ttl_s} s; delete it, {_COMES_BACK}"))
    elif pattern.ttl_s is not None and one.ttl_ms > pattern.ttl_s * 1000 * _SLACK:
        faults.append(("ttl", f"lives {one.ttl_ms // 1000} s, the policy is {pattern.ttl_s} s; delete it"))
    return faults


_COMES_BACK = "it comes back from PostgreSQL"


def _holds_keys(name: str) -> bool:
    pattern = pattern_of(name)
    if pattern is not None:
        return pattern in (API_KEYS, API_KEYS_ACCOUNT)
    legacy = legacy_of(name)
    return legacy is not None and legacy.secret


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
