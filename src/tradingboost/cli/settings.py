"""`settings`: what a person has set, every version of it, and taking it along."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tradingboost.cli import presets, settings_view
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.verb import verb
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from tradingboost.shared.interfaces.users.settings import Saved

User = Annotated[str, typer.Option("--user", metavar="WHO", help="Whose: a name, an id, an OKX uid, telegram:ID ...")]
Strategy = Annotated[str, typer.Option(help="hyperrsi or grid.")]
Scope = Annotated[str, typer.Option(metavar="SCOPE", help="global, or what differs on one symbol: okx:BTC-USDT-SWAP.")]
Type = Annotated[str, typer.Option("--type", metavar="TYPE", help="preferences, params or dual_side.")]
Labels = Annotated[str, typer.Option(help="Names of choices in the stored words (ko) or in English (en).")]
_LARGEST: Final = 2 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the verbs of this file."""
    group = typer.Typer(
        help="What people have set for their strategies: every version kept, presets, export and import."
    )
    for name, function in (
        ("show", show),
        ("get", get),
        ("set", set_keys),
        ("versions", versions),
        ("diff", diff),
        ("restore", restore),
        ("export", export),
        ("import", bring),
    ):
        verb(group, name, title=f"settings {name}")(function)
    presets.register(group)
    app.add_typer(group, name="settings", rich_help_panel="Run", no_args_is_help=True)


def show(
    session: Session,
    *,
    user: User = "",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
    labels: Labels = "ko",
    effective: Annotated[
        bool, typer.Option("--effective", help="Merged, as a run on SCOPE would decide with.")
    ] = False,
    preset: Annotated[str, typer.Option(metavar="NAME", help="With --effective: with this preset.")] = "",
) -> Answer:
    """Show the documents of a person, or what a run would decide with."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.shared.interfaces.users.settings import AskEffective

    if effective:
        found = session.run(
            lambda: for_user(
                loaded,
                user,
                lambda users, who: users.effective(
                    AskEffective(user_id=who, strategy=strategy, scope=scope, preset_id=preset or None)
                ),
            )
        )
        said = settings_view.labelled(labels, strategy, found.params)
        data = {"params": said, "version": found.version, "layers": found.layers, "warnings": found.warnings}
        return Answer(data, lambda console: settings_view.effective(console, said, found))
    documents = session.run(lambda: for_user(loaded, user, lambda users, who: users.settings(who, strategy, scope)))
    rows = [
        {
            "type": one.where.setting_type.value,
            "version": one.version,
            "keys": len(one.settings),
            "settings": settings_view.labelled(labels, strategy, one.settings),
        }
        for one in documents
    ]
    data = {"strategy": strategy, "scope": scope, "documents": rows}
    return Answer(data, lambda console: settings_view.documents(console, f"{strategy} {scope}", rows))


def get(
    session: Session,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of any document.")],
    *,
    user: User = "",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
    labels: Labels = "ko",
) -> Answer:
    """Show single keys."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user

    documents = session.run(lambda: for_user(loaded, user, lambda users, who: users.settings(who, strategy, scope)))
    merged = {key: value for one in documents for key, value in one.settings.items()}
    unknown = [key for key in keys if key not in merged]
    if unknown:
        raise InvalidInput(
            "unknown_key", f"Nothing is set as {', '.join(unknown)} in {strategy} {scope}; see settings show."
        )
    said = settings_view.labelled(labels, strategy, {key: merged[key] for key in keys})
    return Answer({"settings": said}, lambda console: settings_view.pairs(console, said))


def set_keys(
    session: Session,
    pairs: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="KEY= takes a key back to its default.")],
    *,
    user: User = "",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
    note: Annotated[str, typer.Option(help="Why; kept with the version.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and save nothing.")] = False,
    when_flat: Annotated[
        bool, typer.Option("--when-flat", help="Keys that are locked change as soon as no position is open.")
    ] = False,
    expected_version: Annotated[
        int | None, typer.Option(min=0, help="Refuse unless this version is in force; unless given, the one read now.")
    ] = None,
) -> Answer:
    """Change keys, of several documents at once where they belong to several."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.app.setting_wishes import Asked, save

    asked = Asked(
        strategy=strategy,
        scope=scope,
        changes=settings_view.read_pairs(pairs),
        by=f"cli:{getpass.getuser()}",
        note=note,
        dry_run=dry_run,
        when_flat=when_flat,
        expected_version=expected_version,
    )
    saved = session.run(lambda: for_user(loaded, user, lambda users, who: save(users, who, asked)))
    return _saved(session, saved)


def versions(
    session: Session,
    *,
    user: User = "",
    kind: Type = "params",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many, the newest.")] = 20,
) -> Answer:
    """List the versions of a document, newest first."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.shared.user_settings.addresses import address

    where = address(kind, strategy, scope)
    found = session.run(lambda: for_user(loaded, user, lambda users, who: users.setting_versions(who, where, limit)))
    return Answer({"versions": found}, lambda console: settings_view.versions(console, str(where), found))


def diff(
    session: Session,
    first: Annotated[int, typer.Argument(metavar="A", min=1, help="A version.")],
    second: Annotated[int, typer.Argument(metavar="B", min=1, help="Another.")],
    *,
    user: User = "",
    kind: Type = "params",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
) -> Answer:
    """Show what differs between two versions."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.app.setting_wishes import compared
    from tradingboost.shared.user_settings.addresses import address

    where = address(kind, strategy, scope)
    found = session.run(lambda: for_user(loaded, user, lambda users, who: compared(users, who, where, (first, second))))
    return Answer({"changes": found}, lambda console: settings_view.changes(console, found))


def restore(
    session: Session,
    version: Annotated[int, typer.Argument(metavar="N", min=1, help="The version to bring back, as a new one.")],
    *,
    user: User = "",
    kind: Type = "params",
    strategy: Strategy = "hyperrsi",
    scope: Scope = "global",
) -> Answer:
    """Bring an old version back; the history only grows."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.shared.user_settings.addresses import address

    where, by = address(kind, strategy, scope), f"cli:{getpass.getuser()}"
    saved = session.run(
        lambda: for_user(loaded, user, lambda users, who: users.restore_setting(who, where, version, by))
    )
    return _saved(session, [saved])


def export(
    session: Session,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write; else standard output.")] = None,
    *,
    user: User = "",
    strategy: Strategy = "hyperrsi",
    form: Annotated[str, typer.Option("--format", help="json, or csv for a spreadsheet.")] = "json",
) -> Answer:
    """Write everything of a strategy into one document, without secrets and ids."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.app.setting_wishes import as_file

    document = session.run(lambda: for_user(loaded, user, lambda users, who: users.export_settings(who, strategy)))
    text = as_file(document, form)
    if file is None:
        return Answer({"document": document}, lambda _: print(text, end=""))
    with file.open("w", encoding="utf-8", newline="") as target:
        target.write(text)
    done = f"Wrote {len(document['settings'])} documents and {len(document['presets'])} presets to {file}."
    data: dict[str, Any] = {"file": str(file), "sha256": document["sha256"]}
    return Answer(data, lambda console: console.print(done, markup=False))


def bring(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What settings export wrote; - is standard input.")],
    *,
    user: User = "",
    strategy: Annotated[str, typer.Option(help="Of rows of a spreadsheet: hyperrsi or grid.")] = "hyperrsi",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and save nothing.")] = False,
) -> Answer:
    """Bring an exported document in, as new versions of what differs, all of it or nothing."""
    loaded = session.settings()
    from tradingboost.app.people_at_hand import for_user
    from tradingboost.app.setting_wishes import from_file

    document = from_file(_read(file), strategy)
    by = f"cli:{getpass.getuser()}"
    found = session.run(
        lambda: for_user(loaded, user, lambda users, who: users.import_settings(who, document, by, dry_run))
    )
    data = {"settings": settings_view.saved_rows(found.settings), "presets": found.presets}
    return Answer(data, lambda console: settings_view.brought(console, found))


def _read(file: Path) -> str:
    try:
        text = sys.stdin.read(_LARGEST + 1) if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("import_unreadable", f"The file {file} cannot be read: {error}.") from error
    if len(text) > _LARGEST:
        raise InvalidInput("import_too_long", f"The file {file} is larger than 2 MiB; bring it in parts.")
    return text


def _saved(session: Session, saved: "list[Saved]") -> Answer:
    for code in sorted({code for one in saved for code in one.warnings}):
        session.warn(code)
    return Answer({"settings": settings_view.saved_rows(saved)}, lambda console: settings_view.saved(console, saved))
