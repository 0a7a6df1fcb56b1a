"""The hash chain: link_i = SHA-256(link_(i-1), record_i) over every command and event, as length-prefixed ASCII fields.

Connection ids, raw JSON and wall times never enter it, so the same commands give the same digest on every Python.
"""

from hashlib import sha256

from msgspec.structs import astuple

from tradingboost.core.errors import BrokenInvariant
from tradingboost.sim import commands
from tradingboost.sim.codec import Codec
from tradingboost.sim.commands import AttachedAmend, Command
from tradingboost.sim.events import Event
from tradingboost.sim.instruments import Instrument, Tier
from tradingboost.sim.policy import Policy
from tradingboost.sim.rows import Attached, Candle, OrderFault

_PARTS_KEPT, _SMALL = 4_096, 1_000
_EMPTY = "u0:"
_CODEC = Codec((Instrument, Tier, Policy, Attached, AttachedAmend, Candle, OrderFault))
_COMMANDS = [kind for kind in vars(commands).values() if isinstance(kind, type) and issubclass(kind, Command)]
_WHOLE = Codec((Instrument, Tier, Policy, Attached, AttachedAmend, Candle, OrderFault, *_COMMANDS))


def link(chain: bytes, record: bytes) -> bytes:
    """The next link."""
    return sha256(chain + record).digest()


def command_record(command: Command) -> bytes:
    """A command's fields except `reply_to`, the second of every command, which is the asker's own mark."""
    at_us, _, *others = astuple(command)
    return _record(type(command).__name__, (at_us, *others))


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


class _Parts(dict[str, str]):
    """Text with its length before it; words and small numbers come again and again."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _PARTS_KEPT:
            self.clear()
        part = self[text] = f"{len(text)}:{text}"
        return part


_PARTS = _Parts()


def _record(kind: str, values: tuple[object, ...]) -> bytes:
    parts = [_PARTS[kind]]
    for value in values:
        if isinstance(value, int):
            text = str(value)
            parts.append(_PARTS[text] if value < _SMALL else f"{len(text)}:{text}")
        elif isinstance(value, str):
            parts.append(_PARTS[value])
        else:
            parts.append(_EMPTY if value == () else _CODEC.dump(value).decode("latin-1"))
    return ",".join(parts).encode()
