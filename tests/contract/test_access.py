"""Who may call what: every method of every interface x {anonymous, A on A, A on B, support, admin, script, disabled}.

The table is `shared.access`. A method without a row fails here, and so does a row without a method; what a person may
call is played against somebody else's data, generated from the table, and none passes.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from tradingboost.core.errors import InvalidInput, NotFound, Refused, TradingBoostError
from tradingboost.core.ids import UserId
from tradingboost.kit.guard import guarded, not_there
from tradingboost.shared import interfaces
from tradingboost.shared.access import ACCESS, Rule, Who
from tradingboost.shared.calls import Repeat, call_of
from tradingboost.shared.interfaces.users import Users
from tradingboost.shared.interfaces.users.logins import Caller
from tradingboost.shared.interfaces.users.people import Act

A, B = UserId("0190b3a4-0000-7000-8000-00000000000a"), UserId("0190b3a4-0000-7000-8000-00000000000b")
ALL = ("read", "trade", "settings")


def protocols() -> dict[str, type[Any]]:
    """Every interface that is served, by its name: neither the parts of a larger one nor a narrower view of one."""
    found: set[type[Any]] = set()
    for module in pkgutil.walk_packages(interfaces.__path__, f"{interfaces.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and getattr(value, "_is_protocol", False) and value.__module__ == module.name:
                found.add(value)
    parts = {base for one in found for base in one.__mro__[1:]}
    views = {one for one in found if one is not Users and "async def" not in inspect.getsource(one)}
    return {one.__name__: one for one in found - parts - views}


INTERFACES = protocols()
METHODS = [
    (name, method)
    for name, interface in sorted(INTERFACES.items())
    for method, function in inspect.getmembers(interface, inspect.iscoroutinefunction)
    if call_of(function) and not method.startswith("_")
]
ROWS = [(name, method, rule) for name, rules in ACCESS.items() for method, rule in rules.items()]
PEOPLE = [row for row in ROWS if row[2].who is Who.PERSON]
OWNED = [row for row in PEOPLE if row[2].owners]


def ids(rows: list[tuple[str, str, Rule]]) -> list[str]:
    return [f"{name}.{method}" for name, method, _ in rows]


def test_every_method_of_every_interface_has_a_row_and_every_row_a_method() -> None:
    assert len(METHODS) > 100, "the search finds nothing"
    rows = {(name, method) for name, method, _ in ROWS}
    assert sorted(set(METHODS) - rows) == [], "say in shared/access.py who may call these"
    assert sorted(rows - set(METHODS)) == []


@pytest.mark.parametrize(("name", "method", "rule"), ROWS, ids=ids(ROWS))
def test_a_row_fits_its_method(name: str, method: str, rule: Rule) -> None:
    function = getattr(INTERFACES[name], method)
    hints = get_type_hints(function)
    for named in rule.owners:
        _, _, path = named.partition(":")
        first, *rest = path.split(".")
        place = hints[first]
        for part in rest:
            place = get_type_hints(place)[part]
        assert "str" in str(place) or "Id" in str(place), path
    if rule.actor:
        assert rule.actor in hints
    if rule.who in (Who.PERSON, Who.ADMIN):
        assert rule.scope in ALL
    if rule.scope == "read":
        assert call_of(function).repeat is Repeat.SAFE, "what only reads is tagged safe"
    names_somebody = {one for one in inspect.signature(function).parameters if one in ("user_id", "account_id")}
    if rule.who is Who.PERSON and names_somebody:
        assert rule.owners, "it names somebody's things and nobody asks whose they are"


class Recorder:
    """Stands for any service; keeps what reached it."""

    def __init__(self, found: Any = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._found = found

    def __getattr__(self, name: str) -> Any:
        async def reached(**given: Any) -> Any:
            self.calls.append((name, given))
            return self._found

        return reached


class Things:
    """`a-...` is A's, `b-...` is B's, and nothing else exists; B may allow the support."""

    def __init__(self, consent: bool = False) -> None:
        self.looked: list[tuple[UserId, str, Act]] = []
        self._consent = consent

    async def owner(self, kind: str, name: str) -> UserId | None:
        if kind == "user":
            return UserId(name)
        return {"a": A, "b": B}.get(name.partition("-")[0])

    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None:
        if not self._consent:
            raise not_there("user")
        self.looked.append((user_id, what, act))


def a_caller(user_id: UserId = A, **more: Any) -> Caller:
    return Caller(**{"user_id": user_id, "role": "user", "scopes": ALL, "session_id": "s", "stepped_up": True, **more})


def arguments(name: str, method: str, rule: Rule, whose: str) -> dict[str, Any]:
    """Arguments that name things of `a`, of `b`, or of nobody."""
    parameters = list(inspect.signature(getattr(INTERFACES[name], method)).parameters.values())[1:]
    given: dict[str, Any] = {one.name: one.name for one in parameters}
    for named in rule.owners:
        kind, _, path = named.partition(":")
        value = {"a": A, "b": B}.get(whose, "nobody") if kind == "user" else f"{whose}-thing"
        first, *rest = path.split(".")
        if rest:
            given[first] = given[first] if isinstance(given[first], SimpleNamespace) else SimpleNamespace()
            setattr(given[first], rest[0], value)
        else:
            given[first] = value
    if rule.actor == "act":
        given["act"] = Act(by="admin:somebody-else", reason="because")
    return given


async def asked(name: str, method: str, rule: Rule, whose: str, caller: Caller | None, **more: Any) -> Recorder:
    """Call as this caller; what got through."""
    target = Recorder()
    owners = more.pop("owners", None) or Things()
    guard = guarded(INTERFACES[name], target, caller, owners, **more)
    await getattr(guard, method)(**arguments(name, method, rule, whose))
    return target


async def fault(*args: Any, **more: Any) -> TradingBoostError:
    with pytest.raises(TradingBoostError) as found:
        await asked(*args, **more)
    return found.value


@pytest.mark.parametrize(("name", "method", "rule"), OWNED, ids=ids(OWNED))
async def test_a_reaches_its_own_and_nothing_of_b(name: str, method: str, rule: Rule) -> None:
    assert [one for one, _ in (await asked(name, method, rule, "a", a_caller())).calls] == [method]
    foreign = await fault(name, method, rule, "b", a_caller())
    absent = await fault(name, method, rule, "nobody", a_caller())
    assert isinstance(foreign, NotFound)
    assert (foreign.code, foreign.message, foreign.details) == (absent.code, absent.message, absent.details)
    empty = arguments(name, method, rule, "a")
    for named in rule.owners:
        first, *rest = named.partition(":")[2].split(".")
        setattr(empty[first], rest[0], "") if rest else empty.update({first: ""})
    with pytest.raises(InvalidInput, match="thing_not_named"):
        await getattr(guarded(INTERFACES[name], Recorder(), a_caller(), Things()), method)(**empty)


@pytest.mark.parametrize(("name", "method", "rule"), OWNED, ids=ids(OWNED))
async def test_an_admin_or_the_support_reads_at_most_and_only_where_b_allows_it(
    name: str, method: str, rule: Rule
) -> None:
    for role in ("support", "admin"):
        caller = a_caller(role=role)
        assert isinstance(await fault(name, method, rule, "b", caller), NotFound), "without a reason"
        refused = await fault(name, method, rule, "b", caller, reason="they asked for help")
        assert isinstance(refused, NotFound), "without consent"
        things = Things(consent=True)
        if rule.support:
            reached = await asked(name, method, rule, "b", caller, reason="they asked for help", owners=things)
            assert [one for one, _ in reached.calls] == [method]
            assert {(one[0], one[1], one[2].by) for one in things.looked} == {(B, method, f"support:{A}")}
        else:
            assert isinstance(
                await fault(name, method, rule, "b", caller, reason="they asked for help", owners=things), NotFound
            )
            assert things.looked == []
    nobody = await fault(name, method, rule, "b", a_caller(), reason="I want to", owners=Things(consent=True))
    assert isinstance(nobody, NotFound), "a user with a reason is still a user"


@pytest.mark.parametrize(("name", "method", "rule"), ROWS, ids=ids(ROWS))
async def test_who_is_not_meant_does_not_get_through(name: str, method: str, rule: Rule) -> None:
    if rule.who is Who.ANYONE:
        assert [one for one, _ in (await asked(name, method, rule, "a", None)).calls] == [method]
        return
    assert (await fault(name, method, rule, "a", None)).code == "unauthenticated"
    if rule.who is Who.SYSTEM:
        for role in ("user", "support", "admin"):
            assert (await fault(name, method, rule, "a", a_caller(role=role))).code == "not_for_people"
        return
    if rule.who is Who.ADMIN:
        for role in ("user", "support"):
            assert (await fault(name, method, rule, "a", a_caller(role=role))).code == "role_missing"
    admin = a_caller(role="admin")
    others = tuple(one for one in ALL if one != rule.scope)
    script = Caller(user_id=A, role=admin.role, scopes=others, session_id="", stepped_up=True)
    assert (await fault(name, method, rule, "a", script)).code == "scope_missing"
    if rule.step_up:
        stale = a_caller(role="admin", stepped_up=False)
        assert (await fault(name, method, rule, "a", stale)).code == "step_up_required"


SIGNED = [row for row in ROWS if row[2].actor]


@pytest.mark.parametrize(("name", "method", "rule"), SIGNED, ids=ids(SIGNED))
async def test_nobody_acts_in_anothers_name(name: str, method: str, rule: Rule) -> None:
    [(_, given)] = (await asked(name, method, rule, "a", a_caller(role="admin"))).calls
    signed = given[rule.actor]
    assert (signed.by if isinstance(signed, Act) else signed) in (f"admin:{A}", f"user:{A}")


@pytest.mark.parametrize(("name", "method"), [(row[0], row[1]) for row in ROWS if row[2].results])
async def test_a_list_of_everybody_becomes_the_callers_own(name: str, method: str) -> None:
    everybody = [SimpleNamespace(user_id=A, n=1), SimpleNamespace(user_id=B, n=2)]
    guard = guarded(INTERFACES[name], Recorder(everybody), a_caller(), Things())
    assert await getattr(guard, method)() == everybody[:1]


async def test_all_credentials_means_all_of_mine() -> None:
    target = Recorder([])
    await guarded(INTERFACES["Users"], target, a_caller(), Things()).credentials()
    assert target.calls == [("credentials", {"user_id": A, "limit": 1000})]


async def test_trap_a_route_without_authentication_or_a_user_from_the_path() -> None:
    """A method that nobody wrote a rule for is closed, and naming somebody does not make one them."""

    class Orders:
        async def rob(self, user_id: UserId) -> None:
            """A method somebody forgot to classify."""

    target: Any = Recorder()
    with pytest.raises(Refused, match="not_for_people"):
        await guarded(Orders, target, a_caller(role="admin"), Things()).rob(A)
    rule = ACCESS["Users"]["sessions"]
    assert isinstance(await fault("Users", "sessions", rule, "b", a_caller()), NotFound)


async def test_trap_a_missing_id_becomes_one_real_persons() -> None:
    """No id is never somebody: all of mine where that has a meaning, refused everywhere else, and nobody is reached."""
    for name, method, rule in OWNED:
        for nothing in (None, "", "default", "0"):
            given = arguments(name, method, rule, "a")
            for named in rule.owners:
                first, *rest = named.partition(":")[2].split(".")
                if rest:
                    setattr(given[first], rest[0], nothing)
                else:
                    given[first] = nothing
            target: Any = Recorder()
            guard = guarded(INTERFACES[name], target, a_caller(), Things())
            try:
                await getattr(guard, method)(**given)
            except (NotFound, InvalidInput):
                assert target.calls == []
            else:
                assert (nothing, rule.owners) == (None, ("user:user_id",))
                assert target.calls[0][1]["user_id"] == A


def rows_of(who: Who) -> Iterator[str]:
    return (f"{name}.{method}" for name, method, rule in ROWS if rule.who is who)


def test_money_and_ciphertext_are_closed_to_people() -> None:
    closed = set(rows_of(Who.SYSTEM))
    assert {
        "Exchange.place",
        "Orders.submit",
        "Users.sealed_credential",
        "Users.sealed_version",
        "DataKeys.new_data_key",
        "Users.rewrap",
        "Users.ensure",
        "Users.show_link_code",
    } <= closed
    assert set(rows_of(Who.ANYONE)) == {"Users.login", "Users.refresh", "Users.register"}
