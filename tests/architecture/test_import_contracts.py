"""The import contracts hold on the tree, and each of them bites: a small house with one bad import in it is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".importlinter"
LAYERS = ("cli", "app", "simulator", "venues", "kit", "shared", "backtest", "sim", "strategies", "indicators", "core")
ROOM = (
    "module",
    "api",
    "handlers",
    "workers",
    "sagas",
    "service",
    "repository",
    "tables",
    "models",
    "settings",
    "errors",
)

BREACHES = {
    "a lower layer imports a higher one": ("core/order.py", "tradingboost.kit", "The house"),
    "kit imports a service": ("kit/bus.py", "tradingboost.services.orders.service", "The house"),
    "a new top-level package": ("magic/__init__.py", "tradingboost.core", "The house"),
    "a new room in a service": ("services/orders/clever.py", "tradingboost.core", "Every service is the same room"),
    "tables import the repository": (
        "services/orders/tables.py",
        "tradingboost.services.orders.repository",
        "Every service is the same room",
    ),
    "one service imports another": (
        "services/orders/service.py",
        "tradingboost.services.users.service",
        "Services do not import each other",
    ),
    "one strategy imports another": (
        "strategies/grid/decide.py",
        "tradingboost.strategies.hyperrsi.decide",
        "Strategies do not import each other",
    ),
    "the simulator imports a venue": (
        "simulator/rest.py",
        "tradingboost.venues",
        "The simulated exchange knows no service",
    ),
    "a service plugs in itself": (
        "services/orders/service.py",
        "tradingboost.services.orders.module",
        "Only app plugs a service in",
    ),
    "app reaches into a service": (
        "app/wiring.py",
        "tradingboost.services.orders.repository",
        "Nobody outside reaches into a service",
    ),
    "the command line imports a service": (
        "cli/demo.py",
        "tradingboost.services.orders.module",
        "The command line talks to interfaces only",
    ),
    "a decision reads the clock": ("core/order.py", "time", "Pure means pure"),
    "a strategy awaits": ("strategies/grid/decide.py", "asyncio", "Pure means pure"),
    "the exchange core throws dice": ("sim/engine.py", "random", "Pure means pure"),
    "a promise needs machinery": ("shared/events/orders.py", "redis", "shared holds promises"),
    "ccxt in a service": ("services/exchange/service.py", "ccxt", "ccxt only in venues"),
    "redis in a service": ("services/market/service.py", "redis", "redis only in kit"),
    "telegram elsewhere": ("kit/alerts.py", "telegram", "telegram only in services.notifications"),
    "celery elsewhere": ("kit/bus.py", "celery", "celery only in kit.jobs"),
    "a job places an order": (
        "app/jobs/sell.py",
        "tradingboost.services.orders.service",
        "A job cannot reach an order",
    ),
    "a cycle inside one package": ("kit/bus.py", "tradingboost.kit.outbox", "No import cycles"),
}


def lint_imports(root: Path) -> tuple[int, str]:
    env = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"}
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--config",
        str(root / ".importlinter"),
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The smallest house that keeps every contract: all layers, two services with all rooms, two strategies."""
    package = tmp_path / "src" / "tradingboost"
    for layer in [
        *LAYERS,
        "services",
        "shared/events",
        "strategies/hyperrsi",
        "strategies/grid",
        "kit/jobs",
        "app/jobs",
    ]:
        (package / layer).mkdir(parents=True)
    for service in ("orders", "users", "exchange", "market"):
        (package / "services" / service).mkdir()
        for room in ROOM:
            (package / "services" / service / f"{room}.py").touch()
    (package / "shared" / "interfaces").mkdir()
    promises = (f"shared/interfaces/{name}.py" for name in ("exchange", "orders", "strategy"))
    forbidden = ("app/wiring.py", "app/process.py", "kit/remote.py")
    for name in ("kit/bus.py", "strategies/hyperrsi/decide.py", "__main__.py", *promises, *forbidden):
        (package / name).touch()
    (package / "kit" / "outbox.py").write_text("from tradingboost.kit import bus\n")
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    shutil.copy(CONFIG, tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    code, report = lint_imports(ROOT)
    assert code == 0, report


def test_the_smallest_house_keeps_every_contract(house: Path) -> None:
    code, report = lint_imports(house)
    assert code == 0, report


@pytest.mark.parametrize(("where", "what", "contract"), BREACHES.values(), ids=BREACHES.keys())
def test_a_contract_refuses(house: Path, where: str, what: str, contract: str) -> None:
    file = house / "src" / "tradingboost" / where
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"import {what}\n")
    code, report = lint_imports(house)
    assert code == 1, report
    broken = [line for line in report.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), report
