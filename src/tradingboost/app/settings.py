"""The root of the deploy settings. Loaded once per process; every part is handed its slice."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, SecretStr, model_validator

from tradingboost.app.redis_places import jobs_places
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.settings import (
    CryptoSettings,
    DbSettings,
    EmbeddedSettings,
    JobsSettings,
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
from tradingboost.services.users.settings import AuthSettings, UsersSettings
from tradingboost.simulator.settings import SimulatorSettings


class TopologySettings(Slice):
    """`TB_TOPOLOGY__*`: where the processes of a split installation find each other."""

    host: str = Field("127.0.0.1", description="address every process listens on and calls the others at")
    port_offset: int = Field(0, ge=0, le=40_000, description="added to every service port, for a second installation")
    instance: str = Field("0", pattern=r"^[a-z0-9-]{1,20}$", description="name of this process among its likes")
    signing_key: str = Field("", description="file with the Ed25519 key of internal calls; empty = made and kept")


class BackupSettings(Slice):
    """`TB_BACKUP__*`: sealed copies of people, keys and settings."""

    keys: SecretStr | None = Field(
        None, description="name:base64 of 32 bytes, comma-separated; the first seals, all open. Keep a copy elsewhere"
    )
    folder: str = Field("", description="where backups are kept; empty = backups below the data directory")


class Settings(Slice):
    """Everything a deploy decides."""

    env: Literal["dev", "test", "paper", "production"] = Field("dev", description="what this installation is for")
    db: DbSettings = DbSettings()
    redis: RedisSettings = RedisSettings()
    jobs: JobsSettings = JobsSettings()
    log: LogSettings = LogSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    crypto: CryptoSettings = CryptoSettings()
    ops: OpsSettings = OpsSettings()
    topology: TopologySettings = TopologySettings()
    backup: BackupSettings = BackupSettings()
    users: UsersSettings = UsersSettings()
    auth: AuthSettings = AuthSettings()
    market: MarketSettings = MarketSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    positions: PositionsSettings = PositionsSettings()
    orders: OrdersSettings = OrdersSettings()
    strategy: StrategySettings = StrategySettings()
    notifications: NotificationsSettings = NotificationsSettings()
    sim: SimulatorSettings = SimulatorSettings()

    @model_validator(mode="after")
    def _two_redis(self) -> "Settings":
        """The application's Redis and the jobs' are two databases; a flush of one must not be felt by the other."""
        address = self.redis.address()
        if address is not None and not (self.redis.sentinels and self.jobs.broker_url is None):
            try:
                jobs_places(self.jobs, address)
            except InvalidInput as error:
                raise ValueError(error.message) from None
        return self


ALIASES: Final[Mapping[str, str]] = {
    "DATABASE_URL": "TB_DB__URL",
    "ENCRYPTION_KEY": "TB_CRYPTO__LEGACY_FERNET_KEYS",
    "TIMESCALE_HOST": "TB_DB__HOST",
    "TIMESCALE_PORT": "TB_DB__PORT",
    "TIMESCALE_DATABASE": "TB_DB__NAME",
    "TIMESCALE_USER": "TB_DB__USER",
    "TIMESCALE_PASSWORD": "TB_DB__PASSWORD",
    "DB_POOL_SIZE": "TB_DB__POOL_SIZE",
    "DB_MAX_OVERFLOW": "TB_DB__MAX_OVERFLOW",
    "DB_POOL_TIMEOUT": "TB_DB__POOL_TIMEOUT",
    "DB_POOL_RECYCLE": "TB_DB__POOL_RECYCLE",
    "REDIS_HOST": "TB_REDIS__HOST",
    "REDIS_PORT": "TB_REDIS__PORT",
    "REDIS_DB": "TB_REDIS__DB",
    "REDIS_PASSWORD": "TB_REDIS__PASSWORD",
    "REDIS_MAX_CONNECTIONS": "TB_REDIS__MAX_CONNECTIONS",
    "REDIS_SOCKET_TIMEOUT": "TB_REDIS__SOCKET_TIMEOUT",
    "REDIS_HEALTH_CHECK_INTERVAL": "TB_REDIS__HEALTH_CHECK_INTERVAL",
    "CELERY_BROKER_URL_OVERRIDE": "TB_JOBS__BROKER_URL",
    "CELERY_RESULT_BACKEND_OVERRIDE": "TB_JOBS__RESULT_URL",
}
"""Variables of the old system that are read where ours is absent; both present and different refuses the start."""
