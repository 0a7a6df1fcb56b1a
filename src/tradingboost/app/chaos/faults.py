"""The faults of processes, networks and messages that a campaign plays, by name."""

import difflib
import random
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import InvalidInput

_WHOLE: Final = ("up",)
_SPLIT: Final = tuple(PROCESSES)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of trouble.

    Args:
        lasts_s: how long, shortest and longest; the seed decides.
        driven: the market goes on bar by bar meanwhile, else it moves up and down by itself.
        silent: nobody can notice it, so the comparison of whole accounts, once a minute, has to find it.
        processes: what the installation consists of.
    """

    says: str
    lasts_s: tuple[float, float] = (3.0, 6.0)
    driven: bool = False
    silent: bool = False
    processes: tuple[str, ...] = _WHOLE


def _split(name: str) -> Fault:
    says = f"the process {name} of a split installation is killed and started again"
    return Fault(says=says, lasts_s=(0.5, 2.0), processes=_SPLIT)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "platform.kill": Fault(says="the platform is killed at any moment and started again"),
        "platform.stop": Fault(
            says="the platform stands still for longer than its leases last, and goes on", lasts_s=(12.0, 15.0)
        ),
        "platform.deploy": Fault(
            says="the platform is asked to stop in the middle of things and started again", lasts_s=(0.5, 2.0)
        ),
        "host.kill": Fault(says="platform, PostgreSQL and Redis are killed together and started again"),
        "postgres.kill": Fault(says="PostgreSQL is killed and started again after a while"),
        "postgres.stop": Fault(says="PostgreSQL stands still for a while", lasts_s=(6.0, 10.0)),
        "postgres.restart": Fault(says="PostgreSQL is shut down and started again", lasts_s=(0.5, 1.5)),
        "postgres.cut": Fault(says="every connection to PostgreSQL breaks, and new ones do for a while"),
        "postgres.commit_reply": Fault(says="a COMMIT takes effect and its reply is cut", driven=True),
        "redis.kill": Fault(says="Redis is killed and started again after a while"),
        "redis.stop": Fault(says="Redis stands still for a while", lasts_s=(6.0, 10.0)),
        "redis.flush": Fault(says="FLUSHALL, twice", driven=True),
        "redis.full": Fault(says="Redis has no memory left and refuses every write"),
        "redis.cut": Fault(says="every connection to Redis breaks, and new ones do for a while"),
        "redis.deaf": Fault(says="Redis gets what is written and no reply of it comes back"),
        "redis.failover": Fault(says="a replica that missed the last acknowledged writes takes over"),
        "exchange.cut": Fault(
            says="every connection to the exchange breaks, and new ones do for a while", lasts_s=(8.0, 12.0)
        ),
        "exchange.slow": Fault(says="everything the exchange says and hears is late", driven=True),
        "exchange.deaf": Fault(says="requests arrive and no reply comes back", lasts_s=(6.0, 9.0)),
        "exchange.dumb": Fault(says="requests vanish on their way", lasts_s=(6.0, 9.0)),
        "exchange.half_close": Fault(says="the exchange ends its side of every stream", driven=True),
        "exchange.reply_cut": Fault(says="the connection breaks before the reply to an order", driven=True),
        "exchange.reply_lost": Fault(says="the reply to an order never comes, and the connection stays", driven=True),
        "exchange.reply_half": Fault(says="half of the reply to an order comes", driven=True),
        "exchange.request_lost": Fault(says="the connection breaks before an order arrives", driven=True),
        "messages.duplicate": Fault(says="every order frame comes three times", driven=True),
        "messages.reordered": Fault(says="order frames overtake each other"),
        "messages.late": Fault(says="order frames are held back and come in a burst", lasts_s=(4.0, 6.0)),
        "messages.lost": Fault(says="a third of the order frames never comes, and nothing shows it", silent=True),
        "messages.aborted": Fault(says="the exchange breaks every stream without a farewell", driven=True),
        **{f"service.{name}": _split(name) for name in _SPLIT},
    }
)
"""What each does, by name; those of `service.` start one process a service and take longest."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. The same fault and seed give the same one.

    Args:
        bars: replayed before it strikes.
        lasts_s: how long it lasts.
    """

    fault: str
    seed: int
    bars: int
    lasts_s: float

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return self.fault if self.seed == 0 else f"{self.fault}#{self.seed}"

    @property
    def chance(self) -> random.Random:
        """Draws of the fault itself."""
        return random.Random(f"strike:{self.fault}:{self.seed}")  # noqa: S311 - a scenario, not a secret


def hit(fault: str, seed: int) -> Hit:
    """The scenario of a fault."""
    chance = random.Random(f"{fault}:{seed}")  # noqa: S311 - a scenario, not a secret
    return Hit(fault=fault, seed=seed, bars=chance.randint(17, 24), lasts_s=chance.uniform(*FAULTS[fault].lasts_s))


def known_faults(names: Iterable[str]) -> list[str]:
    """The names, each once, in the order of the registry.

    Raises:
        InvalidInput: one is not registered.
    """
    wanted = set(names)
    for name in sorted(wanted - set(FAULTS)):
        near = difflib.get_close_matches(name, FAULTS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "list them with: tradingboost chaos list"
        raise InvalidInput("unknown_fault", f"There is no fault {name!r}; {hint}")
    return [name for name in FAULTS if name in wanted]
