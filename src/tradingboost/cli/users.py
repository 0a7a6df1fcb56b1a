"""`users`: who is here, what they may do, and how they come in; worked on directly, whether a platform runs or not."""

import sys
from typing import Annotated, Any

import typer

from tradingboost.cli import user_logins
from tradingboost.cli import users_view as view
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.user_logins import act_of
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput, Refused

Who = Annotated[str, typer.Argument(metavar="WHO", help="A name, an id, an OKX uid, telegram:ID, name:..., e-mail.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the person's audit trail.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="user, support or admin.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")]
_AT_HAND = "by the operator at the machine"


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="People: who is here, their roles, logins and chats.")
    for name, function in (
        ("add", add),
        ("list", listed),
        ("show", show),
        ("resolve", resolve),
        ("role", role),
        ("disable", disable),
        ("enable", enable),
        ("delete", delete),
        ("invite", invite),
        ("approve", approve),
    ):
        verb(group, name, title=f"users {name}")(function)
    user_logins.register(group)
    app.add_typer(group, name="users", rich_help_panel="Operate", no_args_is_help=True)


def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="3 to 32 letters, digits, dots, hyphens, underscores.")],
    *,
    role: Annotated[str, typer.Option(help="user, support or admin.")] = "user",
    email: Annotated[str | None, typer.Option(help="Another way to name the person.")] = None,
    locale: Annotated[str, typer.Option(help="ko or en.")] = "ko",
    password_stdin: FromStdin = False,
    reason: Reason = _AT_HAND,
) -> Answer:
    """Add somebody, whatever the rule for registrations is; without a password there is no login, only a chat."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import users_at_hand
    from tradingboost.shared.interfaces.users import Registration

    password = user_logins.asked_password(session, password_stdin, optional=True)
    wish = Registration(username=name, password=password, email=email, locale=locale)

    async def work() -> tuple[Any, Any]:
        async with users_at_hand(settings) as users:
            made = await users.add_user(wish, role, act_of(reason))
            return await users.profile(made.user_id), await users.link_code(made.user_id)

    profile, code = session.run(work)
    return Answer({"user": profile, "link_code": code}, lambda console: view.added(console, profile, code))


def listed(
    session: Session, *, limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50
) -> Answer:
    """List people, newest first."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import users_at_hand

    async def work() -> Any:
        async with users_at_hand(settings) as users:
            return await users.people(limit)

    found = session.run(work)
    return Answer({"users": found}, lambda console: view.people(console, found))


def show(session: Session, who: Who) -> Answer:
    """Show a person: role, state, identities, second factor, sessions."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import users_at_hand

    async def work() -> Any:
        async with users_at_hand(settings) as users:
            user_id = await users.resolve(who)
            profile, chat = await users.profile(user_id), await users.link_state(user_id)
            return profile, chat, await users.sessions(user_id)

    profile, chat, sessions = session.run(work)
    told = {"user": profile, "telegram": chat, "sessions": sessions}
    return Answer(told, lambda console: view.person(console, profile, chat, sessions))


def resolve(session: Session, who: Who) -> Answer:
    """Show whom an identifier names, and how it is read."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    if who == "me":
        raise InvalidInput("identifier_malformed", "Nobody is logged in here; give a name or an id.")
    profile = session.run(lambda: for_user(settings, who, lambda users, found: users.profile(found)))
    told = {"user_id": profile.user_id, "username": profile.username}
    return Answer(told, lambda console: console.print(f"{profile.username}  [dim]{profile.user_id}[/]"))


def role(session: Session, who: Who, role: Role, *, reason: Reason) -> Answer:
    """Make somebody user, support or admin; their sessions end."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    act = act_of(reason)
    found = session.run(lambda: for_user(settings, who, lambda users, found: users.set_role(found, role, act)))
    return _changed(found, f"{found.username} is {found.role} now; an admin acts with a second factor only.")


def disable(session: Session, who: Who, *, reason: Reason, dry_run: DryRun = False) -> Answer:
    """Keep somebody from logging in and end what is logged in; runs and their stops are not touched."""
    if dry_run:
        return show(session, who)
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    act = act_of(reason)
    found = session.run(lambda: for_user(settings, who, lambda users, found: users.disable(found, act)))
    return _changed(found, f"{found.username} is out; take it back with: tradingboost users enable.")


def enable(session: Session, who: Who, *, reason: Reason) -> Answer:
    """Take `disable` back, and the wait after too many wrong passwords."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import for_user

    act = act_of(reason)
    found = session.run(lambda: for_user(settings, who, lambda users, found: users.enable(found, act)))
    return _changed(found, f"{found.username} may log in again.")


def delete(
    session: Session,
    who: Who,
    *,
    reason: Reason,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close positions of active runs at market.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave positions to the person, at the venue.")] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Forget a person for ever: logins, identities and keys end; rows of money and of the audit keep the bare id."""
    settings = session.settings()
    from tradingboost.app import people
    from tradingboost.shared.interfaces.strategy import StopPolicy

    if flatten and keep:
        raise InvalidInput("two_policies", "Say --flatten or --keep, not both.")
    told = session.run(lambda: people.leaving(settings, who))
    if dry_run:
        return Answer({"would_delete": told}, lambda console: view.leaving(console, told))
    if not yes:
        if session.json or not sys.stdin.isatty():
            raise Refused("not_confirmed", "Deleting somebody cannot be undone and needs a yes; add --yes.")
        view.leaving(session.err, told)
        if typer.prompt("Type the name to delete this person", err=True) != told.profile.username:
            raise Refused("not_confirmed", "Nobody was deleted.")
    policy = StopPolicy.FLATTEN if flatten else StopPolicy.KEEP if keep else None
    done = session.run(lambda: people.delete(settings, told.profile.user_id, act_of(reason), policy))
    return Answer({"deleted": done}, lambda console: console.print(f"{done.profile.username} is forgotten."))


def invite(
    session: Session,
    *,
    role: Annotated[str, typer.Option(help="user, support or admin.")] = "user",
    days: Annotated[int, typer.Option(min=1, max=30, help="How long the code is good.")] = 7,
    reason: Reason = _AT_HAND,
) -> Answer:
    """Make a code for one registration; it is shown once."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import users_at_hand

    async def work() -> Any:
        async with users_at_hand(settings) as users:
            return await users.invite(role, days, act_of(reason))

    made = session.run(work)
    said = f"[bold]{made.code}[/]  good once until {made.expires_at:%Y-%m-%d %H:%M} UTC, as {made.role}"
    return Answer({"invite": made}, lambda console: console.print(said))


def approve(
    session: Session,
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="The id that was told when it was proposed.")],
    *,
    reason: Reason,
) -> Answer:
    """Agree to what somebody else proposed, as the second of two."""
    settings = session.settings()
    from tradingboost.app.people_at_hand import users_at_hand

    async def work() -> None:
        async with users_at_hand(settings) as users:
            await users.approve(proposal, act_of(reason))

    session.run(work)
    return Answer({"approved": proposal}, lambda console: console.print("Agreed; who proposed it can carry it out."))


def _changed(profile: Any, said: str) -> Answer:
    return Answer({"user": profile}, lambda console: console.print(said))
