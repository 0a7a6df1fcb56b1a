"""The hash chain: link_i = SHA-256(link_(i-1), record_i) over every command and event, as length-prefixed ASCII fields.

Connection ids, raw JSON and wall times never enter it, so the same commands give the same digest on every Python.
"""

from dataclasses import fields
from hashlib import sha256

from tradingboost.core.errors import BrokenInvariant
from tradingboost.sim import commands
from tradingboost.sim.codec import Codec
from tradingboost.sim.commands import AttachedAmend, Command
from tradingboost.sim.events import Event
from tradingboost.sim.instruments import Instrument, Tier
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import Attached, Candle, OrderFault

_CODEC = Codec((Instrument, Tier, Policy, Attached, AttachedAmend, Candle, OrderFault))
_FIELDS: dict[type, tuple[str, ...]] = {}
_COMMANDS = [kind for kind in vars(commands).values() if isinstance(kind, type) and issubclass(kind, Command)]
_WHOLE = Codec((Instrument, Tier, Policy, Attached, AttachedAmend, Candle, OrderFault, *_COMMANDS))


def link(chain: bytes, record: bytes) -> bytes:
    """The next link."""
    return sha256(chain + record).digest()


def command_record(command: Command) -> bytes:
    """A command's fields except `reply_to`, which is the asker's own mark."""
    kind = type(command)
    names = _FIELDS.get(kind)
    if names is None:
        names = tuple(item.name for item in fields(kind) if item.name != "reply_to")
        _FIELDS[kind] = names
    return _record(kind.__name__, tuple(getattr(command, name) for name in names))


def written(what: Command | int) -> bytes:
    """A command, or the time to which the exchange was advanced, as bytes that `read` understands."""
    return _WHOLE.dump(what)


def read(data: bytes) -> Command | int:
    """What `written` was given: applied in order to an equal exchange, they make it equal again.

    Raises:
        BrokenInvariant: the bytes are of another version.
    """
    found = _WHOLE.load(data)
    if not isinstance(found, (Command, int)):
        raise BrokenInvariant("not_a_command", "These bytes are no command of the exchange.")
    return found


def event_record(event: Event) -> bytes:
    """What pins an event: kind, sequence, times, account and its own digest fields."""
    head = (event.seq, event.at_us, event.due_us, event.uid)
    return _record(type(event).__name__, head + event.digest_fields())


def _record(kind: str, values: tuple[object, ...]) -> bytes:
    parts = [f"{len(kind)}:{kind}"]
    for value in values:
        if isinstance(value, (int, str)):
            text = str(value)
            parts.append(f"{len(text)}:{text}")
        else:
            parts.append(_CODEC.dump(value).decode("latin-1"))
    return ",".join(parts).encode()
