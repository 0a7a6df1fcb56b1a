"""What `notifications` keeps."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from tradingboost.kit.db import UtcDateTime, schema_metadata

metadata = schema_metadata("notifications")

messages = Table(
    "messages",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("event_id"),
)
Index("ix_messages_user", messages.c.user_id, messages.c.message_id)
