"""Tokens of scripts, and chats that become somebody's by a code shown here and confirmed here."""

import pytest
from tests.services.users.login_desk import ACT, Desk

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import uuid7
from tradingboost.shared.events.users import IdentityChanged
from tradingboost.shared.interfaces.users import LinkState, NewToken, PersonalToken

CHAT, OTHER = "987654321", "123456789"


async def refused(awaitable: object) -> str:
    with pytest.raises((Refused, Conflict)) as found:
        await awaitable  # type: ignore[misc]
    return found.value.code


async def a_token(
    desk: Desk, user_id: UserId, *scopes: str, days: int = 90, addresses: tuple[str, ...] = ()
) -> PersonalToken:
    wish = NewToken(label="a script", scopes=scopes or ("read",), days=days, addresses=addresses)
    return await desk.users.make_token(user_id, wish)


async def test_a_personal_token_speaks_for_a_person_with_its_scopes_and_never_more(desk: Desk) -> None:
    admin = await desk.person("root", role="admin")
    await desk.with_totp(admin)
    made = await a_token(desk, admin, "read", "trade")
    caller = await desk.users.authenticate(made.token, step_up=made.token)
    assert (caller.user_id, caller.role, caller.scopes, caller.stepped_up) == (admin, "user", ("read", "trade"), False)
    [listed] = await desk.users.tokens(admin)
    assert (listed.token, listed.label) == ("", "a script")
    assert made.token not in str(await desk.rows("personal_tokens"))


async def test_a_personal_token_ends(desk: Desk) -> None:
    user_id, mallory = await desk.person(), await desk.person("mallory")
    made, late = await a_token(desk, user_id), await a_token(desk, user_id, days=1)
    for nobody in (late.token_id, "x"):
        with pytest.raises(NotFound, match="token_not_found"):
            await desk.users.revoke_token(mallory, nobody)
    await desk.users.revoke_token(user_id, made.token_id)
    assert await refused(desk.users.authenticate(made.token)) == "unauthenticated"
    desk.clock.advance(86_400)
    assert await refused(desk.users.authenticate(late.token)) == "token_expired"
    assert await desk.users.tokens(user_id) == []
    third = await a_token(desk, user_id)
    await desk.users.disable(user_id, ACT)
    assert await refused(desk.users.authenticate(third.token)) == "unauthenticated"


async def test_a_personal_token_may_be_bound_to_addresses(desk: Desk) -> None:
    made = await a_token(desk, await desk.person(), addresses=("203.0.113.0/24", "2001:db8::7"))
    for inside in ("203.0.113.9", "2001:db8::7"):
        assert (await desk.users.authenticate(made.token, inside)).user_id
    for outside in ("203.0.114.9", "", "not an address", "2001:db8::8"):
        assert await refused(desk.users.authenticate(made.token, outside)) == "unauthenticated"


BAD_TOKENS = [
    (NewToken(label="x", scopes=("admin",)), "unknown_scope"),
    (NewToken(label="x", scopes=()), "unknown_scope"),
    (NewToken(label=" ", scopes=("read",)), "bad_label"),
    (NewToken(label="x", scopes=("read",), days=366), "token_too_long"),
    (NewToken(label="x", scopes=("read",), addresses=("nowhere",)), "bad_address"),
    (NewToken(label="x", scopes=("read",), addresses=("203.0.113.7",) * 21), "too_many_addresses"),
]


async def test_a_token_that_cannot_be_is_refused(desk: Desk) -> None:
    user_id = await desk.person()
    for wish, code in BAD_TOKENS:
        with pytest.raises(InvalidInput, match=code):
            await desk.users.make_token(user_id, wish)


async def test_a_chat_becomes_somebodys_after_the_code_and_the_yes(desk: Desk) -> None:
    user_id = await desk.person()
    code = (await desk.users.link_code(user_id)).code
    assert len(code) == 26
    assert code not in str(await desk.rows("telegram_link_codes"))
    await desk.users.show_link_code(code.lower(), CHAT)
    assert await desk.users.link_state(user_id) == LinkState(linked=None, waiting="...4321")
    with pytest.raises(NotFound):
        await desk.users.resolve(CHAT)
    assert await desk.users.confirm_link(user_id) == LinkState(linked="...4321", waiting=None)
    assert await desk.users.resolve(CHAT) == user_id
    assert await refused(desk.users.confirm_link(user_id)) == "no_chat_waits"
    assert await desk.users.unlink(user_id) == LinkState(linked=None, waiting=None)
    with pytest.raises(NotFound):
        await desk.users.resolve(CHAT)
    told = [one.linked for one in await desk.stage.told(IdentityChanged) if isinstance(one, IdentityChanged)]
    assert told == [True, False]


async def test_a_code_is_good_once_for_ten_minutes_and_the_newest_one_only(desk: Desk) -> None:
    user_id = await desk.person()
    first = (await desk.users.link_code(user_id)).code
    second = (await desk.users.link_code(user_id)).code
    assert await refused(desk.users.show_link_code(first, CHAT)) == "link_code_refused"
    await desk.users.show_link_code(second, CHAT)
    assert await refused(desk.users.show_link_code(second, OTHER)) == "link_code_refused"
    third = (await desk.users.link_code(user_id)).code
    desk.clock.advance(600)
    assert await refused(desk.users.show_link_code(third, CHAT)) == "link_code_refused"
    assert await refused(desk.users.confirm_link(user_id)) == "no_chat_waits"


async def test_a_yes_that_comes_too_late_links_nothing(desk: Desk) -> None:
    user_id = await desk.person()
    await desk.users.show_link_code((await desk.users.link_code(user_id)).code, CHAT)
    desk.clock.advance(600)
    assert await refused(desk.users.confirm_link(user_id)) == "no_chat_waits"


async def test_guessing_codes_from_a_chat_waits_an_hour(desk: Desk) -> None:
    user_id = await desk.person()
    code = (await desk.users.link_code(user_id)).code
    found = [await refused(desk.users.show_link_code("A" * 26, CHAT)) for _ in range(6)]
    assert found == ["link_code_refused"] * 5 + ["too_many_attempts"]
    assert await refused(desk.users.show_link_code(code, CHAT)) == "too_many_attempts"
    await desk.users.show_link_code(code, OTHER)


async def test_trap_a_chat_is_bound_to_whomever_it_names(desk: Desk) -> None:
    """Neither an exchange uid nor a chat id nor the code alone links anything: the person says yes while logged in."""
    alice, mallory = await desk.person(), await desk.person("mallory")
    okx = "612345678901234567"
    owner = await desk.users.ensure({"okx": okx}, "venue")
    for said in (okx, f"okx:{okx}", "alice", alice):
        assert await refused(desk.users.show_link_code(said, OTHER)) in ("link_code_refused", "too_many_attempts")
    await desk.users.show_link_code((await desk.users.link_code(mallory)).code, CHAT)
    for person in (alice, owner.user_id):
        assert await refused(desk.users.confirm_link(person)) == "no_chat_waits"
    assert (await desk.users.confirm_link(mallory)).linked == "...4321"
    assert await refused(desk.users.show_link_code((await desk.users.link_code(alice)).code, CHAT)) == "telegram_taken"


async def test_another_chat_replaces_the_former_one(desk: Desk) -> None:
    user_id = await desk.person()
    for chat in (CHAT, OTHER):
        await desk.users.show_link_code((await desk.users.link_code(user_id)).code, chat)
        await desk.users.confirm_link(user_id)
    assert await desk.users.resolve(OTHER) == user_id
    with pytest.raises(NotFound):
        await desk.users.resolve(CHAT)
    with pytest.raises(NotFound):
        await desk.users.link_code(UserId(str(uuid7())))
