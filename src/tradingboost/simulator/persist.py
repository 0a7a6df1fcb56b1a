"""Snapshots of a running exchange, its journal on the disk, and resets."""

import base64
import binascii

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.engine import Engine
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.parts import Parts, open_market
from tradingboost.simulator.recorder import COMMAND, DIGEST, KEYS, SNAPSHOT, Known, records, replay, verify


class Saved(msgspec.Struct, kw_only=True):
    """A snapshot: the engine's own bytes and what only the shell knows. It holds API secrets."""

    engine: str
    now_us: int
    keys: list[ApiKey]
    labels: dict[str, str]


def dump(parts: Parts) -> bytes:
    """The whole state as JSON."""
    exchange = parts.exchange
    saved = Saved(
        engine=base64.b64encode(exchange.engine.snapshot()).decode(),
        now_us=exchange.now_us(),
        keys=list(exchange.keys.all()),
        labels=exchange.labels,
    )
    return msgspec.json.encode(saved)


def load(parts: Parts, data: bytes) -> None:
    """Go on from a snapshot.

    Raises:
        InvalidInput: the bytes are no snapshot.
    """
    _put(parts, data)
    record(parts)


def _put(parts: Parts, data: bytes) -> None:
    try:
        saved = msgspec.json.decode(data, type=Saved)
        engine = Engine.restore(base64.b64decode(saved.engine, validate=True))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise InvalidInput("bad_snapshot", "These bytes are no snapshot of this version; take a new one.") from None
    exchange = parts.exchange
    _know(exchange, Known(keys=saved.keys, labels=saved.labels))
    exchange.adopt(engine)
    exchange.clock.move_to(saved.now_us)
    parts.market.reset()


def _know(exchange: Exchange, known: Known) -> None:
    exchange.keys.clear()
    for key in known.keys:
        exchange.keys.add(key)
    exchange.labels.clear()
    exchange.labels.update(known.labels)


def record(parts: Parts) -> None:
    """Begin the journal anew with the state as it is, if one is kept."""
    if parts.exchange.recorder is not None:
        parts.exchange.recorder.begin()


def recover(parts: Parts, data: bytes) -> None:
    """Go on from a journal: its snapshot and every command since.

    Raises:
        InvalidInput: the bytes are no journal.
        BrokenInvariant: it is of another version of the exchange.
    """
    found = records(data)
    kind, snapshot = next(found, (0, b""))
    if kind != SNAPSHOT:
        raise InvalidInput("bad_journal", "This file is no journal of a simulated exchange; move it away.")
    _put(parts, snapshot)
    engine = parts.exchange.engine
    for kind, content in found:
        if kind == COMMAND:
            replay(engine, content)
        elif kind == KEYS:
            _know(parts.exchange, msgspec.json.decode(content, type=Known))
        elif kind == DIGEST:
            verify(engine, content)
    parts.exchange.refresh_instruments()
    parts.exchange.clock.move_to(engine.now_us)


def reset(parts: Parts) -> None:
    """Back to the settings: accounts, money and markets as at the start. A stepped clock keeps its time."""
    recorder, parts.exchange.recorder = parts.exchange.recorder, None
    parts.exchange.keys.clear()
    parts.exchange.labels.clear()
    parts.exchange.start_engine()
    parts.market.reset()
    open_market(parts)
    parts.exchange.recorder = recorder
    record(parts)
