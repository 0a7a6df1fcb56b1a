"""Where an installation keeps what it owns."""

import os
from pathlib import Path
from typing import Final

from tradingboost.app.settings import Settings
from tradingboost.kit.embedded.directory import default_data_dir

AUDIT_FOLDER: Final = "audit"
"""In the data directory: the heads of the audit chains."""


def data_dir(settings: Settings) -> Path:
    """The data directory: the one that was named, else the user's by the platform's custom."""
    return (settings.embedded.data_dir or default_data_dir(os.environ)).expanduser().absolute()


def has_data(settings: Settings) -> bool:
    """Whether anything was ever stored: a database was named, or the data directory holds one."""
    return settings.db.address() is not None or (data_dir(settings) / "secrets" / "postgres").exists()


def replay_place(settings: Settings, name: str) -> Settings:
    """Settings of a replay: servers and a directory of its own, so that it meets nothing but what it made itself.

    Named servers are left alone, because a replay's accounts and runs end with its exchange.
    """
    place = data_dir(settings) / name
    changes = {
        "env": "dev",
        "db": settings.db.model_copy(update={"url": None, "host": None}),
        "redis": settings.redis.model_copy(update={"url": None, "host": None, "sentinels": ()}),
        "jobs": settings.jobs.model_copy(update={"broker_url": None, "result_url": None}),
        "embedded": settings.embedded.model_copy(update={"data_dir": place}),
    }
    return settings.model_copy(update=changes)
