"""Starting a run: what is left open is settled, what is meant is shown, and nothing starts without a yes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builders import ACCOUNT, USER

from tradingboost.app import starting
from tradingboost.app.settings import Settings
from tradingboost.cli.main import main
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import AccountId, Venue
from tradingboost.core.market import Timeframe
from tradingboost.shared.interfaces.strategy import RunView, StartRun
from tradingboost.shared.interfaces.users import Account
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective, Setting
from tradingboost.shared.user_settings.addresses import address

OTHER = AccountId("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5062")


def account(account_id: AccountId, label: str) -> Account:
    return Account(
        account_id=account_id, user_id=USER, venue=Venue("okx"), environment="paper", label=label, exchange_uid="1"
    )


class Running:
    """A running platform as `reach` would give it: one person with accounts, one strategy."""

    def __init__(self, *accounts: Account) -> None:
        self.users = self
        self.strategies = {"hyperrsi": self}
        self.started: list[StartRun] = []
        self.asked: list[AskEffective] = []
        self._accounts = list(accounts)

    async def accounts(self) -> list[Account]:
        return self._accounts

    async def settings(self, user_id: str, strategy: str, scope: str) -> list[Setting]:
        assert (user_id, strategy, scope) == (USER, "hyperrsi", "global")
        liked = {"timeframe": "5m", "symbol": "ETH-USDT-SWAP"}
        return [
            Setting(where=address("params"), settings={}, version=0),
            Setting(where=address("preferences"), settings=liked, version=1),
        ]

    async def effective(self, asked: AskEffective) -> Effective:
        self.asked.append(asked)
        return Effective(params={"leverage": 10, **asked.overrides}, version=3, warnings=["a_long_stop"])

    async def start(self, wish: StartRun) -> RunView:
        self.started.append(wish)
        view: Any = SimpleNamespace(
            status="running", strategy=wish.strategy, symbol=wish.symbol, timeframe=wish.timeframe, run_id="a" * 12
        )
        return view  # type: ignore[no-any-return]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Running:
    found = Running(account(ACCOUNT, "mine"))

    @asynccontextmanager
    async def reach(settings: Settings) -> AsyncIterator[Running]:
        yield found

    monkeypatch.setattr(starting, "reach", reach)
    return found


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


async def test_what_is_left_open_comes_from_the_owner(there: Running) -> None:
    ahead = await starting.prepared(Settings(), starting.Asked(strategy="hyperrsi", params={"leverage": 5}))
    assert (ahead.wish.symbol, ahead.wish.timeframe, ahead.wish.account_id) == ("ETH-USDT-SWAP", Timeframe.M5, ACCOUNT)
    assert ahead.effective.params["leverage"] == 5
    (asked,) = there.asked
    assert (asked.user_id, asked.scope, asked.preset_id) == (USER, "okx:ETH-USDT-SWAP", None)
    assert there.started == []


async def test_what_is_said_wins(there: Running) -> None:
    asked = starting.Asked(
        strategy="hyperrsi", account="mine", symbol="BTC-USDT-SWAP", timeframe="1h", preset="calm", params={}
    )
    wish = (await starting.prepared(Settings(), asked)).wish
    assert (wish.symbol, wish.timeframe, wish.preset_id) == ("BTC-USDT-SWAP", Timeframe.H1, "calm")
    assert there.asked[0].preset_id == "calm"


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"strategy": "hyperrsii"}, NotFound, "unknown_strategy"),
        ({"strategy": "hyperrsi", "account": "yours"}, NotFound, "unknown_account"),
        ({"strategy": "hyperrsi", "timeframe": "7m"}, InvalidInput, "bad_timeframe"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_what_there_is(
    there: Running, asked: dict[str, Any], error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as caught:
        await starting.prepared(Settings(), starting.Asked(**asked))
    assert getattr(caught.value, "code", "") == code
    assert there.asked == []


async def test_two_accounts_need_a_name(there: Running) -> None:
    there._accounts.append(account(OTHER, "second"))
    with pytest.raises(InvalidInput, match="mine, second"):
        await starting.prepared(Settings(), starting.Asked(strategy="hyperrsi"))
    there._accounts.clear()
    with pytest.raises(NotFound, match="tradingboost connect"):
        await starting.prepared(Settings(), starting.Asked(strategy="hyperrsi"))


@pytest.mark.parametrize(("words", "ended"), [((), (5, 0)), (("--yes",), (0, 1))])
@pytest.mark.usefixtures("elsewhere")
def test_nothing_starts_without_a_yes(there: Running, words: tuple[str, ...], ended: tuple[int, int]) -> None:
    assert (main(["start", "hyperrsi", "-p", "BTC-USDT-SWAP", *words]), len(there.started)) == ended
