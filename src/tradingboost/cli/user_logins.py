"""`users password|totp|sessions|tokens|link-code|link|support`: how a person logs in."""

import getpass
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli import users_view as view
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from tradingboost.shared.interfaces.users import Act

_Who = Annotated[str, typer.Argument(metavar="WHO", help="A name, an id, an OKX uid, telegram:ID, name:..., e-mail.")]
_LONGEST: Final = 128


def register(group: typer.Typer) -> None:
    """Add the verbs of this file."""
    for name, function in (
        ("password", password),
        ("totp", totp),
        ("sessions", sessions),
        ("tokens", tokens),
        ("link-code", link_code),
        ("link", link),
        ("support", support),
    ):
        verb(group, name, title=f"users {name}")(function)


def act_of(reason: str) -> "Act":
    """Who works here, and why."""
    from tradingboost.shared.interfaces.users import Act

    return Act(by="cli:" + re.sub(r"[^A-Za-z0-9._@-]", "-", getpass.getuser())[:64], reason=reason)


def asked_password(session: Session, from_stdin: bool, *, optional: bool = False) -> str:
    """A password from standard input, or typed twice; never from the command line, where others can read it.

    Raises:
        InvalidInput: `password_missing` or `password_differs`.
    """
    if from_stdin:
        return sys.stdin.readline(_LONGEST + 2).rstrip("\r\n")
    if session.json or not sys.stdin.isatty():
        if optional:
            return ""
        raise InvalidInput("password_missing", "Give the password on standard input and say --password-stdin.")
    said = getpass.getpass("Password (empty for none): " if optional else "Password: ")
    if said and getpass.getpass("The same again: ") != said:
        raise InvalidInput("password_differs", "The two passwords differ; nothing was changed.")
    return said


def password(
    session: Session,
    who: _Who,
    *,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from standard input.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the person's audit trail.")],
) -> Answer:
    """Set a new password; every session of the person ends."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    new = asked_password(session, password_stdin)
    session.run(lambda: for_user(settings, who, lambda users, found: users.set_password(found, new, act_of(reason))))
    return Answer({"changed": True}, lambda console: console.print("The password is changed; every session ended."))


def totp(
    session: Session,
    who: _Who,
    *,
    enrol: Annotated[
        bool, typer.Option("--enrol", help="Begin to set up an authenticator; needs the password.")
    ] = False,
    confirm: Annotated[str, typer.Option(metavar="CODE", help="Show its first code; gives the recovery codes.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it away (a lost device).")] = False,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read it from standard input.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why it is taken away.")] = "",
) -> Answer:
    """Show whether a second factor is set up; set one up, or take it away."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    if sum((enrol, bool(confirm), remove)) > 1:
        raise InvalidInput("two_wishes", "Say one of --enrol, --confirm and --remove.")
    known = asked_password(session, password_stdin) if enrol else ""

    async def work(users: Any, found: Any) -> dict[str, Any]:
        if enrol:
            begun = await users.enrol_totp(found, known)
            return {"secret": begun.secret, "uri": begun.uri}
        if confirm:
            return {"recovery_codes": await users.confirm_totp(found, confirm)}
        if remove:
            await users.remove_totp(found, act_of(reason))
        return {"totp": (await users.profile(found)).totp}

    told = session.run(lambda: for_user(settings, who, work))
    return Answer(told, lambda console: view.second_factor(console, told))


def sessions(
    session: Session,
    who: _Who,
    *,
    end: Annotated[str, typer.Option(metavar="ID", help="End this one.")] = "",
    end_all: Annotated[bool, typer.Option("--end-all", help="End all, and void every access token.")] = False,
) -> Answer:
    """List where a person is logged in; end one, or all."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    async def work(users: Any, found: Any) -> Any:
        if end_all:
            await users.logout_all(found)
        elif end:
            await users.logout(found, end)
        return await users.sessions(found)

    found = session.run(lambda: for_user(settings, who, work))
    return Answer({"sessions": found}, lambda console: view.sessions(console, found))


def tokens(
    session: Session,
    who: _Who,
    *,
    make: Annotated[str, typer.Option(metavar="LABEL", help="Make one; its text is shown once.")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="read, trade, settings; may be repeated.")] = None,
    days: Annotated[int, typer.Option(help="How long it is good.")] = 90,
    address: Annotated[list[str] | None, typer.Option(help="It works from here only; may be repeated.")] = None,
    revoke: Annotated[str, typer.Option(metavar="ID", help="End this one.")] = "",
) -> Answer:
    """List the tokens of a person's scripts; make one, or end one."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.shared.interfaces.users import NewToken

    async def work(users: Any, found: Any) -> Any:
        if make:
            wish = NewToken(label=make, scopes=tuple(scope or ["read"]), days=days, addresses=tuple(address or ()))
            return [await users.make_token(found, wish)]
        if revoke:
            await users.revoke_token(found, revoke)
        return await users.tokens(found)

    found = session.run(lambda: for_user(settings, who, work))
    return Answer({"tokens": found}, lambda console: view.tokens(console, found))


def link_code(session: Session, who: _Who) -> Answer:
    """Make a code by which a person's chat is joined to them; it is shown once."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    made = session.run(lambda: for_user(settings, who, lambda users, found: users.link_code(found)))
    return Answer({"link_code": made}, lambda console: view.link_code(console, made))


def link(
    session: Session,
    who: _Who,
    *,
    confirm: Annotated[bool, typer.Option("--confirm", help="Yes, the chat that waits is this person's.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Let the chat go.")] = False,
) -> Answer:
    """Show which chat is a person's and which one waits; confirm it, or let it go."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    async def work(users: Any, found: Any) -> Any:
        if confirm:
            return await users.confirm_link(found)
        return await (users.unlink(found) if remove else users.link_state(found))

    found = session.run(lambda: for_user(settings, who, work))
    return Answer({"telegram": found}, lambda console: view.chat(console, found))


def support(
    session: Session,
    who: _Who,
    hours: Annotated[int, typer.Argument(metavar="HOURS", help="How long; 0 ends it.")],
) -> Answer:
    """Let the support look at a person's data for a while; each look stands in the person's audit trail."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    found = session.run(lambda: for_user(settings, who, lambda users, one: users.allow_support(one, hours)))
    until = f"until {found.support_until:%Y-%m-%d %H:%M} UTC" if found.support_until else "no longer"
    return Answer({"user": found}, lambda console: console.print(f"The support may look {until}."))
