"""`python -m scripts.lint [PATH ...]`: print findings and exit 3 when there is one that is not a mere warning."""

import sys
from pathlib import Path

from scripts.lint import lint
from scripts.lint.source import tracked

FINDINGS = 3


def main(wanted: list[str]) -> int:
    root = Path(__file__).resolve().parents[2]
    chosen = [source for source in tracked(root) if not wanted or any(source.path.startswith(path) for path in wanted)]
    findings = sorted(lint(chosen), key=lambda found: (found.warning, found.path, found.line))
    for found in findings:
        print(found)
    errors = sum(not found.warning for found in findings)
    print(f"{len(chosen)} files, {errors} findings, {len(findings) - errors} warnings")
    return FINDINGS if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
