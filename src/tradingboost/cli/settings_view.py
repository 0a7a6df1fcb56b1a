"""How settings look on a terminal, and how keys and values are typed there."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.shared.interfaces.users.presets import Preset
    from tradingboost.shared.interfaces.users.settings import BroughtIn, Effective, Saved, Version
    from tradingboost.shared.user_settings.differences import Change


def read_pairs(pairs: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` as typed; maps and lists are JSON, all else is read by the schema, nothing behind the sign is null.

    Raises:
        InvalidInput: no sign, or a key twice.
    """
    import msgspec

    found: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key.strip():
            raise InvalidInput("not_a_pair", f"{pair!r} is no KEY=VALUE; write leverage=5.")
        if key.strip() in found:
            raise InvalidInput("given_twice", f"{key.strip()} is given twice; keep one.")
        value: Any = text.strip() or None
        if text.strip().startswith(("{", "[")):
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise InvalidInput("not_json", f"{key.strip()} cannot be read as JSON: {error}.") from error
        found[key.strip()] = value
    return found


def labelled(labels: str, strategy: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the language that was asked for."""
    from tradingboost.shared.user_settings.documents import in_english

    if labels not in ("ko", "en"):
        raise InvalidInput("unknown_labels", f"There are no labels {labels!r}; choose ko or en.")
    return in_english(strategy, document) if labels == "en" else dict(document)


def text(value: Any) -> str:
    """One value on one line."""
    import msgspec

    if value is None:
        return "-"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def pairs(console: "Console", document: Mapping[str, Any]) -> None:
    """Keys and values."""
    from tradingboost.cli.show import table

    console.print(table("", ("key", "value"), [(key, text(value)) for key, value in document.items()]))


def documents(console: "Console", title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """All documents of a scope."""
    for row in rows:
        saved = f"version {row['version']}" if row["version"] else "never saved"
        console.print(f"[bold]{title} {row['type']}[/]  [dim]{saved}, {row['keys']} keys[/]")
        pairs(console, row["settings"])


def effective(console: "Console", said: Mapping[str, Any], found: "Effective") -> None:
    """What a run would decide with, and from where."""
    layers = " < ".join(["defaults", *(f"{one.name} ({one.version})" for one in found.layers)])
    console.print(f"[bold]Version {found.version}[/]  [dim]{layers}[/]", highlight=False)
    pairs(console, said)
    for code in found.warnings:
        console.print(f"[yellow]note[/] {code}")


def versions(console: "Console", title: str, found: "Sequence[Version]") -> None:
    """A history."""
    from tradingboost.cli.show import table

    drawn = [
        (
            str(one.version),
            "in force" if one.active else "",
            f"{one.changed_at:%Y-%m-%d %H:%M:%S}",
            one.changed_by,
            one.note,
        )
        for one in found
    ]
    console.print(table(title, ("version", "", "at (UTC)", "by", "note"), drawn, ("version",)))
    if not drawn:
        console.print("Nothing was ever saved; the defaults hold.")


def changes(console: "Console", found: "Sequence[Change]") -> None:
    """What differs."""
    from tradingboost.cli.show import table

    console.print(
        table("", ("key", "before", "after"), [(one.key, text(one.before), text(one.after)) for one in found])
    )
    if not found:
        console.print("Nothing differs.")


def saved_rows(found: "Sequence[Saved]") -> list[dict[str, Any]]:
    """What saves did, for a program."""
    return [
        {
            "type": one.where.setting_type.value,
            "strategy": one.where.strategy,
            "scope": one.where.scope,
            "version": one.version,
            "saved": one.saved,
            "sealed": one.sealed,
            "changes": one.changes,
            "waiting": one.waiting,
            "warnings": one.warnings,
        }
        for one in found
    ]


def saved(console: "Console", found: "Sequence[Saved]") -> None:
    """What saves did, for a person."""
    for one in found:
        done = f"saved as version {one.version}" if one.saved else f"not saved, version {one.version} stays in force"
        console.print(f"[bold]{one.where}[/]: {done}", highlight=False)
        changes(console, one.changes)
        if one.sealed:
            console.print(f"Sealed with the keys: {', '.join(one.sealed)}; see: tradingboost keys list.")
        if one.waiting:
            console.print(f"As soon as it is flat: {', '.join(one.waiting)}")


def brought(console: "Console", found: "BroughtIn") -> None:
    """What an import did."""
    saved(console, found.settings)
    for one in found.presets:
        console.print(f"[bold]preset {one.preset.name}[/]: {'saved' if one.saved else 'not saved'}", highlight=False)
        changes(console, one.changes)


def presets(console: "Console", found: "Sequence[Preset]") -> None:
    """A list of presets."""
    from tradingboost.cli.show import table

    kinds = {True: "template", False: ""}
    drawn = [
        (
            one.name,
            kinds[one.is_template] or ("default" if one.is_default else ""),
            str(one.version),
            str(len(one.settings)),
            one.description,
        )
        for one in found
    ]
    console.print(table("", ("name", "", "version", "keys", "description"), drawn, ("version", "keys")))
    if not drawn:
        console.print("There is none yet.")
