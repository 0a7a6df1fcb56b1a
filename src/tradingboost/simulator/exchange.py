"""The engine, its clock and the things the engine does not know: keys, labels and what was printed."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar

from tradingboost.core.errors import Conflict, InvalidInput, NotFound
from tradingboost.sim.commands import Command, Credit, OpenAccount, SeedCandles, SetPolicy
from tradingboost.sim.engine import Engine
from tradingboost.sim.events import Acked, Event, FundingChanged, Rejected, TradePrinted
from tradingboost.sim.instruments import DEFAULT_CATALOGUE, MORE_SWAPS, Instrument
from tradingboost.sim.policy import STEPPED, Policy
from tradingboost.sim.scale import QUANTA, parse
from tradingboost.simulator.auth import ApiKey, KeyRing
from tradingboost.simulator.clock import MarketClock
from tradingboost.simulator.recorder import Known, Recorder
from tradingboost.simulator.settings import AccountSettings, SimulatorSettings

MARK: Final = "r"
"""`reply_to` of every command of the shell: events without it come from timers."""

_TRADES_KEPT: Final = 500
_FUNDING_KEPT: Final = 400
_JOURNAL_KEPT: Final = 10_000
_Command = TypeVar("_Command", bound=Command)
Listener = Callable[[tuple[Event, ...]], None]


class Exchange:
    """One simulated exchange behind its sockets.

    Args:
        settings: the slice.
        clock: market time.
        listener: is handed every event, once, in order.
    """

    def __init__(self, settings: SimulatorSettings, clock: MarketClock, listener: Listener) -> None:
        self.settings = settings
        self.clock = clock
        self.keys = KeyRing(int(settings.max_clock_skew_s * 1000))
        self.labels: dict[str, str] = {}
        self.maintenance: tuple[int, int] | None = None
        """Begin and end (us) of what is planned, for the status list."""
        self._listener = listener
        self.recorder: Recorder | None = None
        self.start_engine()

    def start_engine(self) -> None:
        """A fresh engine: no accounts, no prices."""
        base = STEPPED if self.clock.stepped else Policy()
        policy = changed(base, self.settings.policy)
        self.adopt(Engine(DEFAULT_CATALOGUE.plus(*MORE_SWAPS), policy, self.settings.seed))

    def adopt(self, engine: Engine) -> None:
        """Go on with another engine (a restored snapshot)."""
        self.engine = engine
        self.trades: dict[str, deque[TradePrinted]] = {}
        self.fundings: dict[str, deque[FundingChanged]] = {}
        self.journal: deque[Event] = deque(maxlen=_JOURNAL_KEPT)
        self.events = 0
        self.by_code: dict[str, str] = {}
        self._instruments: dict[str, Instrument] = {}
        self.refresh_instruments()

    def refresh_instruments(self) -> None:
        self._instruments = {row.inst_id: row for row in self.engine.instruments()}
        self.by_code = {str(row.inst_code): row.inst_id for row in self._instruments.values()}

    def instruments(self) -> Iterable[Instrument]:
        """What is listed; an expired instrument is known by name only."""
        return [row for row in self._instruments.values() if row.state != "expired"]

    def known(self) -> Iterable[Instrument]:
        """What is listed, and what expired."""
        return self._instruments.values()

    def renamed(self, old: str, new: str) -> None:
        """Prints and funding of an instrument go on under its new name."""
        self.refresh_instruments()
        for table in (self.trades, self.fundings):
            if old in table:
                table[new] = table.pop(old)  # type: ignore[assignment]

    def instrument(self, inst_id: str) -> Instrument | None:
        return self._instruments.get(inst_id)

    def listed(self, inst_id: str) -> Instrument:
        """The instrument.

        Raises:
            NotFound: it is not listed.
        """
        found = self._instruments.get(inst_id)
        if found is None:
            known = ", ".join(sorted(self._instruments))
            raise NotFound("unknown_instrument", f"{inst_id!r} is not listed here; choose one of {known}.")
        return found

    def now_us(self) -> int:
        """The time of the next command; never before the last one's."""
        at_us, last_us = self.clock.now_us(), self.engine.now_us
        return at_us if at_us > last_us else last_us

    def apply(self, command: Command) -> Acked | Rejected | None:
        """Carry a command out now and hand its events on; the answer to the command itself, if it has one."""
        command.at_us = max(command.at_us, self.now_us())
        command.reply_to = MARK
        events = self.engine.apply(command)
        if self.recorder is not None:
            self.recorder.took(command, self.engine)
        self._note(events)
        for event in reversed(events):
            if isinstance(event, (Acked, Rejected)) and event.reply_to == MARK:
                return event
        return None

    def run(self, command: Command) -> tuple[Event, ...]:
        """As `apply`, answering with every event; for market commands."""
        command.at_us = max(command.at_us, self.now_us())
        command.reply_to = MARK
        events = self.engine.apply(command)
        if self.recorder is not None:
            self.recorder.took(command, self.engine)
        self._note(events)
        return events

    def advance(self, to_us: int) -> tuple[Event, ...]:
        to_us = max(to_us, self.engine.now_us)
        events = self.engine.advance(to_us)
        if events and self.recorder is not None:
            self.recorder.took(to_us, self.engine)
        self._note(events)
        return events

    def _note(self, events: tuple[Event, ...]) -> None:
        if not events:
            return
        self.journal.extend(events)
        self.events += len(events)
        for event in events:
            if event.uid:
                continue
            if isinstance(event, TradePrinted):
                if event.lots:
                    self.trades.setdefault(event.inst_id, deque(maxlen=_TRADES_KEPT)).append(event)
            elif isinstance(event, FundingChanged) and event.settled:
                self.fundings.setdefault(event.inst_id, deque(maxlen=_FUNDING_KEPT)).append(event)
        self._listener(events)

    def must(self, command: Command) -> None:
        """Carry out a command of the operator.

        Raises:
            InvalidInput: the engine refused it.
        """
        answer = self.apply(command)
        if isinstance(answer, Rejected):
            raise InvalidInput("refused_by_engine", answer.message, venue_code=str(answer.code))

    def open_account(self, wanted: AccountSettings) -> None:
        """Open an account with its key and money.

        Raises:
            Conflict: the account or the key exists.
        """
        if wanted.uid in self.engine.accounts():
            raise Conflict("account_taken", f"The account {wanted.uid} exists already; choose another number.")
        self.keys.add(key_of(wanted))
        self.labels[wanted.uid] = wanted.label
        self.note_keys()
        self.must(OpenAccount(at_us=0, uid=wanted.uid, acct_lv=wanted.acct_lv, pos_mode=wanted.pos_mode))
        for ccy, amount in wanted.balances.items():
            if amount:
                self.must(Credit(at_us=0, uid=wanted.uid, ccy=ccy, amount=parse(format(amount, "f"))))

    def note_keys(self) -> None:
        """Keys or labels changed: the journal is told."""
        if self.recorder is not None:
            self.recorder.keys(Known(keys=list(self.keys.all()), labels=self.labels))

    def set_policy(self, changes: dict[str, Any]) -> None:
        """Change fields of the policy from here on.

        Raises:
            InvalidInput: no such field.
        """
        self.must(SetPolicy(at_us=0, policy=changed(self.engine.policy, changes)))

    def seed_candles(self, command: SeedCandles) -> None:
        self.must(command)

    def coin_usd(self, ccy: str) -> int:
        """Dollar price of a coin in quanta: 1 for dollar coins, else the index of its market, 0 when unknown."""
        if ccy in {"USDT", "USDC", "USD"}:
            return QUANTA
        for name in (f"{ccy}-USDT", f"{ccy}-USDT-SWAP", f"{ccy}-USD-SWAP"):
            row = self._instruments.get(name)
            if row is not None and self.engine.last(name):
                return self.engine.last(name) * row.tick_q
        return 0


def key_of(wanted: AccountSettings) -> ApiKey:
    return ApiKey(
        uid=wanted.uid,
        key=wanted.key,
        secret=wanted.secret.get_secret_value(),
        passphrase=wanted.passphrase.get_secret_value(),
        env=wanted.env,
    )


def changed(policy: Policy, changes: dict[str, Any]) -> Policy:
    """A policy with some fields replaced.

    Raises:
        InvalidInput: a field does not exist or has a value of another type.
    """
    for name, value in changes.items():
        if not hasattr(policy, name):
            raise InvalidInput("unknown_policy", f"The policy has no field {name!r}; see docs of the exchange core.")
        if type(value) is not type(getattr(policy, name)):
            raise InvalidInput("bad_policy", f"The policy field {name} cannot be {value!r}.")
    return replace(policy, **changes)
