"""A file under inspection (parsed once, shared by all checks) and what a check may say about it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

_SKIP = re.compile(r"# lint: skip (?P<rule>[a-z-]+) -- \S")
_TEXT = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".ini",
    ".lua",
    ".json",
    ".mako",
    ".example",
    ".lock",
    ".txt",
    ".sh",
    "",
}


@dataclass(frozen=True)
class Finding:
    """One sentence about one line; a warning is listed but does not fail the run."""

    rule: str
    path: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        mark = "warning " if self.warning else ""
        return f"{self.path}:{self.line}: {mark}{self.rule}: {self.message}"


@dataclass(frozen=True)
class Source:
    """A tracked text file: its path inside the repository (with forward slashes) and its text."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the file's syntax tree; none for a file that is not Python."""
        return list(ast.walk(ast.parse(self.text, self.path))) if self.is_python else []

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def inside(self) -> str:
        """The path inside the product package (`kit/keys.py`), or "" for a file that is not product code."""
        return self.path.removeprefix("src/tradingboost/") if self.path.startswith("src/tradingboost/") else ""

    def finding(self, rule: str, line: int, message: str, *, warning: bool = False) -> Finding:
        return Finding(rule, self.path, line, message, warning)

    def skips(self, rule: str, line: int) -> bool:
        """Whether that line carries `# lint: skip RULE -- reason`; a skip without a reason does not count."""
        found = _SKIP.search(self.lines[line - 1]) if 0 < line <= len(self.lines) else None
        return found is not None and found["rule"] == rule


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, "" for anything else; a call stands for what it calls."""
    match node:
        case ast.Call(func=func):
            return dotted(func)
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}".lstrip(".")
    return ""


def template(node: ast.AST) -> str | None:
    """The text of a literal, with `{}` for each value filled into an f-string; None when it is not a literal."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
    return None


def tracked(root: Path) -> Iterator[Source]:
    """The repository's text files, those not yet added included, ignored ones not."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in sorted(set(filter(None, listing.stdout.split("\0")))):
        file = root / name
        if PurePosixPath(name).suffix in _TEXT and file.is_file():
            yield Source(name, file.read_text(encoding="utf-8"))
