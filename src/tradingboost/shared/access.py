"""Who may call what: every method of every interface, and how to find whose data it touches.

One table, read by `kit.guard`, which stands between a person and the services, and by the tests, which fail for a
method that is not in it. What is not in it is refused. Processes of the installation, which hold its signing key, call
each other without a guard; so does an operator at the machine.
"""

from enum import StrEnum
from typing import Final

import msgspec


class Who(StrEnum):
    """Who may call a method at all.

    ANYONE needs no login, PERSON a login and their own data, ADMIN a role, SYSTEM is closed to people.
    """

    ANYONE = "anyone"
    PERSON = "person"
    ADMIN = "admin"
    SYSTEM = "system"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What one method asks of its caller.

    Args:
        owners: what names whose data it touches, each `kind:path`, such as `account:request.account_id`; all of them
            must be the caller's. Empty for what is nobody's.
        scope: read, trade or settings.
        step_up: a second factor not older than five minutes.
        support: the support may look, for as long as the person allows.
        actor: parameters the guard fills in with who calls; nobody acts in another's name.
        results: of a list, only entries with the caller's `user_id` are handed on.
    """

    who: Who
    owners: tuple[str, ...] = ()
    scope: str = ""
    step_up: bool = False
    support: bool = False
    actor: str = ""
    results: bool = False


def _read(*owners: str) -> Rule:
    return Rule(who=Who.PERSON, owners=owners, scope="read", support=bool(owners))


def _private(*owners: str) -> Rule:
    """Read by the person alone: the support has no business there."""
    return Rule(who=Who.PERSON, owners=owners, scope="read")


def _write(scope: str, *owners: str, actor: str = "", step_up: bool = False) -> Rule:
    return Rule(who=Who.PERSON, owners=owners, scope=scope, actor=actor, step_up=step_up)


def _admin(actor: str = "act") -> Rule:
    return Rule(who=Who.ADMIN, scope="settings", step_up=True, actor=actor)


_ANYONE: Final = Rule(who=Who.ANYONE)
_SYSTEM: Final = Rule(who=Who.SYSTEM)
_PUBLIC: Final = Rule(who=Who.PERSON, scope="read")
_ADMIN_READ: Final = Rule(who=Who.ADMIN, scope="read")
_MINE: Final = "user:user_id"
_ACCOUNT: Final = "account:account_id"
_KEY: Final = "credential:credential_id"
_RUN: Final = "run:run_id"

_USERS: Final = {
    # who somebody is
    "create_user": _SYSTEM,
    "ensure": _SYSTEM,
    "resolve": _ADMIN_READ,  # a way to learn who is here
    "profile": _read(_MINE),
    "people": _ADMIN_READ,
    "register": _ANYONE,
    "allow_support": _write("settings", _MINE),
    "support_looks": _SYSTEM,
    # what admins do
    "add_user": _admin(),
    "invite": _admin(),
    "set_role": _admin(),
    "disable": _admin(),
    "enable": _admin(),
    "delete": _admin(),
    "set_password": _admin(),
    "remove_totp": _admin(),
    "propose": _admin(),
    "approve": _admin(),
    # logging in
    "login": _ANYONE,
    "refresh": _ANYONE,
    "authenticate": _SYSTEM,
    "logout": _write("settings", _MINE),
    "logout_all": _write("settings", _MINE),
    "sessions": _private(_MINE),
    "change_password": _write("settings", _MINE),
    "enrol_totp": _write("settings", _MINE),
    "confirm_totp": _write("settings", _MINE),
    "renew_recovery_codes": _write("settings", _MINE, step_up=True),
    "step_up": _write("settings", _MINE),
    "make_token": _write("settings", _MINE, step_up=True),
    "tokens": _private(_MINE),
    "revoke_token": _write("settings", _MINE),
    "clean_logins": _SYSTEM,
    # chats
    "link_code": _write("settings", _MINE, step_up=True),
    "show_link_code": _SYSTEM,
    "link_state": _private(_MINE),
    "confirm_link": _write("settings", _MINE),
    "unlink": _write("settings", _MINE),
    # accounts and sealed keys
    "link_account": _SYSTEM,
    "account": _read(_ACCOUNT),
    "accounts": Rule(who=Who.PERSON, scope="read", results=True),
    "sealed_credential": _SYSTEM,
    "sealed_version": _SYSTEM,
    "store_credential": _write("settings", "user:request.user_id", step_up=True),
    "import_credential": _SYSTEM,
    "fingerprint": _SYSTEM,
    "fingerprints": _SYSTEM,
    "credential": _read(_KEY),
    "credentials": _read(_MINE),
    "unverified": _SYSTEM,
    "verified_before": _SYSTEM,
    "activate": _SYSTEM,
    "confirm": _SYSTEM,
    "refuse": _SYSTEM,
    "break_off": _SYSTEM,
    "acknowledge": _SYSTEM,  # through Custody, like the next two, which looks at the opened keys as well
    "delete_credential": _SYSTEM,
    "restore_credential": _SYSTEM,
    "disable_all": _SYSTEM,
    "end_due": _SYSTEM,
    "kids": _SYSTEM,
    "wraps": _SYSTEM,
    "rewrap": _SYSTEM,
    # settings and presets
    "effective": _SYSTEM,
    "settings": _read(_MINE),
    "setting": _read(_MINE),
    "save_setting": _write("settings", _MINE),
    "save_settings": _write("settings", _MINE),
    "setting_versions": _read(_MINE),
    "setting_version": _read(_MINE),
    "restore_setting": _write("settings", _MINE, actor="by"),
    "export_settings": _private(_MINE),
    "import_settings": _write("settings", _MINE, actor="by"),
    "prune_settings": _SYSTEM,
    "presets": _read(_MINE),
    "preset": _read(_MINE),
    "create_preset": _write("settings", _MINE),
    "edit_preset": _write("settings", _MINE),
    "delete_preset": _write("settings", _MINE, actor="by"),
    "publish_template": _admin(actor=""),
    "withdraw_template": _admin(actor="by"),
}
_CONFIG: Final = {"get": _ADMIN_READ, "values": _ADMIN_READ, "set": _admin(actor="")}
_MARKET: Final = {
    **dict.fromkeys(("candles", "instrument", "price", "rules_at"), _PUBLIC),
    **dict.fromkeys(("feed_status", "watch"), _SYSTEM),
}
_EXCHANGE: Final = {
    **dict.fromkeys(
        ("amend", "cancel", "connect", "find", "place", "place_batch", "search", "set_leverage", "snapshot"), _SYSTEM
    ),
    "instrument": _PUBLIC,
    "stream_status": _read(_ACCOUNT),
}
_CUSTODY: Final = {
    "verify": _write("settings", _KEY, step_up=True),
    "acknowledge": _write("settings", _KEY, actor="actor", step_up=True),
    "end_credential": _write("settings", _KEY, actor="actor", step_up=True),
    "bring_back": _write("settings", _KEY, actor="actor", step_up=True),
    "disable_all": _SYSTEM,  # needs two admins, who propose and approve
    "rewrap": _SYSTEM,
    "egress": _PUBLIC,
}
_POSITIONS: Final = {
    **dict.fromkeys(("positions", "position", "books", "earned", "mismatches"), _read(_ACCOUNT)),
    **dict.fromkeys(("settle", "decide_mismatch"), _SYSTEM),
}
_ORDERS: Final = {
    **dict.fromkeys(
        ("submit", "submit_batch", "cancel", "amend", "claim", "release", "settle", "acknowledge"), _SYSTEM
    ),
    **dict.fromkeys(("orders", "fills"), _read(_ACCOUNT)),
    "alerts": _read(_ACCOUNT),
    "order": _read("order:order_id"),
    "end": _write("trade", "order:order_id"),
    "reconcile": _write("trade", _ACCOUNT),
    "flatten": _write("trade", _ACCOUNT, step_up=True),
    "switches": _ADMIN_READ,
    "switch": _SYSTEM,
    "resolve_mismatch": _write("trade", "account:request.account_id", actor="by", step_up=True),
    "limits": _read(_ACCOUNT),
    "set_limits": _write("trade", "account:request.account_id", actor="by", step_up=True),
}
_STRATEGY: Final = {
    "start": _write("trade", "user:request.user_id", "account:request.account_id"),
    "stop": _write("trade", _RUN),
    "runs": Rule(who=Who.PERSON, scope="read", results=True),
    "record": _read(_RUN),
    "decisions": _read(_RUN),
    **dict.fromkeys(("progress", "triggers"), _SYSTEM),
}

ACCESS: Final[dict[str, dict[str, Rule]]] = {
    "Users": _USERS,
    "Config": _CONFIG,
    "Market": _MARKET,
    "Exchange": _EXCHANGE,
    "Custody": _CUSTODY,
    "DataKeys": {"new_data_key": _SYSTEM},
    "Positions": _POSITIONS,
    "Orders": _ORDERS,
    "Strategy": _STRATEGY,
    "Notifications": {"messages": _private(_MINE)},
}
