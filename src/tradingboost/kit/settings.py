"""Deploy settings: the frozen base of every slice, and the kit's own slices.

Nobody imports a global settings object: the root (`app.settings`) is loaded once by `kit.environment.load` and each
part is handed its slice.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr, model_validator


class Slice(BaseModel):
    """Base of every slice and of the root: frozen, and strangers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


_LEAST_POOL, _WHOLE_POOL = 5, 20
_UNHURRIED_S = 86_400.0


class DbSettings(Slice):
    """`TB_DB__*`. Without a URL and without a host the embedded server is started."""

    url: SecretStr | None = Field(None, description="postgresql://user:password@host:port/name; empty = embedded")
    host: str | None = Field(None, description="instead of the URL, with the four below")
    port: PositiveInt = Field(5432, description="port of that host")
    name: str = Field("tradingboost", description="database on that host")
    user: str = Field("tradingboost", description="role on that host")
    password: SecretStr | None = Field(None, description="password of that role")
    owner_url: SecretStr | None = Field(None, description="address of the tables' owner, for migrations; empty = URL")
    read_url: SecretStr | None = Field(None, description="address of a replica that screens may read; empty = URL")
    timescale: Literal["auto", "off", "require"] = Field(
        "auto",
        description="cut candles by time with TimescaleDB: where it is installed, never, or else refuse to start",
    )
    row_security: Literal["auto", "require", "off"] = Field(
        "auto", description="guard rows by roles and policies: where the login may, or else refuse to start, or never"
    )
    pool_size: PositiveInt = Field(
        5, description="connections kept open per process, at least 5; a process with every service keeps 20"
    )
    max_overflow: int = Field(10, ge=0, description="connections opened beyond the pool under load")
    pool_timeout: PositiveFloat = Field(30.0, description="seconds to wait for a free connection")
    pool_recycle: PositiveInt = Field(3600, description="seconds after which a connection is renewed")
    connect_timeout_s: PositiveFloat = Field(5.0, description="seconds to wait for a new connection")
    statement_timeout_s: PositiveFloat = Field(5.0, description="seconds after which a statement is cancelled")
    idle_in_transaction_s: PositiveFloat = Field(10.0, description="seconds a transaction may rest before it is ended")
    application_name: str = Field("tradingboost", description="name shown in pg_stat_activity")

    def of_process(self, services: int) -> "DbSettings":
        """Those of a process with so many services: the pool is never smaller than the floor."""
        named = "pool_size" in self.model_fields_set
        wanted = _WHOLE_POOL if services > 1 and not named else max(self.pool_size, _LEAST_POOL)
        return self.model_copy(update={"pool_size": wanted})

    def unhurried(self) -> "DbSettings":
        """Those of work that takes as long as it takes: migrations."""
        return self.model_copy(update={"statement_timeout_s": _UNHURRIED_S, "idle_in_transaction_s": _UNHURRIED_S})

    def owner_address(self) -> str | None:
        """The URL of the tables' owner, where it is another login."""
        return None if self.owner_url is None else self.owner_url.get_secret_value()

    def address(self) -> str | None:
        """The URL to dial; None means: start the embedded server."""
        if self.url is not None:
            return self.url.get_secret_value()
        if self.host is None:
            return None
        from sqlalchemy.engine import URL  # here, because every verb reads settings and few need a database

        password = self.password.get_secret_value() if self.password else None
        url = URL.create("postgresql", self.user, password, self.host, self.port, self.name)
        return url.render_as_string(hide_password=False)


class RedisSettings(Slice):
    """`TB_REDIS__*`. Without URL, host and Sentinels the embedded server is started (DB 0; jobs use DB 1)."""

    url: SecretStr | None = Field(None, description="redis://:password@host:port/0; empty = embedded")
    host: str | None = Field(None, description="instead of the URL, with the five below")
    port: PositiveInt = Field(6379, description="port of that host")
    db: int = Field(0, ge=0, description="database on that host or behind the Sentinels; jobs have another one")
    username: str | None = Field(None, description="who logs in; empty = the server's default user")
    password: SecretStr | None = Field(None, description="password of that user")
    tls: bool = Field(False, description="speak TLS with that host")
    sentinels: tuple[str, ...] = Field((), description="host:port,host:port of Sentinels, instead of URL and host")
    sentinel_master: str = Field("mymaster", pattern=r"^[\w.-]+$", description="what the Sentinels call the master")
    sentinel_password: SecretStr | None = Field(None, description="password of the Sentinels themselves")
    max_connections: int = Field(50, ge=10, le=500, description="connections per process")
    socket_timeout: PositiveFloat = Field(5.0, description="seconds to wait for a reply")
    connect_timeout_s: PositiveFloat = Field(2.0, description="seconds to wait for a new connection")
    health_check_interval: PositiveInt = Field(30, description="seconds of silence before a connection is pinged")
    key_prefix: str = Field("", pattern=r"^[a-z0-9:_-]*$", description="text in front of every key")

    @model_validator(mode="after")
    def _one_place(self) -> "RedisSettings":
        named = [
            name for name, given in (("URL", self.url), ("HOST", self.host), ("SENTINELS", self.sentinels)) if given
        ]
        if len(named) > 1:
            both = " and ".join(f"TB_REDIS__{name}" for name in named)
            raise ValueError(f"{both} are both set; keep one of them")
        return self

    def address(self) -> str | None:
        """The address to dial; None means: start the embedded server."""
        if self.url is not None:
            return self.url.get_secret_value()
        from tradingboost.kit.redis_address import SENTINEL, host_and_port, login_of

        login = login_of(self.username, self.password.get_secret_value() if self.password else None)
        if self.sentinels:
            around = ",".join(f"{host}:{port}" for host, port in map(host_and_port, self.sentinels))
            return f"{SENTINEL}://{login}{around}/{self.sentinel_master}/{self.db}"
        if self.host is None:
            return None
        return f"redis{'s' if self.tls else ''}://{login}{self.host}:{self.port}/{self.db}"


class JobsSettings(Slice):
    """`TB_JOBS__*`: the Redis of the job queue, and the workers."""

    broker_url: SecretStr | None = Field(
        None, description="Redis of the job queue; empty = DB 1 beside the application's"
    )
    result_url: SecretStr | None = Field(None, description="Redis of job results; empty = the broker")
    redeliver_after_s: PositiveFloat = Field(5.0, description="silence of a worker after which another takes its piece")
    piece_s: PositiveFloat = Field(20.0, description="longest a worker works before it writes down how far it is")
    per_user: PositiveInt = Field(3, description="unfinished jobs one user may have")
    keep_days: PositiveInt = Field(30, description="days a finished job is kept")


class LogSettings(Slice):
    """`TB_LOG__*`."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level written")
    format: Literal["json", "console"] = Field("json", description="json lines, or coloured text for a terminal")
    file: Path | None = Field(None, description="file to append to instead of standard error")


class EmbeddedSettings(Slice):
    """`TB_EMBEDDED__*`: the servers started as child processes."""

    data_dir: Path | None = Field(None, description="where the data lives; empty = the user's data directory")
    allow_production: bool = Field(False, description="permit embedded servers when TB_ENV=production")


class OpsSettings(Slice):
    """`TB_OPS__*`."""

    crash_point: str = Field("", description="name:nth, where this process kills itself; TB_ENV=test only")
    keep_metrics: bool = Field(False, description="write metrics into the database once a minute")
    keep_metrics_days: PositiveInt = Field(30, description="days for which these are kept")
    disk_alarm_ratio: float = Field(
        0.85, gt=0, le=1, description="share of the disk in use from which on it is an alarm"
    )


class CryptoSettings(Slice):
    """`TB_CRYPTO__*`."""

    keks: SecretStr | None = Field(None, description="kid1:base64,kid2:base64 (32 bytes each); the first is active")
    pepper: SecretStr | None = Field(None, description="base64, 32 bytes: keys the fingerprints of API keys")
    legacy_fernet_keys: SecretStr | None = Field(
        None, description="Fernet keys of the old system, for migrate api-keys alone; also read as ENCRYPTION_KEY"
    )
