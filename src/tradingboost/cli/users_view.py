"""How people and their logins are drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tradingboost.cli.show import NONE, facts, table

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.people import Leaving
    from tradingboost.shared.interfaces.users import LinkCode, LinkState, PersonalToken, Profile, SessionView


def people(console: "Console", found: "Sequence[Profile]") -> None:
    """A line a person."""
    columns = ("name", "role", "status", "2nd factor", "telegram", "keys", "since", "id")
    rows = [
        (
            one.username,
            one.role,
            one.status,
            _yes(one.totp),
            _yes(one.telegram_linked),
            _yes(one.has_credentials),
            f"{one.created_at:%Y-%m-%d}",
            one.user_id,
        )
        for one in found
    ]
    console.print(table("People", columns, rows) if rows else "Nobody is here yet; add somebody with: users add NAME.")


def person(console: "Console", one: "Profile", link: "LinkState", logins: "Sequence[SessionView]") -> None:
    """All that is known about one person."""
    support = f"until {one.support_until:%Y-%m-%d %H:%M} UTC" if one.support_until else "no"
    rows = [
        ("id", one.user_id),
        ("role", one.role),
        ("status", one.status),
        ("e-mail", one.email or NONE),
        ("okx uid", one.okx_uid or NONE),
        ("telegram", link.linked or (f"{link.waiting} waits to be confirmed" if link.waiting else NONE)),
        ("api keys", _yes(one.has_credentials)),
        ("password", _yes(one.has_password)),
        ("second factor", _yes(one.totp)),
        ("support may look", support),
        ("language", f"{one.locale}, {one.timezone}"),
        ("here since", f"{one.created_at:%Y-%m-%d %H:%M} UTC"),
    ]
    console.print(facts(one.username, rows))
    if logins:
        sessions(console, logins)


def added(console: "Console", one: "Profile", code: "LinkCode") -> None:
    """A new person, and how their chat is joined."""
    console.print(f"[bold]{one.username}[/] is here as {one.role}.  [dim]{one.user_id}[/]")
    link_code(console, code)


def link_code(console: "Console", code: "LinkCode") -> None:
    """A code for the bot."""
    console.print(f"To join a Telegram chat, send the bot: [bold]/link {code.code}[/]")
    console.print(f"[dim]Good once, until {code.expires_at:%H:%M} UTC; then confirm it: users link WHO --confirm[/]")


def leaving(console: "Console", told: "Leaving") -> None:
    """What ends with a person."""
    rows = [
        ("id", told.profile.user_id),
        ("sessions", str(told.sessions)),
        ("tokens", str(told.tokens)),
        ("accounts", ", ".join(told.accounts) or NONE),
        ("active runs", ", ".join(told.runs) or NONE),
        ("api keys", "are destroyed" if told.profile.has_credentials else NONE),
    ]
    console.print(facts(f"With {told.profile.username} ends", rows))


def sessions(console: "Console", found: "Sequence[SessionView]") -> None:
    """A line a login."""
    columns = ("session", "from", "with", "last used", "ends")
    rows = [
        (one.session_id, one.address or NONE, one.user_agent[:40] or NONE, _at(one.used_at), _at(one.expires_at))
        for one in found
    ]
    console.print(table("Sessions", columns, rows) if rows else "Nobody is logged in as this person.")


def tokens(console: "Console", found: "Sequence[PersonalToken]") -> None:
    """A line a token; a new one with its text."""
    for one in found:
        if one.token:
            console.print(f"[bold]{one.token}[/]  [dim]shown once; keep it like a password[/]")
    columns = ("token", "label", "scopes", "from", "last used", "ends")
    rows = [
        (
            one.token_id,
            one.label,
            " ".join(one.scopes),
            " ".join(one.addresses) or "anywhere",
            _at(one.used_at),
            _at(one.expires_at),
        )
        for one in found
    ]
    console.print(table("Tokens", columns, rows) if rows else "This person has no token for scripts.")


def second_factor(console: "Console", told: dict[str, Any]) -> None:
    """Whether there is one, or what the next step needs."""
    if "secret" in told:
        console.print(f"Secret: [bold]{told['secret']}[/]")
        console.print(told["uri"], markup=False, soft_wrap=True)
        console.print("[dim]Shown once. Then: users totp WHO --confirm CODE[/]")
    elif "recovery_codes" in told:
        console.print("Recovery codes, each good once; shown once:")
        for code in told["recovery_codes"]:
            console.print(f"  [bold]{code}[/]")
    else:
        console.print("A second factor is set up." if told["totp"] else "No second factor is set up.")


def chat(console: "Console", found: "LinkState") -> None:
    """Which chat is linked."""
    console.print(f"Linked chat: {found.linked or NONE}")
    if found.waiting:
        console.print(f"Waits to be confirmed: {found.waiting}  [dim]users link WHO --confirm[/]")


def _yes(value: bool) -> str:
    return "yes" if value else NONE


def _at(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else NONE
