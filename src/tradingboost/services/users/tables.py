"""What `users` keeps: people, accounts, and credentials as ciphertext only."""

from sqlalchemy import Column, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from tradingboost.kit.db import ExactNumeric, UtcDateTime, schema_metadata

metadata = schema_metadata("users")

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

exchange_accounts = Table(
    "exchange_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("exchange", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("exchange_uid", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("endpoint_rest", Text, nullable=False, server_default=""),
    Column("endpoint_ws", Text, nullable=False, server_default=""),
    Column("max_notional_quote", ExactNumeric, nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    UniqueConstraint("exchange", "environment", "exchange_uid"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("credential_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("data_key", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "version"),
)
