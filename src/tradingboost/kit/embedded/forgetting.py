"""Beginning afresh: what the embedded servers stored is deleted, the passwords and ports stay."""

import shutil
from pathlib import Path

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.clock import Clock, SystemClock
from tradingboost.kit.embedded.directory import DataDirectory

_STORED = ("postgres", "postgres.new", "nobody", "redis")


async def forget(data_dir: Path, clock: Clock | None = None) -> None:
    """Delete what PostgreSQL and Redis stored in a directory that nobody uses.

    Raises:
        Conflict: `data_dir_in_use`.
        InvalidInput: the directory cannot be written.
    """
    directory = await DataDirectory.open(data_dir, clock or SystemClock())
    try:
        for name in _STORED:
            place = directory.path / name
            if place.exists():
                shutil.rmtree(place)
    except OSError as error:
        message = f"{directory.path} cannot be emptied ({error.strerror}); delete it by hand."
        raise InvalidInput("data_dir_unwritable", message, data_dir=str(directory.path)) from None
    finally:
        directory.close()
