"""Ways in and out: registration, roles, what an admin may do to others, and what two must agree to."""

import asyncio
from typing import Any

import pytest
from tests.services.users.login_desk import ACT, PASSWORD, Desk

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused, TradingBoostError
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import uuid7
from tradingboost.services.users.repository import proposals
from tradingboost.shared.events.users import UserDeleted, UserDisabled, UserEnabled, UserRegistered
from tradingboost.shared.interfaces.users import Act, LinkAccount, Registration

ADMIN = Act(by="admin:0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061", reason="they asked for it")


def a_wish(name: str = "alice", **more: Any) -> Registration:
    return Registration(**{"username": name, "password": PASSWORD, **more})


async def code_of(awaitable: object) -> str:
    with pytest.raises(TradingBoostError) as found:
        await awaitable  # type: ignore[misc]
    return found.value.code


async def test_whoever_is_invited_comes_in_once(desk: Desk) -> None:
    invited = Desk(desk.stage, registration="invite").users
    assert await code_of(invited.register(a_wish())) == "invite_refused"
    assert await code_of(invited.register(a_wish(invite_code="A" * 26))) == "invite_refused"
    invite = await invited.invite("support", 7, ADMIN)
    user = await invited.register(a_wish(invite_code=invite.code.lower()))
    assert (await invited.profile(user.user_id)).role == "support"
    assert await code_of(invited.register(a_wish("bob", invite_code=invite.code))) == "invite_refused"
    late = await invited.invite("user", 1, ADMIN)
    desk.clock.advance(86_400)
    assert await code_of(invited.register(a_wish("bob", invite_code=late.code))) == "invite_refused"
    assert invite.code not in str(await desk.rows("invites"))
    assert [one["username"] for one in await desk.rows("app_users")] == ["alice"], "a refused one leaves nothing"
    assert len(await desk.stage.told(UserRegistered)) == 1


async def test_one_invitation_shown_twice_at_once_lets_one_in(desk: Desk) -> None:
    invited = Desk(desk.stage, registration="invite").users
    invite = await invited.invite("user", 7, ADMIN)
    wishes = [a_wish(name, invite_code=invite.code) for name in ("alice", "bob")]
    found = await asyncio.gather(*map(invited.register, wishes), return_exceptions=True)
    assert len([one for one in found if isinstance(one, Refused)]) == 1
    assert len(await desk.rows("app_users")) == 1


async def test_a_closed_platform_takes_nobody_but_whom_the_operator_adds(desk: Desk) -> None:
    closed = Desk(desk.stage, registration="closed").users
    assert await code_of(closed.register(a_wish())) == "registration_closed"
    user = await closed.add_user(a_wish("root"), "admin", ACT)
    assert (await closed.profile(user.user_id)).role == "admin"


BAD_WISHES: list[tuple[dict[str, Any], str]] = [
    ({"username": "me"}, "bad_username"),
    ({"username": "12345678"}, "bad_username"),
    ({"username": "okx:123"}, "bad_username"),
    ({"username": "a b c"}, "bad_username"),
    ({"username": "x" * 33}, "bad_username"),
    ({"email": "nowhere"}, "bad_email"),
    ({"email": "a@b"}, "bad_email"),
    ({"locale": "de"}, "unknown_locale"),
    ({"password": "alice-2026"}, "password_refused"),
    ({"password": ""}, "password_refused"),
]


async def test_what_cannot_be_taken_is_refused_with_a_remedy(desk: Desk) -> None:
    for more, code in BAD_WISHES:
        with pytest.raises(InvalidInput, match=code):
            await desk.users.register(a_wish(**more))
    assert await desk.rows("app_users") == []


async def test_a_name_and_an_address_belong_to_one_person(desk: Desk) -> None:
    await desk.users.register(a_wish(email="alice@example.org"))
    for other in (a_wish("ALICE"), a_wish("bob", email="Alice@Example.org")):
        with pytest.raises(Conflict, match="name_taken"):
            await desk.users.register(other)


async def test_registering_again_and_again_from_one_address_waits(desk: Desk) -> None:
    strict = Desk(desk.stage, address_failures=2).users
    for number in range(2):
        await strict.register(a_wish(f"name-{number}"), "203.0.113.7")
    assert await code_of(strict.register(a_wish("name-9"), "203.0.113.7")) == "too_many_attempts"


BAD_ACTS = [
    (Act(by="", reason="because"), "actor_missing"),
    (Act(by="user:somebody", reason="because"), "actor_missing"),
    (Act(by="cli:root", reason=" "), "reason_missing"),
    (Act(by="cli:root", reason="x" * 501), "reason_missing"),
]


async def test_an_act_says_who_and_why(desk: Desk) -> None:
    user_id = await desk.person()
    users = desk.users
    for act, code in BAD_ACTS:
        for asked in (
            users.set_role(user_id, "admin", act),
            users.disable(user_id, act),
            users.enable(user_id, act),
            users.delete(user_id, act),
            users.invite("user", 7, act),
            users.add_user(a_wish("bob"), "user", act),
            users.set_password(user_id, "a wholly other phrase", act),
            users.remove_totp(user_id, act),
            users.propose("keys.disable_all", "platform", act),
        ):
            assert await code_of(asked) == code
    assert (await users.profile(user_id)).status == "active"


async def test_an_act_stands_in_the_persons_own_trail(desk: Desk) -> None:
    user_id = await desk.person()
    await desk.users.set_role(user_id, "support", ADMIN)
    await desk.users.set_role(user_id, "support", ADMIN)
    await desk.users.disable(user_id, ADMIN)
    await desk.users.disable(user_id, ADMIN)
    await desk.users.enable(user_id, ADMIN)
    assert await desk.trail(user_id) == ["user.registered", "user.role_changed", "user.disabled", "user.enabled"]
    assert len(await desk.stage.told(UserDisabled, UserEnabled)) == 2


async def test_the_last_admin_stays_one(desk: Desk) -> None:
    root = await desk.person("root", role="admin")
    for asked in (
        desk.users.set_role(root, "user", ACT),
        desk.users.disable(root, ACT),
        desk.users.delete(root, ACT),
    ):
        assert await code_of(asked) == "last_admin"
    await desk.person("second", role="admin")
    assert (await desk.users.set_role(root, "user", ACT)).role == "user"
    with pytest.raises(InvalidInput, match="unknown_role"):
        await desk.users.set_role(root, "owner", ACT)


async def test_two_admins_leaving_at_once_leave_one(desk: Desk) -> None:
    admins = [await desk.person(name, role="admin") for name in ("root", "second")]
    found = await asyncio.gather(*(desk.users.set_role(one, "user", ACT) for one in admins), return_exceptions=True)
    assert len([one for one in found if isinstance(one, TradingBoostError)]) == 1


async def test_a_deleted_person_leaves_a_bare_id_and_nothing_that_opens(desk: Desk) -> None:
    user = await desk.users.register(a_wish(email="alice@example.org"))
    await desk.users.link_account(
        LinkAccount(
            user_id=user.user_id,
            venue="okx",  # type: ignore[arg-type]
            environment="simulated",
            label="main",
            exchange_uid="uid-1",
            api_key="canary-key",
            api_secret="canary-secret",
            passphrase="canary-phrase",
        )
    )
    device, _ = await desk.with_totp(user.user_id)
    tokens = await desk.login(code=desk.code(device))
    await desk.users.delete(user.user_id, ADMIN)
    assert await code_of(desk.caller(tokens)) == "unauthenticated"
    assert await code_of(desk.users.profile(user.user_id)) == "user_not_found"
    assert await code_of(desk.users.delete(user.user_id, ADMIN)) == "user_not_found"
    [row] = await desk.rows("app_users")
    assert row["username"] == f"deleted-{user.user_id}"
    assert [row[name] for name in ("email", "password_hash", "totp_sealed")] == [None] * 3
    [key] = await desk.rows("exchange_credentials")
    assert [key[name] for name in ("api_key", "api_secret", "passphrase", "dek_wrapped")] == [None] * 4
    assert (await desk.trail(user.user_id))[-1] == "user.deleted"
    assert len(await desk.stage.told(UserDeleted)) == 1
    assert (await desk.users.register(a_wish(email="alice@example.org"))).user_id != user.user_id


async def test_support_looks_for_as_long_as_the_person_allows(desk: Desk) -> None:
    user_id = await desk.person()
    allowed = await desk.users.allow_support(user_id, 2)
    assert allowed.support_until is not None
    assert (allowed.support_until - desk.clock.now()).total_seconds() == 7200
    assert (await desk.users.allow_support(user_id, 0)).support_until is None
    with pytest.raises(InvalidInput, match="consent_too_long"):
        await desk.users.allow_support(user_id, 24 * 8)


async def test_two_must_agree_and_nobody_agrees_with_themselves(desk: Desk) -> None:
    other = Act(by="admin:0190b3a4-5c6d-7e8f-9a0b-000000000002", reason="I looked at it too")
    proposal = await desk.users.propose("keys.disable_all", "okx", ADMIN)
    assert await code_of(desk.users.approve(proposal, ADMIN)) == "four_eyes"
    async with desk.stage.db.transaction() as db:
        assert await proposals.carry_out(db, "keys.disable_all", "okx", desk.clock.now()) is None
    await desk.users.approve(proposal, other)
    assert await code_of(desk.users.approve(proposal, other)) == "proposal_approved"
    async with desk.stage.db.transaction() as db:
        assert await proposals.carry_out(db, "keys.disable_all", "bybit", desk.clock.now()) is None
        assert await proposals.carry_out(db, "keys.disable_all", "okx", desk.clock.now()) is not None
        assert await proposals.carry_out(db, "keys.disable_all", "okx", desk.clock.now()) is None
    assert await desk.trail(None) == ["proposal.made", "proposal.approved"]
    late = await desk.users.propose("keys.disable_all", "okx", ADMIN)
    desk.clock.advance(3600)
    for unknown in (late, str(uuid7()), "x"):
        with pytest.raises(NotFound, match="proposal_not_found"):
            await desk.users.approve(unknown, other)
    assert UserId(late) != proposal
