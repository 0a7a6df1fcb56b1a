"""Nothing in the repository may know the machine it was written on: no home folders, no package hosts."""

import re
from collections.abc import Iterator

from scripts.lint.source import Finding, Source

RULE = "machine-text"
_PATH = re.compile(
    r"(?<![\w.])/(?:home|Users)/[A-Za-z][\w.-]*/|(?<![\w./-])/(?:root|work)/[\w.]|/opt/(?:wheels|pypi)|[A-Z]:\\\\?Users\\"
)
_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry-1\.docker\.io"
    r"|https?://[\w.-]*(?:artifactory|nexus|jfrog|devpi|pypi)[\w.-]*|--(?:extra-)?index-url[ =]\S*://",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(r"\.\./shared\b")
_OWN_SAMPLES = ("scripts/lint/machine_text.py", "tests/architecture/test_lint_machine_text.py")


def check(source: Source) -> Iterator[Finding]:
    if source.path in _OWN_SAMPLES:
        return
    for number, line in enumerate(source.lines, 1):
        if found := _PATH.search(line):
            yield source.finding(
                RULE, number, f"{found[0]!r} is a path of one machine; use a relative or configured one"
            )
        if found := _HOST.search(line):
            yield source.finding(
                RULE, number, f"{found[0]!r} names a package host; leave that to the user's own settings"
            )
        if source.inside and (found := _OUTSIDE.search(line)):
            yield source.finding(
                RULE, number, f"{found[0]!r} lies outside the repository; product code may not read it"
            )
