"""Writing a file so that it is there as a whole or not at all, also when the machine stops in the middle."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from tradingboost.core.errors import InvalidInput, Unavailable

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Says in one sentence why something below `path` could not be written.

    Raises:
        Unavailable: `disk_full`.
        InvalidInput: `candles_unwritable`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            message = f"The disk is full, so {path} could not be written; free some space and run it again."
            raise Unavailable("disk_full", f"{message} What was stored before is untouched.", path=str(path)) from None
        why = os.strerror(error.errno) if error.errno else str(error)
        message = f"{path} cannot be written ({why.lower()}); choose another place or mend its rights."
        raise InvalidInput("candles_unwritable", message, path=str(path)) from None


def replaced(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a draft beside `path`, bring it to the disk, and put it in the place of `path`.

    Raises:
        Unavailable, InvalidInput: as `told`; `path` is as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with told(path):
        try:
            with draft.open("wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
