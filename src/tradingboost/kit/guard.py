"""What stands between a person and a service: an object that keeps the same interface, for one caller.

    mine = guarded(Orders, orders, caller, owners)
    await mine.flatten(account_id, request_id)        # NotFound unless the account is the caller's

Rules are those of `shared.access`. Somebody else's thing and a thing that does not exist get the same answer by the
same way, so neither words nor time tell them apart.
"""

import inspect
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec

from tradingboost.core.errors import InvalidInput, NotFound, Refused
from tradingboost.core.ids import AccountId, UserId
from tradingboost.kit.access_token import unauthenticated
from tradingboost.shared.access import ACCESS, Rule, Who
from tradingboost.shared.interfaces.users.accounts import Account
from tradingboost.shared.interfaces.users.credentials import Credential
from tradingboost.shared.interfaces.users.logins import Caller
from tradingboost.shared.interfaces.users.people import Act

T = TypeVar("T")
_CLOSED: Final = Rule(who=Who.SYSTEM)


class Owners(Protocol):
    """Finds whose something is."""

    async def owner(self, kind: str, name: str) -> UserId | None:
        """Whose it is; None where there is no such thing."""
        ...

    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None:
        """Note that the support looks at this person's data; NotFound unless the person allows it now."""
        ...


class _Holder(Protocol):
    """What is asked of `users`."""

    async def account(self, account_id: AccountId) -> Account: ...

    async def credential(self, credential_id: str) -> Credential: ...

    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None: ...


class UserOwners:
    """Owners of people's own things: themselves, accounts and credentials."""

    def __init__(self, users: _Holder) -> None:
        self._users = users

    async def owner(self, kind: str, name: str) -> UserId | None:
        """Whose it is."""
        try:
            if kind == "user":
                return UserId(name)
            if kind == "account":
                return (await self._users.account(AccountId(name))).user_id
            if kind == "credential":
                return (await self._users.credential(name)).user_id
        except NotFound:
            return None
        return None

    async def support_looks(self, user_id: UserId, what: str, act: Act) -> None:
        """Note it in the person's trail."""
        await self._users.support_looks(user_id, what, act)


def guarded(interface: Any, target: T, caller: Caller | None, owners: Owners, *, reason: str = "") -> T:
    """The interface, for one caller.

    Args:
        caller: None for somebody who is not logged in.
        reason: why the support looks at somebody else's data; kept in that person's trail.
    """
    return cast(T, _Guarded(interface, target, caller, owners, reason))


class _Guarded:
    def __init__(self, interface: type[Any], target: Any, caller: Caller | None, owners: Owners, reason: str) -> None:
        self._interface = interface
        self._rules = ACCESS.get(interface.__name__, {})
        self._target = target
        self._caller = caller
        self._owners = owners
        self._reason = reason

    def __getattr__(self, name: str) -> Callable[..., Any]:
        rule = self._rules.get(name, _CLOSED)
        promised = getattr(self._interface, name)

        async def asked(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(promised).bind(self._target, *args, **kwargs)
            bound.apply_defaults()
            given = dict(list(bound.arguments.items())[1:])
            if rule.who is Who.ANYONE:
                return await getattr(self._target, name)(**given)
            caller = _admitted(rule, self._caller)
            for named in rule.owners:
                await self._check_owner(rule, caller, named, given, name)
            if rule.actor:
                _sign(given, rule.actor, caller)
            found = await getattr(self._target, name)(**given)
            return [one for one in found if one.user_id == caller.user_id] if rule.results else found

        return asked

    async def _check_owner(self, rule: Rule, caller: Caller, named: str, given: dict[str, Any], what: str) -> None:
        """Refuse unless the thing is the caller's, or the support may look at it."""
        kind, _, path = named.partition(":")
        first, *rest = path.split(".")
        if given[first] is None and kind == "user":
            given[first] = caller.user_id  # "all" means all of mine
        wanted = given[first]
        for part in rest:
            wanted = getattr(wanted, part)
        if not wanted:
            raise InvalidInput("thing_not_named", f"Say which {kind} is meant.")
        owner = await self._owners.owner(kind, wanted)
        if owner == caller.user_id:
            return
        if owner is not None and rule.support and caller.role in ("support", "admin") and self._reason:
            act = Act(by=f"support:{caller.user_id}", reason=self._reason)
            await self._owners.support_looks(owner, what, act)
            return
        raise not_there(kind)


def check(interface: Any, method: str, caller: Caller | None) -> None:
    """Refuse now what the method would refuse whomever it is about, before anybody is looked up for it."""
    _admitted(ACCESS.get(interface.__name__, {}).get(method, _CLOSED), caller)


def not_there(kind: str) -> NotFound:
    """The one answer for what does not exist and for what is somebody else's."""
    return NotFound(f"{kind}_not_found", f"There is no such {kind} here; check the name or the id.")


def _admitted(rule: Rule, caller: Caller | None) -> Caller:
    """The caller, if this method is open to them at all."""
    if caller is None:
        raise unauthenticated()
    if rule.who is Who.SYSTEM:
        raise Refused("not_for_people", "This is done by the platform itself or by its operator.")
    if rule.who is Who.ADMIN and caller.role != "admin":
        raise Refused("role_missing", "This is for admins, with a second factor set up.")
    if rule.scope not in caller.scopes:
        raise Refused("scope_missing", f"This token may not do that; it needs the scope {rule.scope!r}.")
    if rule.step_up and not caller.stepped_up:
        raise Refused("step_up_required", "Show a fresh code of your authenticator first (step-up).")
    return caller


def _sign(given: dict[str, Any], parameter: str, caller: Caller) -> None:
    """Whoever calls is whoever acts, whatever was said."""
    if isinstance(given[parameter], Act):
        given[parameter] = msgspec.structs.replace(given[parameter], by=f"admin:{caller.user_id}")
    else:
        given[parameter] = f"user:{caller.user_id}"
