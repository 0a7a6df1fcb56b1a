"""Candles move into a table a length; the former table stays for the release before this one."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.ddl import CreateView

revision = "0003"
down_revision = "0002"

_LENGTHS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")
_SOUND = "low <= open AND low <= close AND high >= open AND high >= close AND volume_base >= 0"
_KEEP_CLOSED = """
CREATE FUNCTION market.keep_closed() RETURNS trigger LANGUAGE plpgsql AS $keep$
BEGIN
    IF NOT NEW.is_closed THEN
        RETURN OLD;
    END IF;
    IF (OLD.open, OLD.high, OLD.low, OLD.close, OLD.volume_base)
        IS DISTINCT FROM (NEW.open, NEW.high, NEW.low, NEW.close, NEW.volume_base) THEN
        INSERT INTO market.candle_corrections (exchange, symbol, timeframe, open_at, before, after)
        VALUES (OLD.exchange, OLD.symbol, TG_ARGV[0], OLD.open_at,
            jsonb_build_object('open', OLD.open, 'high', OLD.high, 'low', OLD.low, 'close', OLD.close,
                'volume_base', OLD.volume_base, 'source', OLD.source),
            jsonb_build_object('open', NEW.open, 'high', NEW.high, 'low', NEW.low, 'close', NEW.close,
                'volume_base', NEW.volume_base, 'source', NEW.source));
        NEW.received_at := now();
    END IF;
    RETURN NEW;
END
$keep$
"""
_TRIGGER = (
    "CREATE TRIGGER keep_closed BEFORE UPDATE ON %(table)s FOR EACH ROW WHEN (OLD.is_closed)"
    " EXECUTE FUNCTION market.keep_closed('%(length)s')"
)


def upgrade() -> None:
    _make_corrections()
    op.execute(_KEEP_CLOSED)
    tables = {length: _make_ohlcv(length) for length in _LENGTHS}
    op.create_index("brin_ohlcv_1m_received_at", "ohlcv_1m", ["received_at"], schema="market", postgresql_using="brin")
    _make_ticks()
    _make_upkeep()
    for length, table in tables.items():
        names = {"table": f"market.ohlcv_{length}", "length": length}
        op.execute(sa.DDL(_TRIGGER, context=names))  # type: ignore[no-untyped-call]
        op.execute(_moved(table, length))
    whole = sa.union_all(*(_with_length(table, length) for length, table in tables.items()))
    op.execute(CreateView(whole, "market_candles", schema="market"))


def downgrade() -> None:
    op.execute("DROP VIEW market.market_candles")
    for length in _LENGTHS:
        op.execute(_moved_back(length))
    op.drop_table("upkeep", schema="market")
    op.drop_table("ticks", schema="market")
    for length in _LENGTHS:
        op.drop_table(f"ohlcv_{length}", schema="market")
    op.execute("DROP FUNCTION market.keep_closed()")
    op.drop_table("candle_corrections", schema="market")


def _make_ohlcv(length: str) -> sa.Table:
    columns: list[sa.Column[Any]] = [
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("open_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume_base", sa.Double(), nullable=False),
        sa.Column("volume_quote", sa.Double()),
        sa.Column("trades", sa.Integer()),
        sa.Column("is_closed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ]
    name = f"ohlcv_{length}"
    table = op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint("exchange", "symbol", "open_at", name=op.f(f"pk_{name}")),
        sa.CheckConstraint(_SOUND, name=op.f(f"ck_{name}_sound")),
        schema="market",
    )
    op.create_index(f"brin_{name}_open_at", name, ["open_at"], schema="market", postgresql_using="brin")
    return table


def _make_corrections() -> None:
    op.create_table(
        "candle_corrections",
        sa.Column("correction_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("timeframe", sa.Text(), nullable=False),
        sa.Column("open_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "corrected_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_candle_corrections")),
        schema="market",
    )
    columns = ["exchange", "symbol", "timeframe", "open_at"]
    op.create_index("ix_candle_corrections_candle", "candle_corrections", columns, schema="market")


def _make_ticks() -> None:
    op.create_table(
        "ticks",
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
        sa.Column("mark", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "symbol", "at", name=op.f("pk_ticks")),
        schema="market",
    )
    op.create_index("brin_ticks_at", "ticks", ["at"], schema="market", postgresql_using="brin")


def _make_upkeep() -> None:
    comment = "what was received before this is done with"
    op.create_table(
        "upkeep",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment=comment),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_upkeep")),
        schema="market",
    )


def _moved(table: sa.Table, length: str) -> sa.Insert:
    """What the former table holds of a length; its volumes were of the base coin."""
    names = ("venue", "symbol", "open_at", "open", "high", "low", "close", "volume", "told", "timeframe")
    former = sa.table("candles", *map(sa.column, names), schema="market")
    c = former.c
    sound = sa.and_(c.low <= c.open, c.low <= c.close, c.high >= c.open, c.high >= c.close, c.volume >= 0)
    values = (c.venue, c.symbol, c.open_at, c.open, c.high, c.low, c.close, c.volume, c.told, sa.literal("candles"))
    into = ["exchange", "symbol", "open_at", "open", "high", "low", "close", "volume_base", "told", "source"]
    return sa.insert(table).from_select(into, sa.select(*values).where(c.timeframe == length, sound))


def _moved_back(length: str) -> sa.Insert:
    """What was heard since, for the release before: it must not tell of those candles again."""
    names = ("venue", "symbol", "timeframe", "open_at", "open", "high", "low", "close", "volume", "told")
    former = sa.table("candles", *map(sa.column, names), schema="market")
    own = ("exchange", "symbol", "open_at", "open", "high", "low", "close", "volume_base", "told", "is_closed")
    c = sa.table(f"ohlcv_{length}", *map(sa.column, own), schema="market").c
    values = (c.exchange, c.symbol, sa.literal(length, sa.Text()), c.open_at, c.open, c.high, c.low, c.close)
    given = postgresql.insert(former).from_select(
        list(names), sa.select(*values, c.volume_base, c.told).where(c.is_closed)
    )
    changed = {name: given.excluded[name] for name in names[4:]}
    return given.on_conflict_do_update(index_elements=names[:4], set_=changed)


def _with_length(table: sa.Table, length: str) -> sa.Select[Any]:
    columns = [column for column in table.columns if column.name != "told"]
    return sa.select(sa.literal(length, sa.Text()).label("timeframe"), *columns)
