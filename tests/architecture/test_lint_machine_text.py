"""No committed text may know the machine it was written on."""

import pytest
from scripts.lint import machine_text
from scripts.lint.source import Source

BAD = [
    "cd /home/alice/project",
    "open('/Users/bob/data.csv')",
    "path = /work/main/src",
    "find-links = /opt/wheels",
    r"C:\Users\carol\tb",
    "pip install --index-url https://mirror.example/simple x",
    "https://pypi.org/project/x",
    "https://files.pythonhosted.org/packages/x.whl",
    "https://artifactory.example.com/api",
]
GOOD = [
    "/api/users/home/settings",
    "https://www.okx.com/docs-v5/en/",
    "the work/main branch",
    "docs/work/plan.md",
    "uv pip compile --no-emit-index-url",
    "~/.cache/uv",
]


@pytest.mark.parametrize("text", BAD)
def test_a_machine_path_or_package_host_is_found(text: str) -> None:
    assert list(machine_text.check(Source("docs/operations.md", text)))


@pytest.mark.parametrize("text", GOOD)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not list(machine_text.check(Source("docs/operations.md", text)))
