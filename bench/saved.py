"""A bench's figures as a file: what was measured, with which versions, when and on what."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import tradingboost
from tradingboost.app.optimise.starting import code_of
from tradingboost.kit.clock import SystemClock

SCHEMA: Final = 1
PACKAGES: Final = ("numpy", "numba", "optuna", "uvloop")


def document(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures with everything one needs to read them later."""
    return {
        "kind": "tradingboost.bench",
        "schema": SCHEMA,
        "bench": name,
        "taken_at": f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}",
        "versions": {"tradingboost": tradingboost.__version__, "python": platform.python_version()} | _packages(),
        "code": code_of(),
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "load": round(os.getloadavg()[0], 1),
        **figures,
    }


def save(path: Path, documents: list[dict[str, Any]]) -> None:
    """Write one object, or one that holds several; whole or not at all."""
    body = documents[0] if len(documents) == 1 else {"kind": "tradingboost.benches", "benches": documents}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
