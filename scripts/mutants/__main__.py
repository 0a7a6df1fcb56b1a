"""`python -m scripts.mutants [NAME ...]`: one JSON line a mistake; ends with 3 when a test did not notice one.

`--list` says their names instead, one a line.
"""

import dataclasses
import json
import sys
import tempfile
from difflib import get_close_matches
from pathlib import Path

from scripts.mutants import copied, judged
from scripts.mutants.catalogue import MUTANTS


def main(names: list[str]) -> int:
    """Judge the named mistakes, or all of them."""
    known = {one.name: one for one in MUTANTS}
    if names == ["--list"]:
        sys.stdout.write("\n".join(known) + "\n")
        return 0
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            sys.stderr.write(f"{name!r} is no known mistake{f'; did you mean {near[0]}?' if near else '.'}\n")
            return 2
    survived = 0
    with tempfile.TemporaryDirectory(prefix="tb-mutants-") as folder:
        copied(Path(folder))
        for verdict in judged([known[name] for name in names] or MUTANTS, Path(folder)):
            survived += not verdict.killed
            sys.stdout.write(json.dumps(dataclasses.asdict(verdict)) + "\n")
            sys.stdout.flush()
    return 3 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
