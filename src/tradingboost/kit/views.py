"""Views that are made anew whenever tables change: nothing is stored in them, so nothing has to be migrated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, Text, literal
from sqlalchemy.dialects import postgresql

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]
_SCHEMA: Final = "CREATE SCHEMA IF NOT EXISTS %(schema)s"
_MAKE: Final = "CREATE VIEW %(name)s WITH (security_invoker = true) AS %(query)s"
_MARK: Final = "COMMENT ON VIEW %(name)s IS %(mark)s"
_USAGE: Final = "GRANT USAGE ON SCHEMA %(schema)s TO %(roles)s"
_GRANT: Final = "GRANT SELECT ON %(name)s TO %(roles)s"
MARK: Final = "tradingboost:"
"""What the comment of each of our views begins with; others are left alone."""


@dataclass(frozen=True, slots=True)
class View:
    """A view, read with the rights of whoever asks."""

    schema: str
    name: str
    query: str
    purpose: str


def query_of(statement: Select[Any]) -> str:
    """A statement as text, its values written out."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def statements(views: Sequence[View], roles: Sequence[str]) -> Iterator[str]:
    """What makes them, in order."""
    for schema in dict.fromkeys(view.schema for view in views):
        yield _SCHEMA % {"schema": schema}
        if roles:
            yield _USAGE % {"schema": schema, "roles": ", ".join(roles)}
    for view in views:
        name = f"{view.schema}.{view.name}"
        mark = str(
            literal(f"{MARK} {view.purpose}", Text).compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
        )
        yield _MAKE % {"name": name, "query": view.query}
        yield _MARK % {"name": name, "mark": mark}
        if roles:
            yield _GRANT % {"name": name, "roles": ", ".join(roles)}
