"""Reading of the golden vectors: one parametrised test a vector, named by its id."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "data" / "golden"


def vectors(name: str) -> list[Any]:
    """The vectors of one file as pytest parameters."""
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(vector, id=vector["id"]) for vector in document["vectors"]]
