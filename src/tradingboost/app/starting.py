"""Starting a run on a platform that runs: first what it would decide with, then the start itself."""

from typing import Any

import msgspec

from tradingboost.app.reach import Reached, reach
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import Symbol
from tradingboost.core.market import Timeframe
from tradingboost.shared.interfaces.strategy import RunView, StartRun
from tradingboost.shared.interfaces.users import Account
from tradingboost.shared.interfaces.users.settings import AskEffective, Effective
from tradingboost.shared.user_settings.addresses import SettingType


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said.

    Args:
        account: its id or label; empty where there is one only.
        symbol, timeframe: empty = the owner's preferences.
        preset: by id or name; None = the owner's default, if there is one.
    """

    strategy: str
    account: str = ""
    symbol: str = ""
    timeframe: str = ""
    params: dict[str, Any] = {}
    preset: str | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What would be started, before it is."""

    account: Account
    wish: StartRun
    effective: Effective


async def prepared(settings: Settings, asked: Asked) -> Prepared:
    """Settle what was left open and merge the settings; nothing is started.

    Raises:
        NotFound: `unknown_account`, `unknown_strategy`, `preset_not_found`.
        InvalidInput: `account_needed`, `bad_timeframe`, and whatever the strategy's schema says.
        Unavailable: `platform_not_running`.
    """
    async with reach(settings) as services:
        if asked.strategy not in services.strategies:
            known = ", ".join(services.strategies) or "none here"
            raise NotFound("unknown_strategy", f"There is no strategy {asked.strategy!r}; choose one of: {known}.")
        account = await _account(services, asked.account)
        symbol, timeframe = await _market(services, account, asked)
        wish = StartRun(
            user_id=account.user_id,
            account_id=account.account_id,
            strategy=asked.strategy,
            symbol=symbol,
            timeframe=timeframe,
            params=asked.params,
            preset_id=asked.preset,
        )
        ask = AskEffective(
            user_id=account.user_id,
            strategy=asked.strategy,
            scope=f"{account.venue}:{symbol}",
            preset_id=asked.preset,
            overrides=asked.params,
        )
        return Prepared(account=account, wish=wish, effective=await services.users.effective(ask))


async def start(settings: Settings, wish: StartRun) -> RunView:
    """Start it.

    Raises:
        Conflict: another run has the symbol. Refused: the account may not trade. Unavailable: `platform_not_running`.
    """
    async with reach(settings) as services:
        return await services.strategies[wish.strategy].start(wish)


async def _account(services: Reached, wanted: str) -> Account:
    every = await services.users.accounts()
    chosen = [one for one in every if wanted in ("", one.account_id, one.label)]
    names = ", ".join(dict.fromkeys(one.label for one in every)) or "none yet; link one with tradingboost connect"
    if not chosen:
        said = f"There is no account {wanted!r}" if wanted else "No account is linked"
        raise NotFound("unknown_account", f"{said}; there are: {names}.")
    if len(chosen) > 1:
        raise InvalidInput("account_needed", f"Say which account is meant with --account; there are: {names}.")
    return chosen[0]


async def _market(services: Reached, account: Account, asked: Asked) -> tuple[Symbol, Timeframe]:
    """What was said, else the owner's preferences."""
    liked: dict[str, Any] = {}
    if not asked.symbol or not asked.timeframe:
        documents = await services.users.settings(account.user_id, "hyperrsi", "global")
        liked = next(one.settings for one in documents if one.where.setting_type is SettingType.PREFERENCES)
    timeframe = asked.timeframe or liked["timeframe"]
    known = [one.value for one in Timeframe]
    if timeframe not in known:
        raise InvalidInput("bad_timeframe", f"There is no timeframe {timeframe!r}; choose one of {', '.join(known)}.")
    return Symbol(asked.symbol or liked["symbol"]), Timeframe(timeframe)
