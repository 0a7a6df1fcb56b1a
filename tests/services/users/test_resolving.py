"""One reader of identifiers: read by their form, never guessed, cached for a minute, and no way to authorise."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from tests.services.users.login_desk import ACT, Desk

from tradingboost.core.errors import Conflict, InvalidInput, NotFound, Refused
from tradingboost.core.ids import UserId
from tradingboost.kit.ids import uuid7
from tradingboost.services.users.models import checked_identity, read
from tradingboost.shared.events.users import IdentityChanged
from tradingboost.shared.interfaces.users import Registration

OKX = "612345678901234567"
CHAT = "987654321"


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        *((count, "") for count in (1, 4, 16, 17, 20, 25)),
        *((count, "telegram") for count in (5, 8, 9, 11, 12, 15)),
        *((count, "okx") for count in (18, 19)),
    ],
)
def test_a_number_is_read_by_its_length_or_refused(digits: int, kind: str) -> None:
    if kind:
        assert read("7" * digits).kinds == (kind,)
    else:
        with pytest.raises(InvalidInput, match="identifier_ambiguous"):
            read("7" * digits)


@pytest.mark.parametrize(
    ("text_", "kinds", "value"),
    [
        ("me", ("me",), "me"),
        (" 0190B3A4-5C6D-7E8F-9A0B-1C2D3E4F5061 ", ("id",), "0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061"),
        ("okx:123", ("okx",), "123"),
        ("Telegram:987654321", ("telegram",), "987654321"),
        ("name:Alice", ("name",), "alice"),
        ("email:A@B.org", ("email",), "a@b.org"),
        ("Alice", ("name",), "alice"),
        ("A@B.org", ("name", "email"), "a@b.org"),
        ("6123456789\u0661", ("name",), "6123456789\u0661"),
    ],
)
def test_an_identifier_is_read_by_its_form(text_: str, kinds: tuple[str, ...], value: str) -> None:
    assert (read(text_).kinds, read(text_).value) == (kinds, value)


@pytest.mark.parametrize("nothing", ["", "   ", "x" * 321])
def test_nothing_and_far_too_much_are_refused(nothing: str) -> None:
    with pytest.raises(InvalidInput, match="identifier_malformed"):
        read(nothing)


async def test_each_identifier_of_a_person_finds_the_same_one(desk: Desk) -> None:
    user = await desk.users.ensure({"okx": OKX, "telegram": CHAT}, "import")
    assert (await desk.users.ensure({"telegram": CHAT}, "import")).user_id == user.user_id
    for said in (user.user_id, user.user_id.upper(), OKX, f"okx:{OKX}", CHAT, f"telegram:{CHAT}", user.name):
        assert await desk.users.resolve(said) == user.user_id
    assert await desk.users.resolve("me", user.user_id) == user.user_id
    profile = await desk.users.profile(user.user_id)
    assert (profile.okx_uid, profile.telegram_linked, profile.has_password) == (OKX, True, False)


async def test_an_address_finds_its_person_after_the_name(desk: Desk) -> None:
    wish = Registration(username="alice", password="copper lantern 41 violin", email="Alice@Example.org")
    user = await desk.users.register(wish)
    assert await desk.users.resolve("alice@example.ORG") == user.user_id
    assert await desk.users.resolve("email:alice@example.org") == user.user_id


async def test_nobody_is_not_found_and_me_needs_somebody(desk: Desk) -> None:
    for said in ("nobody", "okx:1", OKX, CHAT, str(uuid7()), "who@example.org", "upbit:1"):
        with pytest.raises(NotFound) as missing:
            await desk.users.resolve(said)
        assert (missing.value.code, missing.value.details) == ("user_not_found", {})
    with pytest.raises(Refused, match="unauthenticated"):
        await desk.users.resolve("me")


async def test_who_somebody_is_comes_from_the_cache_until_it_changes(desk: Desk, redis_url: str) -> None:
    user = await desk.users.ensure({"okx": OKX}, "import")
    elsewhere = desk.process()
    assert await elsewhere.resolve(OKX) == user.user_id
    async with desk.stage.db.transaction() as db:  # behind the service's back, as a restored database would be
        await db.execute(text("UPDATE users.identities SET revoked_at = now()"))
    assert await elsewhere.resolve(OKX) == user.user_id, "a minute old at most"
    desk.clock.advance(2)
    assert await elsewhere.resolve(OKX) == user.user_id, "from Redis"
    async with Redis.from_url(redis_url) as client:
        assert [key.decode() async for key in client.scan_iter("identity:okx:*")] == [f"identity:okx:{OKX}"]
        await client.flushdb()
    desk.clock.advance(2)
    with pytest.raises(NotFound):
        await elsewhere.resolve(OKX)


async def test_a_no_is_forgotten_when_the_identity_appears(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.users.resolve(OKX)
    user = await desk.users.ensure({"okx": OKX}, "venue")
    assert await desk.users.resolve(OKX) == user.user_id
    [told] = await desk.stage.told(IdentityChanged)
    assert told == IdentityChanged(user_id=user.user_id, kind="okx", value_tail="4567", linked=True)


async def test_a_deleted_person_is_found_by_nothing(desk: Desk) -> None:
    user = await desk.users.ensure({"okx": OKX, "telegram": CHAT}, "import")
    for said in (OKX, CHAT, user.name, user.user_id):
        assert await desk.users.resolve(said) == user.user_id
    await desk.users.delete(user.user_id, ACT)
    for said in (OKX, CHAT, user.name, user.user_id):
        with pytest.raises(NotFound):
            await desk.users.resolve(said)
    assert (await desk.users.ensure({"okx": OKX}, "venue")).user_id != user.user_id


async def test_identities_of_different_people_are_not_joined(desk: Desk) -> None:
    await desk.users.ensure({"okx": OKX}, "import")
    await desk.users.ensure({"telegram": CHAT}, "import")
    with pytest.raises(Conflict, match="identities_disagree"):
        await desk.users.ensure({"okx": OKX, "telegram": CHAT}, "import")
    with pytest.raises(InvalidInput, match="identity_missing"):
        await desk.users.ensure({}, "import")


async def test_a_chat_is_never_stored_as_an_exchange_uid_nor_the_reverse(desk: Desk) -> None:
    user = await desk.users.create_user("alice")
    statement = text(
        "INSERT INTO users.identities (id, user_id, kind, value, source, created_at)"
        " VALUES (gen_random_uuid(), :user_id, :kind, :value, 'x', now())"
    )
    for kind, value in (("okx", CHAT), ("telegram", OKX), ("okx", ""), ("telegram", "12345x")):
        with pytest.raises(InvalidInput, match="identity_shape") as refused:
            checked_identity(kind, value)
        assert value == "" or value not in refused.value.message
        with pytest.raises(IntegrityError, match="shape"):
            async with desk.stage.db.transaction() as db:
                await db.execute(statement, {"user_id": user.user_id, "kind": kind, "value": value})


async def test_people_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    made = [await desk.person(f"person-{number}", "") for number in range(5)]
    first = await desk.users.people(limit=2)
    rest = await desk.users.people(limit=200, before=first[-1].user_id)
    assert [one.user_id for one in [*first, *rest]] == made[::-1]
    with pytest.raises(InvalidInput, match="limit_out_of_bounds"):
        await desk.users.people(limit=201)


async def test_what_is_no_id_at_all_names_nobody(desk: Desk) -> None:
    with pytest.raises(NotFound, match="user_not_found"):
        await desk.users.profile(UserId("1; DROP TABLE users"))
