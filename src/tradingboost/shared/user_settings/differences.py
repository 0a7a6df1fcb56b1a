"""What differs between two documents."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One key before and after; null = it was, or is, not in the document."""

    key: str
    before: Any = None
    after: Any = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The keys whose values differ, in the order of the documents."""
    names = dict.fromkeys((*before, *after))
    return [
        Change(key=key, before=before.get(key), after=after.get(key))
        for key in names
        if before.get(key) != after.get(key) or (key in before) != (key in after)
    ]
