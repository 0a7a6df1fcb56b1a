"""Many rows as one value of a statement: a list in JSON, which PostgreSQL reads as a table of its own types.

One value costs this process a fraction of what a value a field does, and the statement stays the same for one row or
twenty.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, FromClause, Text, bindparam, cast, column, func


def given(name: str, *columns: ColumnElement[Any], **others: Any) -> FromClause:
    """The rows that are bound as `name`, with the names and types of these columns.

    Args:
        others: columns of no table, by name, with their types.
    """
    listed = cast(bindparam(name, type_=Text), JSON)
    fields = [column(one.key, one.type) for one in columns if one.key] + [column(*one) for one in others.items()]
    return func.json_to_recordset(listed).table_valued(*fields, name=f"given_{name}").render_derived(with_types=True)


def listed(rows: Iterable[Any]) -> str:
    """What `given` is bound to; rows are structs or dicts, decimals and times go as text, to the digit."""
    return msgspec.json.encode(list(rows)).decode()
