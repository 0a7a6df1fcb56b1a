"""SQL of sealed keys and their life."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.ids import AccountId, UserId, Venue
from tradingboost.services.users import tables as t
from tradingboost.shared.interfaces.users import Credential, SealedCredential, Wrap

_C = t.exchange_credentials.c
_A = t.exchange_accounts.c
_FIELDS: Final = ("api_key", "api_secret", "passphrase")
SIGNAL_BOT: Final = "signal_bot"
COLUMNS: Final = {"signal_bot_token": "api_secret"}
"""Where a field is kept that has no column of its own name."""
SHREDDED: Final[dict[str, Any]] = {**dict.fromkeys(_FIELDS), "dek_wrapped": None, "kid": None}
"""What is left of a destroyed credential: nothing that opens."""

_SHOWN: Final = select(t.exchange_credentials, _A.environment, _A.label, _A.exchange_uid).join_from(
    t.exchange_credentials, t.exchange_accounts, _A.id == _C.account_id
)
_TRADE: Final = _C.kind == "trade_key"
_IN_FORCE: Final = and_(_C.is_active, _C.deleted_at.is_(None), _TRADE)


async def lock_owner(db: AsyncConnection, user_id: UserId) -> bool:
    """Keep a person's keys from changing under us; False when there is no such person."""
    u = t.app_users.c
    statement = select(u.id).where(u.id == user_id, u.deleted_at.is_(None)).with_for_update(key_share=True)
    return (await db.execute(statement)).first() is not None


async def next_version(db: AsyncConnection, user_id: UserId, venue: Venue, kind: str = "trade_key") -> int:
    """The version of the person's next credential at a venue; the person must be locked.

    Counted over all accounts there, so that keys may turn out to belong to another of them.
    """
    newest = select(func.max(_C.version)).where(_C.user_id == user_id, _C.exchange == venue, _C.kind == kind)
    return int((await db.execute(newest)).scalar_one() or 0) + 1


async def add(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store ciphertext."""
    await db.execute(insert(t.exchange_credentials).values(values))


async def add_account(db: AsyncConnection, values: dict[str, Any]) -> None:
    """Store an account."""
    await db.execute(insert(t.exchange_accounts).values(values))


async def change(db: AsyncConnection, credential_id: str, values: dict[str, Any]) -> None:
    """Set columns of one credential."""
    await db.execute(update(t.exchange_credentials).where(_C.id == credential_id).values(values))


async def change_account(db: AsyncConnection, account_id: str, values: dict[str, Any]) -> None:
    """Set columns of one account."""
    await db.execute(update(t.exchange_accounts).where(_A.id == account_id).values(values))


async def found(db: AsyncConnection, credential_id: str, *, lock: bool = False) -> Row[Any] | None:
    """One credential with its account."""
    statement = _SHOWN.where(_C.id == credential_id)
    return (await db.execute(statement.with_for_update() if lock else statement)).first()


async def in_force(db: AsyncConnection, account_id: str) -> Row[Any] | None:
    """The trade key an account trades with."""
    return (await db.execute(_SHOWN.where(_C.account_id == account_id, _IN_FORCE))).first()


async def token_in_force(db: AsyncConnection, user_id: UserId) -> Row[Any] | None:
    """The token a person's signal bot is called with."""
    mine = (_C.user_id == user_id, _C.kind == SIGNAL_BOT, _C.is_active, _C.deleted_at.is_(None))
    return (await db.execute(_SHOWN.where(*mine).order_by(_C.version.desc()))).first()


async def token_account(db: AsyncConnection, user_id: UserId) -> Row[Any] | None:
    """The account a person's token is kept with: the oldest."""
    mine = (_A.user_id == user_id, _A.deleted_at.is_(None))
    return (await db.execute(select(t.exchange_accounts).where(*mine).order_by(_A.id))).first()


async def waiting(db: AsyncConnection, account_id: str) -> Row[Any] | None:
    """What waits for the venue's word."""
    where = and_(_C.account_id == account_id, _C.status.in_(("pending", "unverified")), _C.deleted_at.is_(None), _TRADE)
    return (await db.execute(_SHOWN.where(where).order_by(_C.version.desc()))).first()


async def of_fingerprint(db: AsyncConnection, venue: Venue, fingerprint: str) -> Row[Any] | None:
    """The credential that has this API key and may still be used."""
    alive = and_(_C.deleted_at.is_(None), _C.status.not_in(("refused", "revoked")))
    return (await db.execute(_SHOWN.where(_C.exchange == venue, _C.fingerprint == fingerprint, alive))).first()


async def account_of(db: AsyncConnection, user_id: UserId, account_id: str) -> Row[Any] | None:
    """An account of this person."""
    where = (_A.id == account_id, _A.user_id == user_id, _A.deleted_at.is_(None))
    return (await db.execute(select(t.exchange_accounts).where(*where))).first()


async def account_of_uid(db: AsyncConnection, venue: Venue, environment: str, uid: str) -> Row[Any] | None:
    """Whoever has linked an exchange account."""
    where = (_A.exchange == venue, _A.environment == environment, _A.exchange_uid == uid, _A.deleted_at.is_(None))
    return (await db.execute(select(t.exchange_accounts).where(*where))).first()


async def drop_waiting(db: AsyncConnection, account_id: str, now: datetime) -> None:
    """Destroy what waits for its verification: something newer is here."""
    waiting = (_C.account_id == account_id, _C.status.in_(("pending", "unverified")), _TRADE)
    gone = {**SHREDDED, "status": "refused", "code": "superseded", "updated_at": now}
    await db.execute(update(t.exchange_credentials).where(*waiting).values(gone))


async def listed(db: AsyncConnection, user_id: UserId | None, limit: int) -> list[Credential]:
    """The newest, of a person or of all."""
    statement = _SHOWN.order_by(_C.created_at.desc(), _C.version.desc()).limit(limit)
    if user_id is not None:
        statement = statement.where(_C.user_id == user_id)
    return await _credentials(db, statement)


async def fingerprints(db: AsyncConnection, user_id: UserId) -> dict[str, str]:
    """Status by fingerprint of what can still be opened."""
    usable = (_C.user_id == user_id, _C.dek_wrapped.is_not(None), _TRADE)
    statement = select(_C.fingerprint, _C.status).where(*usable)
    return {row.fingerprint: row.status for row in await db.execute(statement.order_by(_C.version))}


async def unverified(db: AsyncConnection, limit: int) -> list[Credential]:
    """Those waiting for the venue's first word."""
    waiting = and_(_C.status.in_(("pending", "unverified")), _C.deleted_at.is_(None), _TRADE)
    return await _credentials(db, _SHOWN.where(waiting).order_by(_C.created_at).limit(limit))


async def verified_before(db: AsyncConnection, moment: datetime, limit: int) -> list[Credential]:
    """Those in force that were not confirmed since; a simulated exchange is not asked daily."""
    due = and_(_IN_FORCE, _C.status.in_(("active", "read_only")), _A.environment != "simulated")
    old = or_(_C.verified_at.is_(None), _C.verified_at < moment)
    return await _credentials(db, _SHOWN.where(due, old).order_by(_C.verified_at.nulls_first()).limit(limit))


async def of_venue(db: AsyncConnection, venue: Venue | None) -> list[Credential]:
    """Every credential that could open something."""
    usable = and_(_C.deleted_at.is_(None), _C.dek_wrapped.is_not(None))
    statement = _SHOWN.where(usable, *(() if venue is None else (_C.exchange == venue,)))
    return await _credentials(db, statement.order_by(_C.id).with_for_update(of=t.exchange_credentials))


async def due(db: AsyncConnection, now: datetime, limits: tuple[datetime, datetime, datetime]) -> list[Row[Any]]:
    """Those whose time has come: expired, retired, deleted long enough, or waiting for too long.

    Args:
        limits: (retired before, deleted before, waiting since before).
    """
    retired, deleted, waiting = limits
    alive = _C.dek_wrapped.is_not(None)
    ripe = or_(
        and_(_C.deleted_at.is_not(None), _C.deleted_at <= deleted),
        and_(_C.deleted_at.is_(None), _C.status == "retiring", _C.updated_at <= retired),
        and_(_C.deleted_at.is_(None), _C.status == "pending", _C.created_at <= waiting),
        and_(_IN_FORCE, _C.status.in_(("active", "read_only")), _C.expires_at <= now),
    )
    statement = _SHOWN.where(alive, ripe).order_by(_C.id).limit(500)
    return list(await db.execute(statement.with_for_update(of=t.exchange_credentials, skip_locked=True)))


async def ending(db: AsyncConnection, before: datetime) -> list[Row[Any]]:
    """Those in force that end before a moment."""
    near = and_(_IN_FORCE, _C.status.in_(("active", "read_only")), _C.expires_at <= before)
    return list(await db.execute(_SHOWN.where(near).order_by(_C.id).limit(500)))


async def kids(db: AsyncConnection) -> dict[str, int]:
    """How many credentials each key-encryption key wraps."""
    statement = select(_C.kid, func.count()).where(_C.dek_wrapped.is_not(None)).group_by(_C.kid).order_by(_C.kid)
    return {str(kid): count for kid, count in await db.execute(statement)}


async def wraps(db: AsyncConnection, not_by: str, after: str, limit: int) -> list[Wrap]:
    """Wrap tokens of other key-encryption keys, by id after one."""
    others = and_(_C.dek_wrapped.is_not(None), _C.kid != not_by)
    statement = select(_C.id, _C.user_id, _C.exchange, _C.version, _C.dek_wrapped).where(others).order_by(_C.id)
    if after:
        statement = statement.where(_C.id > after)
    return [
        Wrap(
            credential_id=row.id,
            user_id=UserId(row.user_id),
            venue=Venue(row.exchange),
            version=row.version,
            data_key=row.dek_wrapped,
        )
        for row in await db.execute(statement.limit(limit))
    ]


async def rewrap(db: AsyncConnection, done: Wrap, kid: str) -> bool:
    """Put another wrap in the place of the one it was made from."""
    same = and_(_C.id == done.credential_id, _C.dek_wrapped == done.data_key)
    statement = update(t.exchange_credentials).where(same).values(dek_wrapped=done.rewrapped, kid=kid)
    return (await db.execute(statement.returning(_C.id))).first() is not None


async def is_first(db: AsyncConnection, row: Any) -> bool:
    """Whether an account is the person's oldest at its venue."""
    older = and_(
        _A.user_id == row.user_id, _A.exchange == row.exchange, _A.id < row.account_id, _A.deleted_at.is_(None)
    )
    return not (await db.execute(select(exists().where(older)))).scalar_one()


async def _credentials(db: AsyncConnection, statement: Select[Any]) -> list[Credential]:
    return [shown(row) for row in await db.execute(statement)]


def shown(row: Any) -> Credential:
    """What may be shown of a row with its account."""
    return Credential(
        credential_id=row.id,
        account_id=AccountId(row.account_id),
        user_id=UserId(row.user_id),
        venue=Venue(row.exchange),
        environment=row.environment,
        label=row.label,
        exchange_uid=row.exchange_uid or "",
        kind=row.kind,
        status="deleted" if row.deleted_at is not None else row.status,
        in_force=row.is_active and row.deleted_at is None,
        version=row.version,
        kid=row.kid or "",
        key_hint=row.key_hint,
        fingerprint=row.fingerprint[:8],
        permissions=tuple(row.permissions.get("granted", ())),
        ip_bound=row.ip_bound,
        acknowledged=row.acknowledged_at is not None,
        exposed=row.exposed,
        code=row.code,
        sealed=row.dek_wrapped is not None,
        created_at=row.created_at,
        verified_at=row.verified_at,
        expires_at=row.expires_at,
        deleted_at=row.deleted_at,
    )


def sealed(row: Any, *, first: bool) -> SealedCredential:
    """The ciphertext of a row."""
    told: Sequence[str] = tuple(row.permissions.get("granted", ()))
    unproven = "permissions_unproven" in told and row.acknowledged_at is None
    return SealedCredential(
        account_id=AccountId(row.account_id),
        user_id=UserId(row.user_id),
        venue=Venue(row.exchange),
        credential_id=row.id,
        version=row.version,
        data_key=row.dek_wrapped,
        fields={name: value for name, column in _fields(row).items() if (value := getattr(row, column)) is not None},
        status=row.status,
        unproven=unproven,
        ip_bound=row.ip_bound,
        expires_at=row.expires_at,
        exchange_uid=row.exchange_uid or "",
        first=first,
    )


def _fields(row: Any) -> dict[str, str]:
    """Column by field."""
    return COLUMNS if row.kind == SIGNAL_BOT else {name: name for name in _FIELDS}
