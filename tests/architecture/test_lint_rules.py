"""Each house rule finds what it forbids and leaves the right way of writing it alone."""

import pytest
from scripts.lint import CHECKS, lint
from scripts.lint.source import Source

HOME = "src/tradingboost/"

BAD = {
    "a stream name outside the registry": (
        "redis-keys",
        "services/market/service.py",
        'STREAM = "events:market"',
    ),
    "a key written as an f-string": (
        "redis-keys",
        "services/market/service.py",
        'key = f"market:ticker:{venue}:{symbol}"',
    ),
    "a user's key written as an f-string": (
        "redis-keys",
        "services/users/service.py",
        'key = f"user:{user_id}:settings"',
    ),
    "a literal handed to a redis command": ("redis-keys", "kit/cache.py", 'await self._redis.get("anything:at:all")'),
    "a float literal in an order": ("money-floats", "core/order.py", "FEE = 0.0005"),
    "a float beside seconds": ("money-floats", "services/orders/service.py", "SHARE, PAUSE_S = 0.5, 1"),
    "a conversion to float": ("money-floats", "services/orders/service.py", "total = float(order.qty)"),
    "a float annotation": ("money-floats", "core/position.py", "def mark(price: float) -> None:\n    return None"),
    "a float conversion at the crossing": ("money-floats", "core/money.py", "exact = Decimal(float(value))"),
    "a crash point nobody registered": (
        "crash-points",
        "services/orders/service.py",
        'crash_point("orders.claim.after_comit")',
    ),
    "a crash point after a commit nobody registered": (
        "crash-points",
        "services/orders/service.py",
        'crash_after_commit(db, "orders.claim")',
    ),
    "a crash point without a literal name": ("crash-points", "services/orders/service.py", "crash_point(name)"),
    "an f-string statement": (
        "sql",
        "services/orders/repository.py",
        'query = f"SELECT id FROM orders WHERE id = {order_id}"',
    ),
    "an f-string handed to text": ("sql", "services/orders/repository.py", 'await session.execute(text(f"{verb} me"))'),
    "percent formatting": ("sql", "kit/db.py", 'connection.execute("SELECT 1 FROM %s" % table)'),
    "concatenation": ("sql", "kit/db.py", 'query = "delete from orders where id = " + order_id'),
    "str.format": ("sql", "kit/db.py", 'query = "UPDATE orders SET x = {}".format(value)'),
    "a retry decorator on create_order": (
        "order-retries",
        "venues/okx.py",
        "@stamina.retry(on=OSError)\nasync def create_order(self): return 1",
    ),
    "a retry decorator on placing": (
        "order-retries",
        "services/exchange/service.py",
        "@retry\nasync def place(self): return 1",
    ),
    "an order handed to a retry": (
        "order-retries",
        "services/exchange/service.py",
        "await with_retries(lambda: venue.create_order(o))",
    ),
    "an order method handed to a retry": (
        "order-retries",
        "services/orders/sagas.py",
        "await retry(exchange.place, order)",
    ),
    "an order inside a retry loop": (
        "order-retries",
        "services/orders/sagas.py",
        "async for attempt in retry_context(on=OSError):\n    with attempt:\n        await exchange.place(order)",
    ),
    "ccxt's own retry": ("order-retries", "venues/okx.py", 'options = {"maxRetriesOnFailure": 3}'),
    "a pass-only function": ("stubs", "core/order.py", "def merge(order):\n    pass"),
    "a function of dots": ("stubs", "core/order.py", "def merge(order): ..."),
    "NotImplementedError": ("stubs", "core/order.py", "raise NotImplementedError"),
    "NotImplementedError with words": ("stubs", "core/order.py", 'raise NotImplementedError("later")'),
    "a note to self": ("stubs", "core/order.py", "x = 1  # " + "TODO: finish"),
    "a swallowed error": ("stubs", "kit/bus.py", "try:\n    go()\nexcept OSError:\n    pass"),
    "suppressing everything": ("stubs", "kit/bus.py", "with contextlib.suppress(Exception):\n    go()"),
    "a file too long": ("sizes", "core/order.py", "x = 1\n" * 401),
    "a table file too long": ("sizes", "services/orders/tables.py", "x = 1\n" * 601),
    "a drawer": ("names", "kit/utils.py", "x = 1"),
    "a drawer of a service": ("names", "services/orders/helpers/rounding.py", "x = 1"),
    "product code reading outside": ("machine-text", "cli/demo.py", 'DATA = "../sha' + 'red/data"'),
}

GOOD = {
    "the registry itself": ("kit/keys.py", 'STREAM = "events:market"'),
    "a sentence with a colon": (
        "services/market/service.py",
        'raise NotFound("x", f"market: no candles for {symbol}")',
    ),
    "an event type": ("services/market/service.py", 'TYPE = "market.candle_closed"'),
    "a redis address": ("kit/redis.py", 'client = redis.from_url("redis://localhost:6379/0")'),
    "the name of an aggregate": ("services/orders/service.py", 'emit(aggregate=f"orders:{account_id}:{symbol}")'),
    "the name of a lease": ("services/orders/service.py", 'def _resource(a: str) -> str:\n    return f"orders:{a}:x"'),
    "a registered crash point": (
        "services/orders/service.py",
        'crash_point("orders.claim.after_commit")\ncrash_after_commit(db, "saga.step.after_commit")',
    ),
    "a slot": ("services/orders/service.py", 'slot = f"tp:{number}"'),
    "a decimal": ("core/order.py", 'FEE = Decimal("0.0005")'),
    "seconds": (
        "services/orders/service.py",
        "await ask(order, timeout_s=0.5)\nDELAYS_S: tuple[float, ...] = (0.5, 1.0)",
    ),
    "seconds beside a count": ("services/orders/service.py", "TRIES, PAUSE_S = 20, 0.25"),
    "a time span": ("services/orders/service.py", "wait = timedelta(seconds=0.5)"),
    "a duration parameter": ("services/exchange/service.py", "def wait(delay_s: float) -> None:\n    sleep(delay_s)"),
    "a float where nothing is money": ("indicators/rsi.py", "def seed(closes: float) -> float:\n    return 0.5"),
    "the crossing into money": (
        "core/money.py",
        "def to_step(value: float | Decimal) -> Decimal:\n    return Decimal(value)",
    ),
    "bind parameters": (
        "services/orders/repository.py",
        'await session.execute(text("SELECT 1 FROM orders WHERE id = :id"))',
    ),
    "a sentence starting like SQL": ("cli/demo.py", 'message = f"Select a file from {folder}"'),
    "a name in capitals": ("kit/db.py", 'connection.execute(f"CREATE DATABASE {DATABASE}")'),
    "a retried read": ("venues/okx.py", "@stamina.retry(on=OSError)\nasync def fetch_order(self): return 1"),
    "a retry of a query": ("services/orders/sagas.py", "await retry(exchange.order_by_client_id, order)"),
    "orders in an ordinary loop": (
        "services/orders/service.py",
        "for order in batch:\n    await exchange.place(order)",
    ),
    "ccxt told not to retry": ("venues/okx.py", 'options = {"maxRetriesOnFailure": 0}'),
    "a promise": ("shared/interfaces/orders.py", "class Orders(Protocol):\n    async def submit(self) -> int: ..."),
    "a generic promise": ("shared/interfaces/x.py", "class Source(Protocol[T]):\n    def next(self) -> T: ..."),
    "an overload": ("kit/remote.py", "@overload\ndef f(x: int) -> int: ..."),
    "suppressing one error": ("kit/bus.py", "with contextlib.suppress(CancelledError):\n    go()"),
    "a file of 400 lines": ("core/order.py", "x = 1\n" * 400),
    "tables of 600 lines": ("services/orders/tables.py", "x = 1\n" * 600),
    "a relative path": ("cli/demo.py", 'text = "home/data"\nurl = "https://www.okx.com/docs"'),
}


def rules_broken(path: str, text: str) -> set[str]:
    return {found.rule for found in lint([Source(path, text)]) if not found.warning}


@pytest.mark.parametrize(("rule", "path", "text"), BAD.values(), ids=BAD.keys())
def test_a_rule_finds(rule: str, path: str, text: str) -> None:
    assert rules_broken(HOME + path, text) == {rule}


@pytest.mark.parametrize(("path", "text"), GOOD.values(), ids=GOOD.keys())
def test_no_rule_objects_to(path: str, text: str) -> None:
    assert rules_broken(HOME + path, text) == set()


def test_every_rule_has_a_bad_example() -> None:
    assert {rule for rule, _, _ in BAD.values()} == set(CHECKS)


def test_a_finding_names_file_line_and_what_to_do() -> None:
    [found] = lint([Source(HOME + "core/order.py", "x = 1\nFEE = 0.5\n")])
    assert str(found) == f"{HOME}core/order.py:2: money-floats: float literal 0.5; write Decimal('0.5') or an integer"


def test_a_skip_needs_its_rule_and_a_reason() -> None:
    path = HOME + "core/order.py"
    assert rules_broken(path, "FEE = 0.5  # lint: skip money-floats -- a share, not an amount") == set()
    assert rules_broken(path, "FEE = 0.5  # lint: skip money-floats") == {"money-floats"}
    assert rules_broken(path, "FEE = 0.5  # lint: skip sql -- wrong rule") == {"money-floats"}


def test_tests_may_be_longer_than_product_code() -> None:
    assert rules_broken("tests/unit/core/test_order.py", "x = 1\n" * 600) == set()
    assert rules_broken("tests/unit/core/test_order.py", "x = 1\n" * 601) == {"sizes"}


def test_long_functions_and_parameter_lists_are_listed_but_do_not_fail() -> None:
    long = "def f(a, b, c, d, e, g):\n" + "    x = 1\n" * 40
    found = list(lint([Source(HOME + "core/order.py", long)]))
    assert [(finding.rule, finding.warning) for finding in found] == [("sizes", True), ("sizes", True)]
