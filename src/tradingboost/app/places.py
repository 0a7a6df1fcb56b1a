"""Where an installation keeps what it owns."""

import os
from pathlib import Path

from tradingboost.app.settings import Settings
from tradingboost.kit.embedded.directory import default_data_dir


def data_dir(settings: Settings) -> Path:
    """The data directory: the one that was named, else the user's by the platform's custom."""
    return (settings.embedded.data_dir or default_data_dir(os.environ)).expanduser().absolute()


def has_data(settings: Settings) -> bool:
    """Whether anything was ever stored: a database was named, or the data directory holds one."""
    return settings.db.address() is not None or (data_dir(settings) / "secrets" / "postgres").exists()
