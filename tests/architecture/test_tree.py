"""The tree can be read by its shape: tests mirror the pure half, and a context has one name everywhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradingboost"
PURE = ("core", "indicators", "strategies", "sim", "backtest")


def imports_of(path: Path) -> set[str]:
    """Modules a file imports; `from package import module` counts as the module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def rooms() -> list[Path]:
    """The pure packages that hold modules, each with a folder of unit tests of the same name."""
    folders = {path.parent for top in PURE for path in (PACKAGE / top).rglob("*.py") if path.name != "__init__.py"}
    return sorted(folders)


@pytest.mark.parametrize("room", rooms(), ids=lambda room: str(room.relative_to(PACKAGE)))
def test_every_pure_module_is_reached_from_the_unit_tests_of_its_own_room(room: Path) -> None:
    """A module has a test file of its own, or its rules are tested through the door of its room."""
    tests = ROOT / "tests" / "unit" / room.relative_to(PACKAGE)
    assert tests.is_dir(), f"{tests.relative_to(ROOT)} is missing"
    prefix = ".".join(room.relative_to(PACKAGE.parent).parts)
    modules = {f"{prefix}.{path.stem}": path for path in room.glob("*.py") if path.stem != "__init__"}
    modules[prefix] = room / "__init__.py"
    reached: set[str] = set()
    waiting = set().union(*(imports_of(path) for path in tests.rglob("*.py")))
    while waiting:
        name = waiting.pop()
        if name in modules and name not in reached:
            reached.add(name)
            waiting |= imports_of(modules[name])
    assert sorted(set(modules) - reached - {prefix}) == []


def test_a_service_has_one_name_everywhere() -> None:
    missing = []
    for service in (path.name for path in (PACKAGE / "services").iterdir() if (path / "__init__.py").exists()):
        wanted = [
            PACKAGE / "services" / service / "module.py",
            ROOT / "docs" / "services" / f"{service}.md",
            ROOT / "tests" / "services" / service,
        ]
        room = PACKAGE / "services" / service
        if not (room / "service.py").exists() and not (room / "service" / "__init__.py").exists():
            missing.append(f"{room.relative_to(ROOT)}/service.py")
        promise = PACKAGE / "shared" / "interfaces" / service
        if not promise.with_suffix(".py").exists() and not (promise / "__init__.py").exists():
            missing.append(f"{promise.relative_to(ROOT)}.py")
        missing += [str(path.relative_to(ROOT)) for path in wanted if not path.exists()]
    assert missing == []


def test_every_strategy_is_the_same_package() -> None:
    strategies = [path for path in (PACKAGE / "strategies").iterdir() if (path / "params.py").exists()]
    assert {path.name for path in strategies} == {"hyperrsi", "grid"}
    for path in strategies:
        assert {"params.py", "state.py", "decide.py"} <= {file.name for file in path.glob("*.py")}


def test_every_package_is_a_real_one() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_decision_record_is_linked_from_its_index() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert records
    assert [name for name in records if f"({name})" not in index] == []
