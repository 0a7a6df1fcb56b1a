"""`connect` and `keys`: the API keys of exchanges, and the keys that seal them. No verb shows a key."""

import base64
import os
import sys
from typing import Annotated

import typer

from tradingboost.cli import keys_view as view
from tradingboost.cli.connecting import connect, judged
from tradingboost.cli.exits import DONE, FINDINGS
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.user_logins import act_of
from tradingboost.cli.verb import verb

_Which = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its id, or either end of it.")]
_Who = Annotated[str, typer.Option("--user", help="Whose: a name, an id, an OKX uid; empty = everybody.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="API keys of exchanges: list, verify, delete, restore; and the keys that seal them.")
    for name, function in (
        ("list", listed),
        ("show", shown),
        ("verify", verified),
        ("acknowledge", acknowledged),
        ("delete", deleted),
        ("restore", restored),
        ("egress", egress),
        ("generate", generate),
        ("rewrap", rewrap),
        ("legacy-count", legacy_count),
        ("disable-all", disable_all),
    ):
        verb(group, name, title=f"keys {name}")(function)
    app.add_typer(group, name="keys", rich_help_panel="Operate", no_args_is_help=True)
    verb(app, "connect", rich_help_panel="Trade")(connect)


def listed(
    session: Session,
    *,
    user: _Who = "",
    by_kid: Annotated[bool, typer.Option("--by-kid", help="Count by the key that seals them instead.")] = False,
) -> Answer:
    """List API keys: whose, where, in which state; never a key itself."""
    settings = session.settings()
    from tradingboost.app import key_desk

    if by_kid:
        kids, _ = session.run(lambda: key_desk.kids(settings))
        return Answer({"kids": kids}, lambda console: view.kids(console, kids))
    found = session.run(lambda: key_desk.listed(settings, user))
    return Answer({"credentials": found}, lambda console: view.credentials(console, found))


def shown(session: Session, credential: _Which) -> Answer:
    """Show what is known about one credential."""
    settings = session.settings()
    from tradingboost.app import key_desk

    found = session.run(lambda: key_desk.shown(settings, credential))
    return Answer({"credential": found}, lambda console: view.credential(console, found))


def verified(session: Session, credential: _Which) -> Answer:
    """Ask the exchange now whose keys these are and what they may do."""
    settings = session.settings()
    from tradingboost.app import key_desk

    return judged(session.run(lambda: key_desk.verified(settings, credential)))


def acknowledged(session: Session, credential: _Which, *, reason: _Reason) -> Answer:
    """Answer for keys whose rights the exchange does not tell: you looked there, and they cannot withdraw."""
    settings = session.settings()
    from tradingboost.app import key_desk

    found = session.run(lambda: key_desk.acknowledged(settings, credential, act_of(reason).by))
    return Answer({"credential": found}, lambda console: view.credential(console, found))


def deleted(
    session: Session,
    credential: _Which,
    *,
    reason: _Reason,
    anyway: Annotated[bool, typer.Option("--anyway", help="Though runs trade with them.")] = False,
) -> Answer:
    """Take keys out of use at once; for a day `keys restore` brings them back, then they are destroyed."""
    settings = session.settings()
    from tradingboost.app import key_desk

    act = act_of(reason)
    found = session.run(lambda: key_desk.deleted(settings, credential, act, anyway=anyway))
    return Answer({"credential": found}, lambda console: view.deleted(console, found))


def restored(session: Session, credential: _Which) -> Answer:
    """Bring deleted keys back and ask the exchange about them again."""
    settings = session.settings()
    from tradingboost.app import key_desk

    actor = act_of("restored").by
    return judged(session.run(lambda: key_desk.restored(settings, credential, actor)))


def egress(session: Session) -> Answer:
    """Show the addresses our requests come from, for the address list of an API key."""
    settings = session.settings()
    from tradingboost.app import key_desk

    found = session.run(lambda: key_desk.egress(settings))
    return Answer({"addresses": found}, lambda console: view.egress(console, found))


def generate(
    session: Session,
    *,
    kid: Annotated[str, typer.Option(help="Its name: 1 to 16 of a-z and 0-9.")] = "k1",
    fernet: Annotated[bool, typer.Option("--fernet", help="A key of the old system's kind, for tests of it.")] = False,
) -> Answer:
    """Make a key that seals credentials, as an entry of TB_CRYPTO__KEKS; keep it where backups are not."""
    from tradingboost.kit.crypto import KEY_BYTES, KeyRing

    raw = os.urandom(KEY_BYTES)
    if fernet:
        entry = base64.urlsafe_b64encode(raw).decode()
    else:
        entry = f"{kid}:{base64.b64encode(raw).decode()}"
        KeyRing.parse(entry)
    variable = "TB_CRYPTO__LEGACY_FERNET_KEYS" if fernet else "TB_CRYPTO__KEKS"
    if not session.json and sys.stdout.isatty():
        session.say(f"For {variable}; it is shown once and stored nowhere.")
    return Answer({"variable": variable, "entry": entry}, lambda console: console.print(entry, soft_wrap=True))


def rewrap(
    session: Session,
    *,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Data keys a step.")] = 200,
) -> Answer:
    """Put all data keys under the first key of TB_CRYPTO__KEKS while everything runs; go on after an interruption."""
    settings = session.settings()
    from tradingboost.app import key_desk

    done, failed, cursor = 0, [], ""
    with session.progress("re-wrapping data keys"):
        while True:
            told = session.run(lambda after=cursor: key_desk.rewrapped(settings, after, batch))  # type: ignore[misc]
            done, cursor = done + told.done, told.cursor
            failed += told.failed
            if not cursor:
                break
    data = {"done": done, "failed": failed, "active": told.active, "kids": told.kids}
    return Answer(data, lambda console: view.rewrapped(console, data), exit_code=FINDINGS if failed else DONE)


def legacy_count(session: Session) -> Answer:
    """Count imported keys of the old system that the exchange has not confirmed yet."""
    settings = session.settings()
    from tradingboost.app import key_desk

    _, waiting = session.run(lambda: key_desk.kids(settings))
    said = f"{waiting} imported keys wait for their exchange; the old Redis is counted by: migrate api-keys --dry-run."
    return Answer({"unverified": waiting}, lambda console: console.print(said))


def disable_all(
    session: Session,
    *,
    exchange: Annotated[str, typer.Option("--exchange", metavar="NAME", help="Only those of one exchange.")] = "",
    reason: _Reason,
) -> Answer:
    """End every API key at once. The first call proposes it; once another admin agreed, the same call does it."""
    settings = session.settings()
    from tradingboost.app import key_desk

    act = act_of(reason)
    found = session.run(lambda: key_desk.disabled(settings, exchange, act))
    return Answer(found, lambda console: view.disabled(console, found))
