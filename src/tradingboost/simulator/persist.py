"""Snapshots of a running exchange, resets and audits."""

import base64
import binascii

import msgspec

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.engine import Engine
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.parts import Parts, open_market


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
    try:
        saved = msgspec.json.decode(data, type=Saved)
        engine = Engine.restore(base64.b64decode(saved.engine, validate=True))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise InvalidInput("bad_snapshot", "These bytes are no snapshot of this version; take a new one.") from None
    exchange = parts.exchange
    exchange.keys.clear()
    for key in saved.keys:
        exchange.keys.add(key)
    exchange.labels.clear()
    exchange.labels.update(saved.labels)
    exchange.adopt(engine)
    exchange.clock.move_to(saved.now_us)
    parts.market.reset()


def reset(parts: Parts) -> None:
    """Back to the settings: accounts, money and markets as at the start. A stepped clock keeps its time."""
    parts.exchange.keys.clear()
    parts.exchange.labels.clear()
    parts.exchange.start_engine()
    parts.market.reset()
    open_market(parts)
