"""The tree can be read by its shape: tests mirror the pure half, and a context has one name everywhere."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradingboost"
PURE = ("core", "indicators", "strategies", "sim", "backtest")


def does_something(module: Path) -> bool:
    """A module of declarations only (ids, records) is tested through its users."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))


def test_every_pure_module_has_its_unit_test() -> None:
    missing = []
    for module in (path for top in PURE for path in (PACKAGE / top).rglob("*.py")):
        if module.name == "__init__.py" or not does_something(module):
            continue
        folder = ROOT / "tests" / "unit" / module.relative_to(PACKAGE).parent
        if not [*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")]:
            missing.append(f"tests/unit/{module.relative_to(PACKAGE).parent}/test_{module.name}")
    assert missing == []


def test_a_service_has_one_name_everywhere() -> None:
    missing = []
    for service in (path.name for path in (PACKAGE / "services").iterdir() if (path / "__init__.py").exists()):
        wanted = [
            PACKAGE / "services" / service / "module.py",
            PACKAGE / "shared" / "interfaces" / f"{service}.py",
            ROOT / "docs" / "services" / f"{service}.md",
            ROOT / "tests" / "services" / service,
        ]
        room = PACKAGE / "services" / service
        if not (room / "service.py").exists() and not (room / "service" / "__init__.py").exists():
            missing.append(f"{room.relative_to(ROOT)}/service.py")
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
