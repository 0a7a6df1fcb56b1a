"""What `exchange` keeps: which client order ids were ever handed to a socket, and by which rules symbols are traded."""

from sqlalchemy import Column, Integer, Table, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import UtcDateTime, schema_metadata

metadata = schema_metadata("exchange")

sent = Table(
    "sent",
    metadata,
    Column("cl_ord_id", Text, primary_key=True, comment="the key is the promise: an id is sent at most once"),
    Column("account_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("credential_id", Text, nullable=False, server_default="", comment="whose keys signed it, and which version"),
    Column("credential_version", Integer, nullable=False, server_default=sql("0")),
    Column("sent_at", UtcDateTime, nullable=False, server_default=sql("clock_timestamp()")),
)

key_floors = Table(
    "key_floors",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("version", Integer, nullable=False, comment="older keys sign nothing that opens"),
    Column("since", UtcDateTime, nullable=False),
)

instruments = Table(
    "instruments",
    metadata,
    Column("venue", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("rules", JSONB, nullable=False, comment="as last listed, so that a symbol that is gone can still be booked"),
    Column("seen_at", UtcDateTime, nullable=False),
)

traded = Table(
    "traded",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column(
        "terms", Text, nullable=False, comment="contract size and steps the sizes of the account's runs are made for"
    ),
    Column("since", UtcDateTime, nullable=False),
)
