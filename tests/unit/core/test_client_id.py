"""Client order ids: the published vectors, and who is recognised."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import ACCOUNT, BTC, ID_KEYS, RUN, VENUE, an_intent

from tradingboost.core.client_id import LENGTH, IdKeys
from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import AccountId, IntentKey, Venue

OTHER = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5062")


@pytest.mark.parametrize(
    ("attempt", "expected"), [(0, "SANTX2PVNVARRKVHU7USXYMPL5YMAA"), (1, "SADXKW4KIGGETAGPPFM336F4YJWWNW")]
)
def test_the_vectors_of_the_specification_hold(attempt: int, expected: str) -> None:
    intent = an_intent(cause="bar:5m:2025-01-02T03:05:00Z", attempt=attempt)
    assert (intent.run_id, intent.symbol, intent.slot) == (RUN, BTC, "entry")
    assert ID_KEYS.sign(intent.key, VENUE, ACCOUNT) == expected


@given(st.text(min_size=1, max_size=80))
def test_an_id_has_thirty_characters_every_venue_accepts_and_is_recognised(text: str) -> None:
    signed = ID_KEYS.sign(IntentKey(text), VENUE, ACCOUNT)
    assert len(signed) == LENGTH == 30
    assert set(signed) <= set(string.ascii_uppercase + "234567")
    assert ID_KEYS.recognises(signed, VENUE, ACCOUNT)
    assert signed == ID_KEYS.sign(IntentKey(text), VENUE, ACCOUNT)


def test_an_id_copied_to_another_account_or_venue_is_not_ours() -> None:
    signed = ID_KEYS.sign(an_intent().key, VENUE, ACCOUNT)
    assert not ID_KEYS.recognises(signed, VENUE, OTHER)
    assert not ID_KEYS.recognises(signed, Venue("bybit"), ACCOUNT)


@given(st.integers(0, LENGTH - 1), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_no_character_of_an_id_can_be_changed(position: int, letter: str) -> None:
    signed = ID_KEYS.sign(an_intent().key, VENUE, ACCOUNT)
    changed = signed[:position] + letter + signed[position + 1 :]
    assert ID_KEYS.recognises(changed, VENUE, ACCOUNT) == (changed == signed)


@pytest.mark.parametrize("foreign", ["", "e847386590ce4dBCabc", "6b9ad766b55dBCDE" * 2, "S", "SA" + "A" * 28])
def test_a_foreign_id_is_not_ours_whatever_its_prefix(foreign: str) -> None:
    assert not ID_KEYS.recognises(foreign, VENUE, ACCOUNT)


def test_the_last_key_signs_and_the_older_ones_still_recognise() -> None:
    rotated = IdKeys({"A": bytes(range(32)), "B": bytes(range(1, 33))}, "S")
    old, new = (keys.sign(an_intent().key, VENUE, ACCOUNT) for keys in (ID_KEYS, rotated))
    assert (old[:2], new[:2]) == ("SA", "SB")
    assert rotated.recognises(old, VENUE, ACCOUNT)
    assert rotated.recognises(new, VENUE, ACCOUNT)
    assert not ID_KEYS.recognises(new, VENUE, ACCOUNT)


@pytest.mark.parametrize("keys", [{}, {"A": b"short"}, {"AB": bytes(32)}, {"": bytes(32)}])
def test_weak_or_misnamed_keys_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(InvalidInput, match="at least 16 bytes"):
        IdKeys(keys, "S")
