"""Events as a part of a statement, which tells them with the state they tell of or not at all."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CTE, BigInteger, FromClause, Text, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from tradingboost.kit.given import given, listed
from tradingboost.kit.tables import aggregates, outbox

_AS_GIVEN = ("event_id", "type", "schema_version", "stream", "key", "user_id", "correlation_id", "causation_id")
_O = outbox.c


def emissions(told: FromClause | None = None) -> CTE:
    """The events bound as `events` (see `events_of`), numbered as they are given.

    Call `outbox.announce` once the statement ran.

    Args:
        told: what was stored, with a column `subject`; of the others nothing is told. None = all are.
    """
    columns = [*(_O[name] for name in _AS_GIVEN), _O.aggregate, _O.payload, _O.occurred_at]
    events = given("events", *columns, subject=Text(), nth=BigInteger())
    numbers = (
        func.row_number().over(partition_by=events.c.aggregate, order_by=events.c.nth).label("place"),
        func.count().over(partition_by=events.c.aggregate).label("places"),
    )
    wanted = events if told is None else events.join(told, told.c.subject == events.c.subject)
    kept = select(*events.c, *numbers).select_from(wanted).cte("kept")
    # A counter's row lock is held until the commit, so numbers have no gap and positions grow with them per aggregate.
    # Counters are locked in the order of their names, as everybody does who tells of several aggregates.
    counts = select(kept.c.aggregate, func.count()).group_by(kept.c.aggregate).order_by(kept.c.aggregate)
    counted = upsert(aggregates).from_select(["aggregate", "seq"], counts)
    numbered = (
        counted.on_conflict_do_update(
            index_elements=[aggregates.c.aggregate], set_={"seq": aggregates.c.seq + counted.excluded.seq}
        )
        .returning(aggregates.c.aggregate, aggregates.c.seq)
        .cte("numbered")
    )
    rows = (
        select(
            kept.c.aggregate,
            numbered.c.seq - kept.c.places + kept.c.place,
            *(kept.c[name] for name in _AS_GIVEN),
            kept.c.payload,
            func.coalesce(kept.c.occurred_at, func.clock_timestamp()),
        )
        .join(numbered, numbered.c.aggregate == kept.c.aggregate)
        .order_by(kept.c.nth)
    )
    return insert(outbox).from_select(["aggregate", "seq", *_AS_GIVEN, "payload", "occurred_at"], rows).cte("emitted")


def events_of(told: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """What `emissions` binds as `events`.

    Args:
        told: subject, and the event as `outbox.event_values` gives it.
    """
    return listed({**event, "subject": subject, "nth": nth} for nth, (subject, event) in enumerate(told))
