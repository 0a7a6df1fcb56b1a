"""Whose an old key is."""

import pytest

from tradingboost.app.migrate.people import Mapping, Person
from tradingboost.core.errors import InvalidInput, Refused

UID = "1" * 18
OTHER = "2" * 19
CHAT = "12345678"


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        *((n, "telegram") for n in (5, 8, 9, 11, 12, 15)),
        *((n, None) for n in (4, 16, 17, 20)),
        (18, "okx"),
        (19, "okx"),
    ],
)
def test_a_number_is_read_by_its_length_and_refused_where_it_could_be_anything(digits: int, kind: str | None) -> None:
    mapping = Mapping({}, {})
    if kind is not None:
        assert mapping.person("7" * digits) == Person({kind: "7" * digits})
        return
    with pytest.raises(InvalidInput) as caught:
        mapping.person("7" * digits)
    assert caught.value.code == "identifier_ambiguous"
    assert "user:ID:okx_uid" in caught.value.message
    assert "7777" not in caught.value.message


def test_a_telegram_id_is_mapped_to_its_okx_uid_and_both_are_one_person() -> None:
    mapping = Mapping({CHAT: UID}, {UID: CHAT})
    assert mapping.person(CHAT) == mapping.person(UID) == Person({"okx": UID, "telegram": CHAT})
    assert mapping.pair(CHAT, UID).key == f"okx:{UID}"


def test_a_short_number_with_a_mapping_row_is_no_longer_ambiguous() -> None:
    assert Mapping({"123": UID}, {}).person("123") == Person({"okx": UID})


def test_two_chats_of_one_uid_are_linked_only_where_the_other_table_decides() -> None:
    both = {CHAT: UID, "87654321": UID}
    assert Mapping(both, {}).linked(UID) is None
    assert Mapping(both, {UID: CHAT}).linked(UID) == CHAT
    with pytest.raises(Refused) as caught:
        Mapping(both, {}).pair(CHAT, UID)
    assert caught.value.code == "mapping_contradicts"


def test_tables_that_contradict_each_other_link_nobody() -> None:
    assert Mapping({CHAT: OTHER}, {UID: CHAT}).linked(UID) is None


def test_a_damaged_row_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Mapping({CHAT: "none"}, {}).person(CHAT)
    assert caught.value.code == "mapping_damaged"
    with pytest.raises(Refused):
        Mapping({}, {}).pair("group", UID)


def test_an_id_of_ours_stays_what_it_is() -> None:
    person = Mapping({}, {}).person("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061")
    assert person.user_id == person.key == "0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061"
