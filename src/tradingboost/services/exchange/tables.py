"""What `exchange` keeps: which client order ids were ever handed to a socket. Append-only."""

from sqlalchemy import Column, Table, Text
from sqlalchemy import text as sql

from tradingboost.kit.db import UtcDateTime, schema_metadata

metadata = schema_metadata("exchange")

sent = Table(
    "sent",
    metadata,
    Column("cl_ord_id", Text, primary_key=True, comment="the key is the promise: an id is sent at most once"),
    Column("account_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False, server_default=sql("clock_timestamp()")),
)
