"""`settings preset` and `settings template`: settings under a name."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from tradingboost.cli import settings_view
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.shared.interfaces.users.presets import EditedPreset, Preset

_User = Annotated[str, typer.Option("--user", metavar="WHO", help="Whose: a name, an id, an OKX uid, telegram:ID ...")]
_Strategy = Annotated[str, typer.Option(help="hyperrsi or grid.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The preset's name or id.")]
_Pairs = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="KEY= takes a key out.")]
_Labels = Annotated[str, typer.Option(help="Names of choices in the stored words (ko) or in English (en).")]


def register(settings: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(help="Settings under a name; a run that carries a preset takes it over the person's own.")
    for name, function in (
        ("list", listed),
        ("show", shown),
        ("create", create),
        ("edit", edit),
        ("delete", delete),
    ):
        verb(group, name, title=f"settings preset {name}")(function)
    settings.add_typer(group, name="preset", no_args_is_help=True)
    templates = typer.Typer(help="Presets of the house, for everybody to copy.")
    verb(templates, "publish", title="settings template publish")(publish)
    verb(templates, "withdraw", title="settings template withdraw")(withdraw)
    settings.add_typer(templates, name="template", no_args_is_help=True)


def listed(session: Session, *, user: _User = "", strategy: _Strategy = "hyperrsi") -> Answer:
    """List a person's presets and the templates."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user

    found = session.run(lambda: for_user(loaded, user, lambda users, who: users.presets(who, strategy)))
    return Answer({"presets": found}, lambda console: settings_view.presets(console, found))


def shown(session: Session, name: _Name, *, user: _User = "", labels: _Labels = "ko") -> Answer:
    """Show what a preset sets."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user

    found = session.run(lambda: for_user(loaded, user, lambda users, who: users.preset(who, name)))
    said = settings_view.labelled(labels, found.strategy, found.settings)
    return Answer({"preset": found, "settings": said}, lambda console: settings_view.pairs(console, said))


def create(
    session: Session,
    name: _Name,
    pairs: _Pairs = None,
    *,
    user: _User = "",
    strategy: _Strategy = "hyperrsi",
    description: Annotated[str, typer.Option(help="What it is for, in 200 characters.")] = "",
    from_current: Annotated[bool, typer.Option("--from-current", help="Take the person's own settings.")] = False,
    copy_of: Annotated[str, typer.Option("--copy", metavar="NAME", help="Take those of a preset or template.")] = "",
) -> Answer:
    """Make a preset: of keys, of what holds now, or of another one."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.shared.interfaces.users.presets import NewPreset

    if pairs and from_current:
        raise InvalidInput("two_sources", "Give keys or --from-current, not both; edit the preset afterwards.")
    wish = NewPreset(
        name=name,
        strategy=strategy,
        description=description,
        settings=settings_view.read_pairs(pairs or []),
        from_current=from_current,
        copy_of=copy_of or None,
        changed_by=f"cli:{getpass.getuser()}",
    )
    made = session.run(lambda: for_user(loaded, user, lambda users, who: users.create_preset(who, wish)))
    return Answer({"preset": made}, lambda console: _made(console, made))


def edit(
    session: Session,
    name: _Name,
    pairs: _Pairs = None,
    *,
    user: _User = "",
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Another name.")] = None,
    description: Annotated[str | None, typer.Option(help="Another description.")] = None,
    default: Annotated[
        bool | None, typer.Option("--default/--no-default", help="Whether a start takes it that names none.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and for which runs.")] = False,
) -> Answer:
    """Change a preset; runs that carry it take the change at their next decision."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.app.setting_wishes import edit_preset
    from tradingboost.shared.interfaces.users.presets import EditPreset

    wish = EditPreset(
        preset_id=name,
        expected_version=0,
        changed_by=f"cli:{getpass.getuser()}",
        name=rename,
        description=description,
        settings=settings_view.read_pairs(pairs or []),
        is_default=default,
        dry_run=dry_run,
    )
    edited = session.run(lambda: for_user(loaded, user, lambda users, who: edit_preset(users, who, wish)))
    return Answer(edited, lambda console: _edited(console, edited))


def delete(
    session: Session,
    name: _Name,
    *,
    user: _User = "",
    detach: Annotated[bool, typer.Option("--detach", help="Let the runs that carry it go on without it.")] = False,
) -> Answer:
    """Take a preset away."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user

    by = f"cli:{getpass.getuser()}"
    gone = session.run(lambda: for_user(loaded, user, lambda users, who: users.delete_preset(who, name, by, detach)))
    return Answer({"preset": gone}, lambda console: console.print(f"Deleted {gone.name}.", markup=False))


def publish(
    session: Session,
    name: _Name,
    pairs: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="What it sets.")],
    *,
    strategy: _Strategy = "hyperrsi",
    description: Annotated[str, typer.Option(help="What it is for, in 200 characters.")] = "",
) -> Answer:
    """Make a template everybody may copy and nobody can change."""
    loaded = session.settings()
    from tradingboost.app.setting_wishes import publish_template
    from tradingboost.shared.interfaces.users.presets import NewPreset

    wish = NewPreset(
        name=name,
        strategy=strategy,
        description=description,
        settings=settings_view.read_pairs(pairs),
        changed_by=f"cli:{getpass.getuser()}",
    )
    made = session.run(lambda: publish_template(loaded, wish))
    return Answer({"preset": made}, lambda console: _made(console, made))


def withdraw(session: Session, name: _Name) -> Answer:
    """Take a template away; copies of it stay."""
    loaded = session.settings()
    from tradingboost.app.setting_wishes import withdraw_template

    gone = session.run(lambda: withdraw_template(loaded, name, f"cli:{getpass.getuser()}"))
    return Answer({"preset": gone}, lambda console: console.print(f"Withdrew {gone.name}.", markup=False))


def _made(console: "Console", made: "Preset") -> None:
    console.print(f"Made {made.name}, {len(made.settings)} keys.", markup=False)
    settings_view.pairs(console, made.settings)


def _edited(console: "Console", edited: "EditedPreset") -> None:
    settings_view.changes(console, edited.changes)
    if edited.used_by:
        console.print(f"Runs that carry it: {', '.join(one[-8:] for one in edited.used_by)}")
    console.print("Saved." if edited.saved else "Not saved.")
