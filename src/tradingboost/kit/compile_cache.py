"""Where Numba keeps compiled code: one directory per state of the pure half's sources.

Numba notices a change of the file a function is in, but not of the files it calls into. A directory named after all
of the sources makes a stale cache impossible. Call `prepare` before anything imports numba.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from tradingboost.core.errors import BrokenInvariant

PURE_HALF = ("core", "indicators", "strategies", "sim", "backtest")
_VARIABLE = "NUMBA_CACHE_DIR"
_KEPT = 4


def prepare(cache_dir: Path, environ: MutableMapping[str, str] = os.environ, package: Path | None = None) -> Path:
    """Set `NUMBA_CACHE_DIR` to `<cache_dir>/numba/<hash of the sources>`; a directory the user has set stays.

    Args:
        cache_dir: the program's cache directory; a temporary one is used when it cannot be written.

    Raises:
        BrokenInvariant: numba was imported already, so it would look elsewhere.
    """
    if environ.get(_VARIABLE):
        return Path(environ[_VARIABLE])
    if environ is os.environ and "numba" in sys.modules:
        raise BrokenInvariant("numba_imported_early", "Numba was imported before its cache directory was set.")
    name = source_hash(package or Path(__file__).parents[1])
    directory = _made(cache_dir / "numba", name) or _made(Path(tempfile.gettempdir()) / _private_name(), name)
    if directory is None:
        directory = Path(tempfile.mkdtemp(prefix="tradingboost-numba-"))
    environ[_VARIABLE] = str(directory)
    return directory


def is_cold(environ: MutableMapping[str, str] = os.environ, module: str = "") -> bool:
    """Whether nothing (of a module) was compiled for this state of the sources, so that first use takes its time."""
    directory = environ.get(_VARIABLE)
    pattern = f"{module}.*.nbi" if module else "*.nbi"
    return directory is not None and next(Path(directory).rglob(pattern), None) is None


def default_cache_dir(environ: MutableMapping[str, str] = os.environ) -> Path:
    """The user's cache directory by the platform's custom: `~/.cache/tradingboost` on Linux."""
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "tradingboost"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "tradingboost"


def source_hash(package: Path) -> str:
    """A name for the state of the pure half: every source file's path and content, and the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in PURE_HALF:
        for file in sorted((package / folder).rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(package).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:20]


def _private_name() -> str:
    return f"tradingboost-numba-{os.getuid() if hasattr(os, 'getuid') else os.environ.get('USERNAME', 'user')}"


def _made(parent: Path, name: str) -> Path | None:
    """The directory, made and written to once; None when that is not possible or it belongs to somebody else."""
    directory = parent / name
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and parent.stat().st_uid != os.getuid():
            return None  # compiled code of a stranger would be run
        with tempfile.TemporaryFile(dir=directory):
            directory.touch()
        _forget_old(parent)
    except OSError:
        return None
    return directory


def _forget_old(parent: Path) -> None:
    """Keep the newest few states; a process that still runs an older one has its code loaded."""
    newest_first = sorted(parent.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in newest_first[_KEPT:]:
        shutil.rmtree(entry, ignore_errors=True)
