"""The audit trail: one chain of hashes a person and one of the platform, written with the state it tells of.

    hash = SHA-256(prev_hash || stream | seq | content)      content: canonical JSON, keys sorted, no spaces

The first `prev_hash` is 32 zero bytes. Whoever changes, removes, swaps or inserts a row breaks every hash after it;
whoever cuts the end off, or writes a whole chain anew, disagrees with the heads kept outside the database
(`kit.audit.anchors`). Details are redacted before they are hashed: no secret is ever part of a chain.
"""

from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import UserId
from tradingboost.kit.events import current_cause
from tradingboost.kit.hot import Hot
from tradingboost.kit.logging import redacted

PLATFORM: Final = "platform"
GENESIS: Final = bytes(32)
MOST_BYTES: Final = 16 * 1024

# The head's row lock is held until the commit, so each chain has one writer at a time and its numbers have no gap.
_APPEND = Hot(
    text(
        """
        WITH head AS (
            INSERT INTO audit.heads AS h (stream, seq, prev_hash, hash)
            VALUES (CAST(:stream AS text), 1, CAST(:genesis AS bytea),
                    sha256(CAST(:genesis AS bytea) || convert_to(CAST(:stream AS text) || '|1|' ||
                                                                 CAST(:content AS text), 'UTF8')))
            ON CONFLICT (stream) DO UPDATE SET
                seq = h.seq + 1,
                prev_hash = h.hash,
                hash = sha256(h.hash || convert_to(h.stream || '|' || (h.seq + 1) || '|' || CAST(:content AS text),
                                                   'UTF8'))
            RETURNING stream, seq, prev_hash, hash
        )
        INSERT INTO audit.events (stream, seq, at, actor, action, subject, content, prev_hash, hash)
        SELECT stream, seq, CAST(:at AS timestamptz), CAST(:actor AS text), CAST(:action AS text),
               CAST(:subject AS text), CAST(:content AS text), prev_hash, hash
        FROM head
        """
    )
)


def stream_of(user_id: UserId | None) -> str:
    """The chain of a person; without one, the platform's."""
    return PLATFORM if user_id is None else f"user:{user_id}"


async def append(
    db: AsyncConnection,
    action: str,
    *,
    actor: str,
    at: datetime,
    user_id: UserId | None = None,
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Write down that something was done, in the transaction that does it.

    Append late in the transaction: the chain stays locked until the commit.

    Args:
        action: noun and past tense, `credential.created`.
        actor: who did it: `user:{id}`, `admin:{id}`, `cli`, `system`.
        user_id: whose trail it belongs to; None for what concerns the platform.
        subject: the id of the thing.
        details: what else is worth knowing; JSON values, redacted before they are kept, 16 KiB at most.

    Raises:
        InvalidInput: `audit_too_long`.
    """
    cause = current_cause()
    content = canonical(
        {
            "at": at.isoformat(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "details": details or {},
            "correlation_id": cause.correlation_id if cause else None,
        }
    )
    if len(content) > MOST_BYTES:
        raise InvalidInput("audit_too_long", "An audit entry takes 16 KiB at most; name the things instead of them.")
    row = {"stream": stream_of(user_id), "genesis": GENESIS, "content": content, "at": at}
    await _APPEND.rows(db, **row, actor=actor, action=action, subject=subject)


def canonical(entry: dict[str, Any]) -> str:
    """The one spelling of an entry, without secrets."""
    return orjson.dumps(redacted(entry), default=str, option=orjson.OPT_SORT_KEYS).decode()
