"""Errors cross process borders without losing their class."""

import pytest

from tradingboost.core.errors import KINDS, BrokenInvariant, TradingBoostError, rebuild


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_error_is_rebuilt_as_itself(kind: str) -> None:
    original = KINDS[kind]("some_code", "Do this instead.", account_id="a1")
    rebuilt = rebuild(original.kind, original.code, original.message, original.details)
    assert type(rebuilt) is KINDS[kind]
    assert (rebuilt.code, rebuilt.message, rebuilt.details) == ("some_code", "Do this instead.", {"account_id": "a1"})
    assert str(rebuilt) == "Do this instead. [some_code]"


def test_an_unknown_kind_is_a_broken_promise_and_not_a_guess() -> None:
    rebuilt = rebuild("mystery", "peer_code", "Whatever.", {})
    assert isinstance(rebuilt, BrokenInvariant)
    assert rebuilt.details == {"peer_code": "peer_code"}


def test_every_class_of_the_taxonomy_can_travel() -> None:
    assert set(KINDS.values()) == set(TradingBoostError.__subclasses__())
