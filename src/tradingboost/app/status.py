"""What an installation is doing: accounts with their books, runs, positions, orders and the newest messages."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from tradingboost.app.machine import Disk, disk
from tradingboost.app.places import data_dir, has_data
from tradingboost.app.reach import is_running, reach, whereabouts
from tradingboost.app.settings import Settings
from tradingboost.shared.interfaces.exchange import Exchange, StreamStatus
from tradingboost.shared.interfaces.notifications import Message, Notifications
from tradingboost.shared.interfaces.orders import Orders, OrderView
from tradingboost.shared.interfaces.positions import Books, Positions, PositionView
from tradingboost.shared.interfaces.strategy import RunView, Strategy
from tradingboost.shared.interfaces.users import Account, Users

_ORDERS_SHOWN = 200


class AccountStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One account.

    Args:
        gateway: its stream and how its venue treats us; None while nothing runs.
    """

    account: Account
    books: Books
    positions: list[PositionView]
    open_orders: list[OrderView]
    gateway: StreamStatus | None = None


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One run without its kernel's memory."""

    run_id: str
    account_id: str
    strategy: str
    symbol: str
    timeframe: str
    status: str
    reason: str
    started_at: datetime
    last_bar_at: datetime | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `status` shows.

    Args:
        running: whether a platform of this installation is running now; else this is what it left.
        open_profit: of all positions, None when a price is not known.
        disk: where the data lies.
    """

    running: bool
    http: str
    data_dir: str
    accounts: list[AccountStatus]
    runs: list[RunStatus]
    messages: list[Message]
    open_profit: Decimal | None
    disk: Disk


class _Services(Protocol):
    """Whoever can be asked: the running services, or those of a platform at rest."""

    @property
    def users(self) -> Users: ...
    @property
    def exchange(self) -> Exchange: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def positions(self) -> Positions: ...
    @property
    def notifications(self) -> Notifications: ...
    @property
    def strategies(self) -> Mapping[str, Strategy]: ...


async def status(settings: Settings, every_run: bool = False) -> Status:
    """Ask the running platform, or read what it left; the embedded servers are started for the look when none run.

    Args:
        every_run: also those that have stopped.
    """
    told = whereabouts(data_dir(settings))
    if await is_running(settings):
        async with reach(settings) as services:
            if services.whole:
                return await _asked(services, settings, told.http if told else "", True, every_run)
    if not has_data(settings):
        return _nothing(settings)
    from tradingboost.app.look import platform_at_rest  # the whole platform: not for those who only look in vain

    async with platform_at_rest(settings) as resting:
        return await _asked(resting, settings, "", told is not None, every_run)


async def _asked(services: _Services, settings: Settings, http: str, running: bool, every_run: bool) -> Status:
    accounts = [
        AccountStatus(
            account=account,
            books=await services.positions.books(account.account_id),
            positions=await services.positions.positions(account.account_id),
            open_orders=await services.orders.orders(account.account_id, _ORDERS_SHOWN, open_only=True),
            gateway=await services.exchange.stream_status(account.account_id) if running else None,
        )
        for account in await services.users.accounts()
    ]
    runs = [run for strategy in services.strategies.values() for run in await strategy.runs()]
    people = dict.fromkeys(one.account.user_id for one in accounts)
    messages = [message for user in people for message in await services.notifications.messages(user, 10)]
    profits = [leg.unrealized_quote for one in accounts for leg in one.positions]
    return Status(
        running=running,
        http=http,
        data_dir=str(data_dir(settings)),
        accounts=accounts,
        runs=[_short(run) for run in runs if every_run or run.status != "stopped"],
        messages=sorted(messages, key=lambda one: one.created_at, reverse=True)[:10],
        open_profit=sum((one for one in profits if one is not None), Decimal(0)) if None not in profits else None,
        disk=_disk(settings),
    )


def _short(run: RunView) -> RunStatus:
    return RunStatus(
        run_id=run.run_id,
        account_id=run.account_id,
        strategy=run.strategy,
        symbol=run.symbol,
        timeframe=run.timeframe.value,
        status=run.status,
        reason=run.reason,
        started_at=run.started_at,
        last_bar_at=run.last_bar_at,
    )


def _disk(settings: Settings) -> Disk:
    return disk(data_dir(settings), settings.ops.disk_alarm_ratio)


def _nothing(settings: Settings) -> Status:
    return Status(
        running=False,
        http="",
        data_dir=str(data_dir(settings)),
        accounts=[],
        runs=[],
        messages=[],
        open_profit=None,
        disk=_disk(settings),
    )
