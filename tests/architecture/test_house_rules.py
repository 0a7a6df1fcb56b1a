"""The repository as it stands keeps the house rules."""

from pathlib import Path

from scripts.lint import lint
from scripts.lint.source import tracked

ROOT = Path(__file__).resolve().parents[2]


def test_the_repository_has_no_findings() -> None:
    found = [str(finding) for finding in lint(tracked(ROOT)) if not finding.warning]
    assert found == []


def test_the_walk_sees_product_code_tests_and_text() -> None:
    seen = {source.path for source in tracked(ROOT)}
    assert {"tb", "pyproject.toml", "src/tradingboost/core/errors.py", "tests/architecture/test_house_rules.py"} <= seen
