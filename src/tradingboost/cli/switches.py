"""`kill-switch`: stopping entries, or everything, for the platform or a part of it."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.shared.interfaces.orders import Switch

_Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="platform, venue, user, account, run or symbol.")]
_Key = Annotated[str, typer.Argument(metavar="[KEY]", help="Which one: its id or name; nothing for the platform.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; kept for ever.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Kill switches: no new entries, or nothing at all; exits go on unless frozen.")
    verb(group, "set", title="kill-switch set")(switch_on)
    verb(group, "clear", title="kill-switch clear")(switch_off)
    verb(group, "list", title="kill-switch list")(listed)
    app.add_typer(group, name="kill-switch", rich_help_panel="Trade", no_args_is_help=True)


def switch_on(
    session: Session,
    scope: _Scope,
    key: _Key = "",
    *,
    reason: _Reason,
    frozen: Annotated[bool, typer.Option("--frozen", help="Stop exits too; only stops at the venue protect.")] = False,
) -> Answer:
    """Stop new entries at once; what reduces risk goes on."""
    return _switched(session, scope, key, reason, "FROZEN" if frozen else "NO_ENTRIES", clear=False)


def switch_off(
    session: Session,
    scope: _Scope,
    key: _Key = "",
    *,
    reason: _Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Take a switch back: entries go on."""
    if not yes:
        if session.json or not sys.stdin.isatty():
            raise Refused("not_confirmed", "Letting entries go on needs a yes; add --yes.")
        if not typer.confirm(f"Let entries go on for {scope} {key}?", err=True):
            raise Refused("not_confirmed", "The switch stands.")
    return _switched(session, scope, key, reason, "NO_ENTRIES", clear=True)


def listed(session: Session) -> Answer:
    """Show what is switched off, by whom and why."""
    settings = session.settings()
    from tradingboost.app import oversee

    found = session.run(lambda: oversee.switches(settings))
    return Answer({"switches": found}, lambda console: _show(console, found))


def _switched(session: Session, scope: str, key: str, reason: str, level: str, *, clear: bool) -> Answer:
    settings = session.settings()
    from tradingboost.app import oversee
    from tradingboost.shared.interfaces.orders import SetSwitch

    wish = SetSwitch(scope=scope, key=key, reason=reason, by=getpass.getuser(), level=level, clear=clear)
    found = session.run(lambda: oversee.switched(settings, wish))
    return Answer({"switches": found}, lambda console: _show(console, found))


def _show(console: "Console", found: "list[Switch]") -> None:
    from tradingboost.cli.show import table

    columns = ("scope", "which", "level", "since", "by", "why")
    rows = [(one.scope, one.key, one.level, f"{one.set_at:%m-%d %H:%M:%S}", one.set_by, one.reason) for one in found]
    console.print(table("Kill switches", columns, rows) if rows else "No kill switch is set.")
