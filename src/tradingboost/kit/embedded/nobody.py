"""PostgreSQL for root where user namespaces are forbidden: as the real `nobody`, in places that uid can reach."""

import os
import shutil
from pathlib import Path

from tradingboost.core.errors import Unavailable
from tradingboost.kit.embedded.binaries import PostgresBinaries

NOBODY = 65534


def give_home(root: Path) -> Path:
    """The directory below the data directory `root` that belongs to nobody.

    Raises:
        Unavailable: nobody cannot reach `root`.
    """
    closed = next((part for part in root.parents if not part.stat().st_mode & 0o001), None)
    if closed is not None:
        message = (
            "PostgreSQL may not run as root and user namespaces are forbidden here; run as a plain user, or set "
            f"TB_EMBEDDED__DATA_DIR to a directory outside {closed}."
        )
        raise Unavailable("postgres_needs_a_user", message)
    root.chmod(0o711)
    (root / "secrets").chmod(0o711)
    os.chown(root / "secrets" / "postgres", NOBODY, NOBODY)
    home = root / "nobody"
    home.mkdir(exist_ok=True)
    os.chown(home, NOBODY, NOBODY)
    return home


def reachable_binaries(found: PostgresBinaries, root: Path) -> PostgresBinaries:
    """The programs themselves where nobody may run them, else a copy of them (40 MB) below `root`."""
    if reachable(found.bin):
        return found
    install = found.bin.parent
    copy = root / f"programs-{found.major}"
    if not copy.exists():
        draft = copy.with_name(copy.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft / "wheel" / install.name, symlinks=True)
        libraries = install.parent.with_name(install.parent.name + ".libs")  # a wheel looks for them beside itself
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        draft.rename(copy)
    return PostgresBinaries(copy / "wheel" / install.name / "bin", found.major)


def reachable(place: Path) -> bool:
    """Whether every directory on the way, and `place` itself, may be entered by anybody."""
    return all(part.stat().st_mode & 0o001 for part in (place, *place.parents))
