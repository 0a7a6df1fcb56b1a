"""`python -m scripts.fault_table`: runs the tests that docs/faults.md names, and says row by row what came of them.

One JSON line a row; `--write` puts the table with today's date into docs/reliability.md, `--long` plays the long tests
too, `--rows F1,F33` some rows only. It ends with 3 when a test failed.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "docs" / "faults.md"
TARGET: Final = ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- what the tests of the faults said: begin -->"
END: Final = "<!-- what the tests of the faults said: end -->"
_ROW: Final = re.compile(r"^\| (F\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
_PROOF: Final = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
_FINDINGS: Final = 3
Results = Mapping[str, Counter[str]]


def rows(page: str) -> dict[str, list[str]]:
    """The tests of each row, as the page names them."""
    built = page.partition("## Not built yet")[0]
    return {row: _PROOF.findall(proof) for row, _, proof in _ROW.findall(built)}


def played(proofs: Sequence[str], *, every: bool) -> Results:
    """Run these tests; how their cases ended, by test."""
    with tempfile.TemporaryDirectory(prefix="tb-faults-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *dict.fromkeys(proofs)]
        command += ["-m", "long or not long"] if every else []
        subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr)
        return outcomes(report.read_text(encoding="utf-8"))


def outcomes(report: str) -> Results:
    """Passed, failed and skipped cases by test, out of a report of pytest's."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        ended = {child.tag for child in case}
        found[name]["failed" if ended & {"failure", "error"} else "skipped" if "skipped" in ended else "passed"] += 1
    return found


def told(proofs: Sequence[str], results: Results) -> tuple[bool, str]:
    """Whether a row holds, and in words what its tests said."""
    total: Counter[str] = sum((results.get(one, Counter()) for one in proofs), Counter())
    apart = sum(one not in results for one in proofs)
    words = [f"{total[kind]} {kind}" for kind in ("passed", "failed", "skipped") if total[kind]]
    words += [f"{apart} not played (long)"] if apart else []
    return not total["failed"] and bool(total["passed"] or apart), ", ".join(words)


def table(found: Mapping[str, tuple[Sequence[str], str]], day: datetime) -> str:
    """The section of the page."""
    lines = [
        BEGIN,
        f"Played on {day.day} {day:%B %Y} with `./tb chaos faults --write`; what each row is about stands in",
        "[faults](faults.md).",
        "",
        "| row | tests | said |",
        "|---|---|---|",
    ]
    for row, (proofs, words) in found.items():
        names = ", ".join(f"`{proof.partition('::')[2]}`" for proof in proofs)
        lines.append(f"| {row} | {names} | {words} |")
    return "\n".join([*lines, END])


def written(page: str, section: str) -> str:
    """The page with a new section in place of the old one."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{section}{after}"


def main(arguments: Sequence[str]) -> int:
    """Play, tell, write."""
    parser = argparse.ArgumentParser(prog="python -m scripts.fault_table")
    parser.add_argument("--rows", default="")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    wanted = rows(SOURCE.read_text(encoding="utf-8"))
    some = [name.strip() for name in given.rows.split(",") if name.strip()]
    for name in some:
        if name not in wanted:
            sys.stderr.write(f"{name} is no row with a proof in {SOURCE.name}.\n")
            return 2
    chosen = {row: proofs for row, proofs in wanted.items() if not some or row in some}
    results = played([one for proofs in chosen.values() for one in proofs], every=given.long)
    found: dict[str, tuple[Sequence[str], str]] = {}
    sound = True
    for row, proofs in chosen.items():
        ok, words = told(proofs, results)
        sound &= ok
        found[row] = (proofs, words)
        sys.stdout.write(json.dumps({"row": row, "ok": ok, "said": words, "tests": proofs}) + "\n")
    if given.write and not some:
        page = TARGET.read_text(encoding="utf-8")
        TARGET.write_text(written(page, table(found, datetime.now(UTC))), encoding="utf-8")  # noqa: TID251 - a tool
    return 0 if sound else _FINDINGS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
