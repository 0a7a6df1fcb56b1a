"""The second factor: sealed, each code once, a neighbour step at most, and guessing waits."""

import pytest
from sqlalchemy import text
from tests.services.users.login_desk import ACT, PASSWORD, Desk

from tradingboost.core.errors import Conflict, Refused


async def code_of(awaitable: object) -> str:
    """The code of a refusal."""
    with pytest.raises((Refused, Conflict)) as found:
        await awaitable  # type: ignore[misc]
    return found.value.code


async def test_once_set_up_a_login_needs_a_code_and_takes_each_once(desk: Desk) -> None:
    user_id = await desk.person()
    before = await desk.login()
    device, _ = await desk.with_totp(user_id)
    assert await code_of(desk.caller(before)) == "unauthenticated", "setting it up ends every session"
    assert await code_of(desk.login()) == "totp_required"
    code = desk.code(device)
    assert (await desk.login(code=code)).user_id == user_id
    assert await code_of(desk.login(code=code)) == "totp_refused"
    assert (await desk.users.profile(user_id)).totp


async def test_a_code_of_a_neighbour_step_counts_unless_it_was_taken(desk: Desk) -> None:
    """The step before was taken when the second factor was set up."""
    device, _ = await desk.with_totp(await desk.person())
    for steps in (-2, -1, 2):
        assert await code_of(desk.login(code=desk.code(device, steps))) == "totp_refused"
    for steps in (0, 1):
        assert (await desk.login(code=desk.code(device, steps))).access_token


async def test_a_later_code_voids_the_earlier_one(desk: Desk) -> None:
    device, _ = await desk.with_totp(await desk.person())
    await desk.login(code=desk.code(device, 1))
    assert await code_of(desk.login(code=desk.code(device, 0))) == "totp_refused"


async def test_guessing_codes_waits_although_the_password_is_right(desk: Desk) -> None:
    device, _ = await desk.with_totp(await desk.person())
    found = [await code_of(desk.login(code="000000")) for _ in range(6)]
    assert found == ["totp_refused"] * 5 + ["too_many_attempts"]
    assert await code_of(desk.login(code=desk.code(device))) == "too_many_attempts"


async def test_guessing_a_step_up_waits(desk: Desk) -> None:
    user_id = await desk.person()
    device, _ = await desk.with_totp(user_id)
    tokens = await desk.login(code=desk.code(device))
    desk.clock.advance(30)
    found = [await code_of(desk.users.step_up(user_id, tokens.session_id, "000000")) for _ in range(6)]
    assert found == ["totp_refused"] * 5 + ["too_many_attempts"]
    assert await code_of(desk.users.step_up(user_id, tokens.session_id, desk.code(device))) == "too_many_attempts"


async def test_a_recovery_code_works_once_and_new_ones_void_the_old(desk: Desk) -> None:
    user_id = await desk.person()
    _, codes = await desk.with_totp(user_id)
    assert (await desk.login(code=codes[0].upper())).user_id == user_id
    assert await code_of(desk.login(code=codes[0])) == "totp_refused"
    renewed = await desk.users.renew_recovery_codes(user_id)
    assert await code_of(desk.login(code=codes[1])) == "totp_refused"
    assert (await desk.login(code=renewed[0])).user_id == user_id
    kept = str(await desk.rows("recovery_codes"))
    assert all(code not in kept for code in [*codes, *renewed])


async def test_the_secret_is_sealed_and_opens_for_its_person_only(desk: Desk) -> None:
    alice, bob = await desk.person(), await desk.person("bob")
    enrolled = await desk.users.enrol_totp(alice, PASSWORD)
    assert "otpauth://totp/" in enrolled.uri
    assert enrolled.secret not in str(await desk.rows("app_users"))
    async with desk.stage.db.transaction() as db:
        await db.execute(
            text(
                "UPDATE users.app_users SET totp_sealed = (SELECT totp_sealed FROM users.app_users WHERE id = :a)"
                " WHERE id = :b"
            ),
            {"a": alice, "b": bob},
        )
    assert await code_of(desk.users.confirm_totp(bob, "123456")) == "decrypt_failed"


async def test_setting_up_needs_the_password_and_does_not_replace_what_stands(desk: Desk) -> None:
    user_id = await desk.person()
    assert await code_of(desk.users.enrol_totp(user_id, "not the password")) == "login_failed"
    assert await code_of(desk.users.confirm_totp(user_id, "123456")) == "totp_not_begun"
    assert await code_of(desk.users.renew_recovery_codes(user_id)) == "totp_missing"
    await desk.users.enrol_totp(user_id, PASSWORD)
    assert (await desk.login()).user_id == user_id, "it counts from its first code on"
    await desk.with_totp(user_id)
    assert await code_of(desk.users.enrol_totp(user_id, PASSWORD)) == "totp_there"
    await desk.users.remove_totp(user_id, ACT)
    assert (await desk.login()).user_id == user_id
    assert not (await desk.users.profile(user_id)).totp


async def test_a_step_up_is_good_for_its_own_session_and_five_minutes(desk: Desk) -> None:
    user_id = await desk.person()
    device, _ = await desk.with_totp(user_id)
    tokens = await desk.login(code=desk.code(device))
    desk.clock.advance(30)
    other = await desk.login(code=desk.code(device))
    desk.clock.advance(30)
    proof = (await desk.users.step_up(user_id, tokens.session_id, desk.code(device))).token
    assert (await desk.caller(tokens, proof)).stepped_up
    assert not (await desk.caller(tokens)).stepped_up
    assert await code_of(desk.caller(other, proof)) == "unauthenticated"
    assert await code_of(desk.caller(tokens, tokens.access_token)) == "unauthenticated"
    assert await code_of(desk.users.authenticate(proof)) == "unauthenticated"
    desk.clock.advance(301)
    assert await code_of(desk.caller(tokens, proof)) == "token_expired"


async def test_there_is_no_step_up_without_a_second_factor_or_in_somebody_elses_session(desk: Desk) -> None:
    user_id, mallory = await desk.person(), await desk.person("mallory")
    tokens = await desk.login()
    assert await code_of(desk.users.step_up(user_id, tokens.session_id, "123456")) == "totp_missing"
    device, _ = await desk.with_totp(mallory)
    assert await code_of(desk.users.step_up(mallory, tokens.session_id, desk.code(device))) == "totp_refused"


async def test_an_admin_is_one_only_with_a_second_factor(desk: Desk) -> None:
    admin = await desk.person("root", role="admin")
    assert (await desk.caller(await desk.login("root"))).role == "user"
    device, _ = await desk.with_totp(admin)
    assert (await desk.caller(await desk.login("root", code=desk.code(device)))).role == "admin"
