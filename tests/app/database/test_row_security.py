"""Rows are seen by whoever they belong to: roles, policies and the name of a person in a transaction."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from tests.app.database.conftest import UNHURRIED
from tests.builders import T0
from tests.servers import Databases

from tradingboost.app.process import opened, role_in
from tradingboost.app.schemas import all_schemas, bring_up, state_of
from tradingboost.app.settings import Settings
from tradingboost.app.tenants import TENANCY
from tradingboost.app.topology import PROCESSES
from tradingboost.core.errors import Refused
from tradingboost.kit.db import Database
from tradingboost.kit.settings import DbSettings
from tradingboost.kit.tenancy import PLATFORM, USER, condition, is_shared, lift, role_of
from tradingboost.services.orders.tables import mode_causes
from tradingboost.services.strategy.tables import decisions, runs
from tradingboost.services.users.tables import app_users, exchange_accounts, exchange_credentials, presets

ANNA, BORIS = (str(UUID(int=0xA)), str(UUID(int=0xB)))
ACCOUNTS = {ANNA: str(UUID(int=0xA1)), BORIS: str(UUID(int=0xB1))}
TABLES = [table for schema in all_schemas() for table in schema.metadata.sorted_tables]


def name_of(table: Table) -> str:
    return f"{table.schema}.{table.name}"


@pytest.fixture
async def people(whole: Database) -> Database:
    """Two people with an account, a run, a decision and a blocked symbol each."""
    async with whole.transaction() as db:
        for person in (ANNA, BORIS):
            at = {"created_at": T0, "updated_at": T0}
            await db.execute(insert(app_users).values(id=person, username=person, **at))
            account = {"id": ACCOUNTS[person], "user_id": person, "exchange": "okx", "label": "main"}
            await db.execute(insert(exchange_accounts).values(**account, max_notional_quote=1, linked_at=T0))
            await db.execute(insert(mode_causes).values(_cause(person)))
            await db.execute(insert(runs).values(_run(person)))
            await db.execute(insert(decisions).values(_decision(person)))
    return whole


def _cause(person: str) -> dict[str, object]:
    return {"account_id": ACCOUNTS[person], "symbol": "", "cause": "test", "mode": "NO_ENTRIES", "since": T0}


def _run(person: str) -> dict[str, object]:
    fixed = {"strategy": "grid", "venue": "okx", "symbol": "BTC-USDT-SWAP", "timeframe": "5m", "status": "running"}
    numbers = {"settings_version": 1, "version": 1, "seq": 0, "params": {}, "facts": {}}
    texts = {"code_version": "1", "state": "{}", "fold": "{}"}
    return {"run_id": f"run-{person}", "user_id": person, "account_id": ACCOUNTS[person], "started_at": T0} | (
        fixed | numbers | texts
    )


def _decision(person: str) -> dict[str, object]:
    fixed = {"symbol": "BTC-USDT-SWAP", "timeframe": "5m", "bar_close_at": T0, "bar_confirmed": True, "wishes": 0}
    names = {"decision_id": f"decision-{person}", "run_id": f"run-{person}"}
    return fixed | names | {"settings_version": 1, "code_version": "1", "decided_at": T0}


As = Callable[[str], Awaitable[Database]]


@pytest.fixture
async def working_as(people: Database, whole_url: str) -> AsyncIterator[As]:
    opened: list[Database] = []

    async def open_as(role: str) -> Database:
        opened.append(Database.open(whole_url, DbSettings(pool_size=2, max_overflow=1), role=role))
        return opened[-1]

    yield open_as
    for one in opened:
        await one.close()


async def numbers(database: Database, user: str | None = None) -> list[int]:
    """How many rows of four tables are seen, two of them without a column that names a person."""
    found = []
    async with database.read(user) as db:
        for table in (app_users, exchange_accounts, mode_causes, decisions):
            found.append((await db.execute(select(func.count()).select_from(table))).scalar_one())
    return found


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_of_every_table_it_is_said_whose_its_rows_are(table: Table) -> None:
    said = is_shared(table, TENANCY) or name_of(table) in TENANCY.mine or condition(table, TENANCY) != "false"
    assert said, f"name {name_of(table)} in app/tenants.py, or give it a column user_id or account_id"


async def test_every_table_that_is_somebodys_is_guarded_even_against_its_owner(whole: Database) -> None:
    asked = text("SELECT relforcerowsecurity AND relrowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
    async with whole.read() as db:
        for table in TABLES:
            forced = (await db.execute(asked, {"name": name_of(table)})).scalar_one()
            assert forced == (not is_shared(table, TENANCY)), name_of(table)


async def test_a_person_sees_own_rows_and_a_service_sees_all(working_as: As) -> None:
    platform = await working_as(PLATFORM)
    assert await numbers(platform) == [2, 2, 2, 2]
    assert await numbers(platform, ANNA) == [1, 1, 1, 1]
    assert await numbers(platform, BORIS) == [1, 1, 1, 1]
    assert await numbers(platform, str(UUID(int=0xC))) == [0, 0, 0, 0]


async def test_trap_a_missing_person_is_somebody(working_as: As) -> None:
    assert await numbers(await working_as(USER)) == [0, 0, 0, 0]
    assert await numbers(await working_as(PLATFORM), "") == [0, 0, 0, 0]


async def test_the_owner_of_a_table_sees_no_row_of_it_without_a_policy(people: Database) -> None:
    async with people.transaction() as db:
        await db.execute(text("CREATE ROLE plain_owner"))
        await db.execute(text("GRANT USAGE ON SCHEMA users TO plain_owner"))
        await db.execute(text("ALTER TABLE users.app_users OWNER TO plain_owner"))
        await db.execute(text("SET LOCAL ROLE plain_owner"))
        assert (await db.execute(select(func.count()).select_from(app_users))).scalar_one() == 0
        await db.execute(text("RESET ROLE"))
        await db.execute(text("REASSIGN OWNED BY plain_owner TO CURRENT_USER"))
        await db.execute(text("DROP OWNED BY plain_owner"))
        await db.execute(text("DROP ROLE plain_owner"))


async def test_nobody_writes_in_the_name_of_another(working_as: As) -> None:
    platform = await working_as(PLATFORM)
    at = {"created_at": T0, "updated_at": T0, "settings": {}, "version": 1, "strategy": "grid"}
    async with platform.transaction(ANNA) as db:
        await db.execute(insert(presets).values(id=str(UUID(int=1)), user_id=ANNA, name="mine", **at))
        changed = await db.execute(update(app_users).values(email="a@b.example").where(app_users.c.id == BORIS))
        assert changed.rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with platform.transaction(ANNA) as db:
            await db.execute(insert(presets).values(id=str(UUID(int=2)), user_id=BORIS, name="his", **at))
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with platform.transaction(ANNA) as db:
            await db.execute(update(mode_causes).values(mode="FROZEN"))


FORBIDDEN = [
    ("tb_orders", "SELECT * FROM users.exchange_credentials"),
    ("tb_strategy", "SELECT * FROM orders.orders"),
    ("tb_market", "UPDATE positions.positions SET qty = 0"),
    (USER, "SELECT api_secret FROM users.exchange_credentials"),
    (USER, "UPDATE orders.orders SET price = 1"),
    (PLATFORM, "UPDATE audit.events SET actor = 'nobody'"),
    (PLATFORM, "DELETE FROM audit.events"),
    (PLATFORM, "DROP TABLE market.ticks"),
]


async def test_a_role_may_do_what_its_service_does_and_no_more(working_as: As) -> None:
    for role, statement in FORBIDDEN:
        database = await working_as(role)
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            async with database.transaction() as db:
                await db.execute(text(statement))
    hidden = TENANCY.sealed["users.exchange_credentials"][1]
    shown = [column for column in exchange_credentials.columns if column.name not in hidden]
    async with (await working_as(PLATFORM)).read(ANNA) as db:  # of own keys everything but the ciphertext
        assert (await db.execute(select(*shown))).all() == []


async def test_a_thousand_blocks_of_different_people_over_three_connections_leak_nothing(working_as: As) -> None:
    database, dice = await working_as(PLATFORM), random.Random(20261121)
    asked = text(
        "SELECT current_user, coalesce(current_setting('app.user_id', true), ''), array_agg(id) FROM users.app_users"
    )

    async def block(person: str | None, ending: str) -> None:
        opened = database.read(person) if ending == "read" else database.transaction(person)
        async with opened as db:
            role, named, seen = (await db.execute(asked)).one()
            assert (role, named) == ((PLATFORM, "") if person is None else (USER, person))
            assert len(seen) == 2 if person is None else [str(one) for one in seen] == [person]
            if ending == "raise":
                raise LookupError
            if ending == "cancel":
                raise asyncio.CancelledError

    endings = [dice.choice(("read", "commit", "raise", "cancel")) for _ in range(1000)]
    blocks = [block(dice.choice((ANNA, BORIS, None)), ending) for ending in endings]
    done = await asyncio.gather(*blocks, return_exceptions=True)
    assert {type(one) for one in done} == {type(None), LookupError, asyncio.CancelledError}


async def test_guards_that_a_restored_dump_lacks_are_laid_by_the_next_start(whole_url: str) -> None:
    owner = Database.open(whole_url, UNHURRIED)
    try:
        async with owner.transaction() as db:
            await lift(db)
        assert not (await state_of(owner)).secured
        done = await bring_up(owner)
        assert (done.changed, done.secured) == ([], True)
        async with owner.read() as db:
            await db.execute(text("SELECT * FROM trades"))
    finally:
        await owner.close()


def test_a_process_works_as_the_role_of_its_service() -> None:
    assert role_in(PROCESSES) == role_in(["orders", "positions"]) == PLATFORM
    assert [role_in([name]) for name in ("orders", "hyperrsi", "grid")] == ["tb_orders", "tb_strategy", "tb_strategy"]
    assert {role_in([name]) for name in PROCESSES} <= {role_of(schema) for schema in TENANCY.schemas}


async def test_a_process_of_one_service_needs_a_login_that_may_be_its_role_and_nothing_else(
    databases: Databases, whole_url: str, redis_url: str
) -> None:
    admin = Database.open(whole_url, UNHURRIED)
    async with admin.transaction() as db:
        await db.execute(text("CREATE ROLE orders_login LOGIN NOINHERIT PASSWORD 'only-a-test'"))
        await db.execute(text("GRANT tb_orders, tb_user TO orders_login"))
    login = make_url(whole_url).set(username="orders_login", password="only-a-test")
    url = login.render_as_string(hide_password=False)
    wish = {"url": url, "owner_url": whole_url, "row_security": "require"}
    try:
        async with opened(Settings(db=wish), (url, redis_url), ["orders"]) as context:
            async with context.db.read() as db:
                assert (await db.execute(text("SELECT current_user, session_user"))).one() == (
                    "tb_orders",
                    "orders_login",
                )
            with pytest.raises(ProgrammingError, match="permission denied"):
                await numbers(context.db)
        with pytest.raises(Refused, match="may not act as tb_platform"):
            async with opened(Settings(db=wish), (url, redis_url)):
                raise AssertionError
    finally:
        async with admin.transaction() as db:
            await db.execute(text("DROP ROLE orders_login"))
        await admin.close()


async def test_a_login_that_may_not_take_roles_works_unguarded_unless_guards_are_required(databases: Databases) -> None:
    url = await databases.create()
    admin = Database.open(url, UNHURRIED)
    name = make_url(url).database
    async with admin.transaction() as db:
        await db.execute(text("CREATE ROLE simple_login LOGIN PASSWORD 'only-a-test' NOCREATEROLE"))
        await db.execute(text(f'GRANT CREATE ON DATABASE "{name}" TO simple_login'))
        await db.execute(text("GRANT CREATE ON SCHEMA public TO simple_login"))
    login = make_url(url).set(username="simple_login", password="only-a-test")
    simple = Database.open(login.render_as_string(hide_password=False), UNHURRIED)
    try:
        with pytest.raises(Refused, match="may not act as tb_"):
            await bring_up(simple, row_security="require")
        done = await bring_up(simple)
        assert (done.secured, len(done.changed)) == (False, len(all_schemas()))
        async with simple.transaction() as db:
            at = {"created_at": T0, "updated_at": T0}
            await db.execute(insert(app_users).values(id=ANNA, username="anna", **at))
        assert (await numbers(simple))[0] == 1
    finally:
        await simple.close()
        async with admin.transaction() as db:
            await db.execute(text("DROP OWNED BY simple_login"))
            await db.execute(text("DROP ROLE simple_login"))
        await admin.close()
        await databases.drop(url)
