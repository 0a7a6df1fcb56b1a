"""Crash points: named places at which a process under test dies at once, as by `kill -9`.

`TB_OPS__CRASH_POINT=name:nth` arms one of them, with TB_ENV=test only: the process kills itself when it comes by for
the nth time. `POINTS` is the only list of names; a house rule refuses a name that is not in it, and a test a name that
no place uses. *before_commit* and *after_commit* mean just that: nothing of the transaction is stored, or all of it.
Where one statement is the transaction, *before_commit* is passed right before it is sent.
"""

import difflib
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.db import after_commit

POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "strategy.wishes.before_commit": "a run has decided; neither its state nor its wishes are stored",
        "strategy.wishes.after_commit": "state and wishes are stored, nobody has heard of them",
        "strategy.wish.after_call": "orders carried a wish out, and it is not yet marked as done",
        "orders.intent.before_commit": "intent, order, request and saga are being stored and are not",
        "orders.intent.after_commit": "the intent is stored, allowed or denied",
        "orders.claim.after_commit": "the right to send is taken, nothing was sent",
        "exchange.sent.after_commit": "the client order id is used up for ever, nothing was sent",
        "exchange.submit.before_write": "the request is about to be handed to the venue's socket",
        "exchange.submit.after_write": "the request is on its way to the venue, no answer has come",
        "exchange.submit.after_reply": "the venue has answered, nobody knows what",
        "orders.outcome.before_commit": "the answer is being stored and is not",
        "orders.outcome.after_commit": "the answer is stored, its events are not published",
        "orders.cancel.before_call": "the wish to cancel is stored, the venue was not asked",
        "orders.cancel.after_call": "the venue was asked to cancel, its answer is not stored",
        "exchange.report.before_commit": "a frame of the private stream was read and is lost with the process",
        "exchange.report.after_commit": "a frame is stored as a fact, not published",
        "orders.facts.after_commit": "evidence of the venue is joined into orders and fills",
        "positions.book.before_commit": "a fill is folded into the leg and posted, not stored",
        "positions.book.after_commit": "a fill is booked, not acknowledged",
        "protect.before_place": "a stop is recorded and claimed, the venue does not have it",
        "protect.after_place": "the venue may have the stop, we have stored nothing of its answer",
        "protect.after_amend": "the venue may have amended the stop, its answer is not stored",
        "saga.step.before_commit": "a step of a saga is written, not stored",
        "saga.step.after_commit": "a step of a saga is stored",
        "saga.compensate.after_call": "an unprotected position was left at market, nobody was told",
        "reconcile.after_fetch": "the venue was read whole, nothing is taken in",
        "reconcile.after_adopt": "what the venue knows is taken in, silent orders were not looked after",
        "reconcile.before_ready": "the comparison is through, entries are not yet allowed",
        "lease.after_acquire": "a lease is ours in the database, its holder does not know",
        "lease.after_takeover": "a lease of an earlier life is ours in the database, its holder does not know",
        "bus.relay.after_publish": "events are in Redis and not marked as published",
        "bus.relay.after_mark": "events are published and marked",
        "bus.consumer.after_effect": "an event was handled, neither effect nor inbox row is stored",
        "bus.consumer.after_commit": "an event was handled and stored, not acknowledged in Redis",
        "journal.after_append": "without a database a request is on the disk, the venue was not asked",
        "journal.after_send": "without a database the venue was asked, its answer is nowhere",
        "journal.after_import": "the journal is stored as rows and not forgotten",
        "settings.after_commit": "a new version of a runtime value is stored, its writer has no answer",
        "deploy.after_drain": "asked to stop, everything in hand is finished, its leases are not given back",
    }
)
"""What is true of a process that dies there, by name."""

_MOST: Final = 1_000_000


class Armed:
    """One point that is waited for.

    Args:
        nth: the passage that kills, counted from 1.
        die: ends the process.
    """

    def __init__(self, name: str, nth: int, die: Callable[[str], None]) -> None:
        self._name = name
        self._left = nth
        self._die = die

    def passed(self, name: str) -> None:
        """Somebody comes by a point."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                self._die(name)


_armed: Armed | None = None


def crash_point(name: str) -> None:
    """Die here if it is this point's turn; unarmed it is one comparison."""
    if _armed is not None:
        _armed.passed(name)


def crash_after_commit(db: AsyncConnection, name: str) -> None:
    """The same, right after the COMMIT of the surrounding transaction (not at all if that fails)."""
    if _armed is not None:
        after_commit(db, partial(crash_point, name))


def arm(setting: str, environment: str) -> None:
    """Arm what `TB_OPS__CRASH_POINT` says; empty disarms.

    Raises:
        Refused: outside TB_ENV=test.
        InvalidInput: no such point, or no count.
    """
    global _armed  # noqa: PLW0603 - the one switch of a process; handing it to every place would cost the money path
    if not setting:
        _armed = None
        return
    if environment != "test":
        message = "TB_OPS__CRASH_POINT kills this process on purpose and works with TB_ENV=test only; take it away."
        raise Refused("crash_point_outside_test", message)
    name, _, count = setting.partition(":")
    known([name])
    if not count.isdecimal() or not 1 <= int(count) <= _MOST:
        message = f"TB_OPS__CRASH_POINT={setting} does not say which passage kills; write {name}:1."
        raise InvalidInput("bad_crash_point", message)
    _armed = Armed(name, int(count), _killed)


def known(names: Iterable[str]) -> list[str]:
    """The names, each once, in the order of the registry.

    Raises:
        InvalidInput: one is not registered.
    """
    wanted = set(names)
    for name in sorted(wanted - set(POINTS)):
        near = difflib.get_close_matches(name, POINTS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "list them with: tradingboost chaos list"
        raise InvalidInput("unknown_crash_point", f"There is no crash point {name!r}; {hint}")
    return [name for name in POINTS if name in wanted]


def _killed(name: str) -> None:
    os.write(2, f"crash point {name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
