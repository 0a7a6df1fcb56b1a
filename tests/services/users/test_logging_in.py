"""Logging in: the same answer for whoever is not there, a family of refresh tokens, and ends that are felt at once."""

import asyncio
import time

import bcrypt
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from tests.services.rooms import Room
from tests.services.users.login_desk import ACT, PASSWORD, Desk

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.runtime import Life
from tradingboost.services.users.service import UsersService
from tradingboost.services.users.service.sessions import MOST
from tradingboost.services.users.workers import sweep_logins
from tradingboost.shared.events.users import SessionRevoked
from tradingboost.shared.interfaces.users import Login


async def refused(awaitable: object) -> str:
    """The code of a refusal."""
    with pytest.raises(Refused) as found:
        await awaitable  # type: ignore[misc]
    return found.value.code


async def test_a_login_gives_tokens_that_speak_for_the_person(desk: Desk) -> None:
    user_id = await desk.person()
    tokens = await desk.login(name="ALICE", user_agent="a browser", address="203.0.113.7")
    caller = await desk.caller(tokens)
    assert (caller.user_id, caller.role, caller.session_id) == (user_id, "user", tokens.session_id)
    assert caller.scopes == ("read", "trade", "settings")
    assert not caller.stepped_up
    [session] = await desk.users.sessions(user_id)
    assert (session.user_agent, session.address) == ("a browser", "203.0.113.7")
    assert await desk.trail(user_id) == ["user.registered", "login.succeeded"]


async def test_the_hash_has_the_parameters_that_were_set_and_no_password_is_stored(stage: Room) -> None:
    desk = Desk(stage, slow=True)
    await desk.person()
    [row] = await desk.rows("app_users")
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in str(row)


async def test_an_unknown_name_is_answered_like_a_wrong_password_and_as_late(stage: Room) -> None:
    """Timing is compared with wide bounds: what must not be seen is the whole hash that is left out."""
    desk = Desk(stage, slow=True)
    await desk.person()
    await refused(desk.login(name="warm", password="not the password"))
    spans: dict[str, list[float]] = {"alice": [], "nobody": []}
    answers = set()
    for _ in range(4):
        for name, span in spans.items():
            begun = time.perf_counter()
            with pytest.raises(Refused) as found:
                await desk.login(name=name, password="not the password")
            span.append(time.perf_counter() - begun)
            answers.add((found.value.code, found.value.message, str(found.value.details)))
    assert len(answers) == 1
    assert min(spans["nobody"]) > 0.3 * min(spans["alice"])
    assert min(spans["alice"]) > 0.3 * min(spans["nobody"])


async def test_a_disabled_person_is_out_at_once_and_told_so_only_with_the_password(desk: Desk) -> None:
    user_id = await desk.person()
    tokens = await desk.login()
    assert (await desk.caller(tokens)).user_id == user_id
    await desk.users.disable(user_id, ACT)
    assert await refused(desk.caller(tokens)) == "unauthenticated"
    assert await refused(desk.users.refresh(tokens.refresh_token)) == "refresh_refused"
    assert await refused(desk.login()) == "account_disabled"
    assert await refused(desk.login(password="not the password")) == "login_failed"
    await desk.users.enable(user_id, ACT)
    assert (await desk.caller(await desk.login())).user_id == user_id


async def test_a_person_without_a_password_cannot_log_in(desk: Desk) -> None:
    await desk.person(password="")
    assert await refused(desk.login(password="")) == "login_failed"


async def test_a_refresh_token_works_once_and_the_next_one_goes_on(desk: Desk) -> None:
    await desk.person()
    first = await desk.login()
    second = await desk.users.refresh(first.refresh_token)
    third = await desk.users.refresh(second.refresh_token)
    assert first.session_id == second.session_id == third.session_id
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert first.refresh_token not in str(await desk.rows("refresh_tokens"))


async def test_a_replayed_refresh_token_ends_its_family_although_redis_was_flushed(desk: Desk, redis_url: str) -> None:
    user_id = await desk.person()
    other = await desk.login()
    first = await desk.login()
    second = await desk.users.refresh(first.refresh_token)
    assert (await desk.caller(second)).user_id == user_id
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
    assert await refused(desk.users.refresh(first.refresh_token)) == "refresh_refused"
    assert await refused(desk.users.refresh(second.refresh_token)) == "refresh_refused"
    assert await refused(desk.caller(second)) == "unauthenticated"
    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
    assert await refused(desk.process().authenticate(second.access_token)) == "unauthenticated"
    assert (await desk.caller(other)).user_id == user_id, "another family stands"
    told = [one for one in await desk.stage.told(SessionRevoked) if isinstance(one, SessionRevoked)]
    assert [(one.session_id, one.why) for one in told] == [(first.session_id, "refresh_replayed")]


async def test_the_same_refresh_token_at_the_same_time_is_taken_once(desk: Desk) -> None:
    await desk.person()
    tokens = await desk.login()
    found = await asyncio.gather(*(desk.users.refresh(tokens.refresh_token) for _ in range(5)), return_exceptions=True)
    assert len([one for one in found if not isinstance(one, BaseException)]) == 1
    assert await refused(desk.caller(tokens)) == "unauthenticated", "two who have it: nobody has it"


async def test_a_session_ends_by_idling_by_age_and_by_logging_out(desk: Desk) -> None:
    user_id = await desk.person()
    idle, old, out = await desk.login(), await desk.login(), await desk.login()
    await desk.users.logout(user_id, out.session_id)
    assert await refused(desk.users.refresh(out.refresh_token)) == "refresh_refused"
    for _ in range(2):
        desk.clock.advance(50_000)
        old = await desk.users.refresh(old.refresh_token)
    assert await refused(desk.users.refresh(idle.refresh_token)) == "refresh_refused"
    for _ in range(31):
        desk.clock.advance(80_000)
        old = await desk.users.refresh(old.refresh_token)
    desk.clock.advance(80_000)  # not idle for a day, but thirty days old
    assert await refused(desk.users.refresh(old.refresh_token)) == "refresh_refused"
    assert await desk.users.sessions(user_id) == []


async def test_nobody_logs_out_somebody_else(desk: Desk) -> None:
    await desk.person()
    mallory = await desk.person("mallory")
    tokens = await desk.login()
    await desk.users.logout(mallory, tokens.session_id)
    await desk.users.logout(mallory, "no session")
    assert (await desk.caller(tokens)).session_id == tokens.session_id


async def test_what_ends_every_session_voids_every_access_token(desk: Desk) -> None:
    user_id = await desk.person()
    other_process = desk.process()
    for how in ("logout_all", "role", "operator", "password"):
        await _all_end(desk, user_id, how, other_process)


async def _all_end(desk: Desk, user_id: UserId, how: str, other_process: UsersService) -> None:
    known = "a third phrase that is long" if how == "password" else PASSWORD
    held = [await desk.login(password=known) for _ in range(2)]
    for tokens in held:
        assert (await other_process.authenticate(tokens.access_token)).user_id == user_id
    if how == "logout_all":
        assert await desk.users.logout_all(user_id) == 2
    elif how == "password":
        await desk.users.change_password(user_id, known, "a wholly other phrase")
    elif how == "operator":
        await desk.users.set_password(user_id, "a third phrase that is long", ACT)
    else:
        await desk.users.set_role(user_id, "support", ACT)
    desk.clock.advance(1.1)  # what another process may still believe
    for tokens in held:
        assert await refused(desk.users.authenticate(tokens.access_token)) == "unauthenticated"
        assert await refused(other_process.authenticate(tokens.access_token)) == "unauthenticated"
        assert await refused(desk.users.refresh(tokens.refresh_token)) == "refresh_refused"


async def test_the_old_password_is_asked_for_and_a_weak_new_one_refused(desk: Desk) -> None:
    user_id = await desk.person()
    assert await refused(desk.users.change_password(user_id, "not the password", "a wholly other phrase")) == (
        "login_failed"
    )
    with pytest.raises(InvalidInput, match="password_refused"):
        await desk.users.change_password(user_id, PASSWORD, "password123")
    assert (await desk.login()).user_id == user_id


async def test_a_hash_of_the_old_system_is_accepted_once_and_replaced(desk: Desk) -> None:
    user_id = await desk.person()
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    async with desk.stage.db.transaction() as db:
        await db.execute(text("UPDATE users.app_users SET password_hash = :old"), {"old": old})
    assert await refused(desk.login(password="not the password")) == "login_failed"
    assert (await desk.login()).user_id == user_id
    [row] = await desk.rows("app_users")
    assert row["password_hash"].startswith("$argon2id$")
    assert (await desk.login()).user_id == user_id


async def test_a_person_has_so_many_sessions_and_the_one_used_least_goes(desk: Desk) -> None:
    user_id = await desk.person()
    first = await desk.login()
    for _ in range(MOST):
        desk.clock.advance(1)
        await desk.login()
    assert len(await desk.users.sessions(user_id)) == MOST
    assert await refused(desk.users.refresh(first.refresh_token)) == "refresh_refused"


async def test_a_login_that_is_no_login_is_refused_before_any_work(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="login_malformed"):
        await desk.users.login(Login(name="alice", password="x" * 129))
    assert await desk.rows("login_throttle") == []


async def test_what_ended_long_ago_is_swept(desk: Desk) -> None:
    user_id = await desk.person()
    tokens = await desk.login()
    await refused(desk.login(password="not the password"))
    await desk.users.logout(user_id, tokens.session_id)
    await desk.users.link_code(user_id)
    assert await desk.users.clean_logins() == 0
    desk.clock.advance(8 * 86_400)
    assert await desk.users.clean_logins() == 4
    for table in ("sessions", "refresh_tokens", "telegram_link_codes", "login_throttle"):
        assert await desk.rows(table) == []


async def test_a_token_of_nobody_speaks_for_nobody(desk: Desk) -> None:
    user_id = await desk.person()
    tokens = await desk.login()
    await desk.users.delete(user_id, ACT)
    assert await refused(desk.caller(tokens)) == "unauthenticated"
    assert await refused(desk.users.authenticate("")) == "unauthenticated"
    assert await refused(desk.users.refresh("tbr_unknown")) == "refresh_refused"
    assert UserId(user_id) == user_id


async def test_a_loop_sweeps_and_ends_when_asked(desk: Desk) -> None:
    await refused(desk.login(name="nobody", password="not the password"))
    desk.clock.advance(8 * 86_400)
    stop = asyncio.Event()
    sweeping = asyncio.create_task(sweep_logins(desk.users, Life(desk.clock, stop)))
    for _ in range(200):
        await asyncio.sleep(0.01)
        if await desk.rows("login_throttle") == []:
            break
    assert await desk.rows("login_throttle") == []
    stop.set()
    await asyncio.wait_for(sweeping, 5)
