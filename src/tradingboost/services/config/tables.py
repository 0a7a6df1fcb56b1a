"""What `config` keeps: every version of every value."""

from sqlalchemy import Column, Integer, Table, Text

from tradingboost.kit.db import UtcDateTime, schema_metadata

metadata = schema_metadata("config")

config_values = Table(
    "config_values",
    metadata,
    Column("service", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
