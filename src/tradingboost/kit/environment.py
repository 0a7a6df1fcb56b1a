"""Deploy settings are read here, once, from the environment; the slices themselves are in `kit.settings`.

A variable is named by its path: `TB_DB__POOL_SIZE` is field `pool_size` of slice `db`. A secret may come from a file:
`TB_DB__PASSWORD_FILE=/run/secrets/db`. A name that no slice knows is refused, with the nearest known one.
"""

import difflib
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

from dotenv import dotenv_values
from pydantic import SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.settings import Slice

PREFIX = "TB_"
_NOT_SETTINGS = ("TB_TEST_",)  # read by the test suite itself


Root = TypeVar("Root", bound=Slice)


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable a root understands."""

    name: str
    path: tuple[str, ...]
    field: FieldInfo

    @property
    def secret(self) -> bool:
        return any(issubclass(kind, SecretStr | SecretBytes) for kind in _classes(self.field.annotation))

    @property
    def description(self) -> str:
        return self.field.description or ""

    @property
    def default(self) -> object:
        return self.field.get_default(call_default_factory=True)


def variables(root_cls: type[Slice], _path: tuple[str, ...] = ()) -> Iterator[Variable]:
    """Every variable of the tree, in declaration order; `.env.example` and `doctor` are checked against it."""
    for name, field in root_cls.model_fields.items():
        path = (*_path, name)
        nested = [kind for kind in _classes(field.annotation) if issubclass(kind, Slice)]
        if nested:
            yield from variables(nested[0], path)
        else:
            yield Variable(PREFIX + "__".join(path).upper(), path, field)


def env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; a missing file is an empty one."""
    found = dotenv_values(path, interpolate=False) if path.is_file() else {}
    return {name: value for name, value in found.items() if value is not None}


def load(
    root_cls: type[Root],
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Root:
    """Build the root from the environment.

    Args:
        environ: usually `{**env_file(Path(".env")), **os.environ}`.
        overrides: from the command line, by dotted path (`{"db.pool_size": 3}`); they win.
        aliases: variables of other programs we also read, `{"DATABASE_URL": "TB_DB__URL"}`; our own name wins
            only when both agree.

    Raises:
        InvalidInput: an unknown name, a value out of bounds, an unreadable secret file, or two names that disagree.
    """
    known = {variable.name: variable for variable in variables(root_cls)}
    tree: dict[str, Any] = {}
    for name, raw in _from_environment(known, environ, aliases or {}).items():
        _place(tree, known[name].path, _parsed(known[name].field, raw))
    paths = {".".join(variable.path): variable.path for variable in known.values()}
    for dotted, value in (overrides or {}).items():
        if dotted not in paths:
            raise InvalidInput("unknown_setting", f"There is no setting {dotted!r}.{_hint(dotted, paths)}", name=dotted)
        _place(tree, paths[dotted], value)
    try:
        return root_cls.model_validate(tree)
    except ValidationError as error:
        raise _explained(error) from None


def _from_environment(
    known: Mapping[str, Variable], environ: Mapping[str, str], aliases: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name.startswith(_NOT_SETTINGS):
            continue
        plain = name.removesuffix("_FILE")
        if name in known:
            found[name] = value
        elif plain in known and name.endswith("_FILE"):
            if plain in environ:
                raise InvalidInput("setting_given_twice", f"Set either {plain} or {name}, not both.", name=plain)
            found[plain] = _secret_file(name, value)
        else:
            raise InvalidInput("unknown_setting", f"{name} is no known setting.{_hint(name, known)}", name=name)
    for alias, name in aliases.items():
        if alias in environ and found.setdefault(name, environ[alias]) != environ[alias]:
            message = f"{alias} and {name} disagree; keep one of them."
            raise InvalidInput("setting_given_twice", message, name=name, alias=alias)
    return found


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{name} points to {path}, which cannot be read; check the path and its permissions."
        raise InvalidInput("unreadable_secret_file", message, name=name, reason=type(error).__name__) from None


def _place(tree: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _parsed(field: FieldInfo, raw: str) -> object:
    """Text as pydantic reads it; collections are JSON or, for plain lists, comma-separated."""
    kinds = _classes(field.annotation)
    if not any(issubclass(kind, list | tuple | set | frozenset | dict) for kind in kinds):
        return raw
    if raw.lstrip().startswith(("[", "{")):
        try:
            return json.loads(raw)
        except json.JSONDecodeError:
            return raw  # pydantic refuses it with the variable's name
    return [part.strip() for part in raw.split(",") if part.strip()]


def _classes(annotation: object) -> list[type]:
    """The classes an annotation may stand for: `int | None` is int; `tuple[str, ...]` is tuple."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return [kind for part in get_args(annotation) for kind in _classes(part)]
    if isinstance(origin, type):
        return [origin]
    return [annotation] if isinstance(annotation, type) and annotation is not type(None) else []


def _hint(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else " Remove it, or look at .env.example."


def _explained(error: ValidationError) -> InvalidInput:
    """The first fault as one sentence; the value is left out because it may be a secret."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = [str(part) for part in first["loc"] if isinstance(part, str)]
    name = PREFIX + "__".join(path).upper() if path else "The settings"
    reason = first["msg"].removeprefix("Value error, ").rstrip(".")
    return InvalidInput("bad_setting", f"{name}: {reason}.", name=name)
