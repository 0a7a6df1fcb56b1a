"""Who somebody is."""

from typing import Protocol

import msgspec

from tradingboost.core.ids import UserId
from tradingboost.shared.calls import repeatable


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person."""

    user_id: UserId
    name: str


class People(Protocol):
    """Persons, found by whatever they are known by."""

    @repeatable
    async def create_user(self, name: str) -> User:
        """Create a person, or return the one of that name."""
        ...
