"""No committed text may know the machine it was written on."""

import pytest
from scripts.lint import machine_text
from scripts.lint.source import Source


def path(*parts: str) -> str:
    """An absolute path; put together, since no committed text may hold one."""
    return "/" + "/".join(parts)


def host(*parts: str) -> str:
    """The address of a host, put together for the same reason."""
    return "https://" + ".".join(parts)


BAD = [
    f"cd {path('home', 'alice', 'project')}",
    f"open('{path('Users', 'bob', 'data.csv')}')",
    f"path = {path('work', 'main', 'src')}",
    f"find-links = {path('opt', 'wheels')}",
    "\\".join(["C:", "Users", "carol", "tb"]),
    f"pip install --index-url {host('mirror', 'example')}/simple x",
    f"{host('pypi', 'org')}/project/x",
    f"{host('files', 'pythonhosted', 'org')}/packages/x.whl",
    f"{host('artifactory', 'example', 'com')}/api",
]
GOOD = [
    "/api/users/home/settings",
    "https://www.okx.com/docs-v5/en/",
    f"the {'/'.join(['work', 'main'])} branch",
    "/".join(["docs", "work", "plan.md"]),
    "uv pip compile --no-emit-index-url",
    "~/.cache/uv",
]


@pytest.mark.parametrize("text", BAD)
def test_a_machine_path_or_package_host_is_found(text: str) -> None:
    assert list(machine_text.check(Source("docs/operations.md", text)))


@pytest.mark.parametrize("text", GOOD)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not list(machine_text.check(Source("docs/operations.md", text)))
