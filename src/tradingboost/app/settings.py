"""The root of the deploy settings. Loaded once per process; every part is handed its slice."""

from typing import Literal

from pydantic import Field

from tradingboost.kit.settings import (
    CryptoSettings,
    DbSettings,
    EmbeddedSettings,
    LogSettings,
    OpsSettings,
    RedisSettings,
    Slice,
)
from tradingboost.services.exchange.settings import ExchangeSettings
from tradingboost.services.market.settings import MarketSettings
from tradingboost.services.notifications.settings import NotificationsSettings
from tradingboost.services.orders.settings import OrdersSettings
from tradingboost.services.positions.settings import PositionsSettings
from tradingboost.services.strategy.settings import StrategySettings
from tradingboost.services.users.settings import UsersSettings
from tradingboost.simulator.settings import SimulatorSettings


class TopologySettings(Slice):
    """`TB_TOPOLOGY__*`: where the processes of a split installation find each other."""

    host: str = Field("127.0.0.1", description="address every process listens on and calls the others at")
    port_offset: int = Field(0, ge=0, le=40_000, description="added to every service port, for a second installation")
    instance: str = Field("0", pattern=r"^[a-z0-9-]{1,20}$", description="name of this process among its likes")
    signing_key: str = Field("", description="file with the Ed25519 key of internal calls; empty = made and kept")


class Settings(Slice):
    """Everything a deploy decides."""

    env: Literal["dev", "test", "paper", "production"] = Field("dev", description="what this installation is for")
    db: DbSettings = DbSettings()
    redis: RedisSettings = RedisSettings()
    log: LogSettings = LogSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    crypto: CryptoSettings = CryptoSettings()
    ops: OpsSettings = OpsSettings()
    topology: TopologySettings = TopologySettings()
    users: UsersSettings = UsersSettings()
    market: MarketSettings = MarketSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    positions: PositionsSettings = PositionsSettings()
    orders: OrdersSettings = OrdersSettings()
    strategy: StrategySettings = StrategySettings()
    notifications: NotificationsSettings = NotificationsSettings()
    sim: SimulatorSettings = SimulatorSettings()
