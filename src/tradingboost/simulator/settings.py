"""`TB_SIM__*`: what the simulated exchange lists, where its market comes from and how strict it is."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr

from tradingboost.kit.settings import Slice

ClockMode = Literal["live", "stepped"]
AuthClock = Literal["wall", "market", "off"]
SourceKind = Literal["synthetic", "candles", "trades", "script", "live", "none"]


class MarketSource(Slice):
    """Where the prints of one instrument come from."""

    inst: str = Field(description="instrument id, such as BTC-USDT-SWAP; for a candle file the file's own symbol")
    source: SourceKind = Field(
        "synthetic", description="synthetic, candles or trades (a file), script (a list), live (a real venue) or none"
    )
    path: Path | None = Field(None, description="file of candles or trades (.parquet, .feather or .csv)")
    start_px: Decimal | None = Field(None, gt=0, description="first price of a synthetic market")
    prices: tuple[Decimal, ...] = Field((), max_length=100_000, description="prices of a script, one a print")
    every_ms: PositiveInt = Field(1000, description="time between two prints of a synthetic market or a script")
    volatility_bps: PositiveFloat = Field(2.0, description="synthetic: standard deviation of one print")
    history_bars: int = Field(1500, ge=0, le=50_000, description="one-minute bars of history before the start")
    start_ratio: float = Field(0.5, ge=0, le=1, description="files: share that is history at the start")


class AccountSettings(Slice):
    """An account opened at the start."""

    uid: str = Field("1", description="account number")
    label: str = Field("demo", description="name shown in account/config")
    key: str = Field("demo-key", description="API key")
    secret: SecretStr = Field(SecretStr("demo-secret"), description="API secret")
    passphrase: SecretStr = Field(SecretStr("demo-pass"), description="API passphrase")
    env: Literal["live", "demo", "any"] = Field("any", description="which requests the key accepts")
    pos_mode: Literal["net_mode", "long_short_mode"] = Field("net_mode", description="position mode")
    acct_lv: Literal[1, 2, 3] = Field(2, description="1 spot, 2 futures, 3 multi-currency")
    fee_level: PositiveInt = Field(1, description="fee level of the venue's table")
    balances: dict[str, Decimal] = Field(default={"USDT": Decimal(100_000)}, description="opening balances")


class SimulatorSettings(Slice):
    """`TB_SIM__*`."""

    host: str = Field("127.0.0.1", description="address of the trading ports; admin is always loopback")
    port: int = Field(8090, ge=0, le=65535, description="REST and WebSocket port; 0 = any free one")
    tls: bool = Field(True, description="serve the same over TLS with a self-made CA")
    tls_port: int = Field(8091, ge=0, le=65535, description="port of the TLS twin; 0 = any free one")
    admin_port: int = Field(8092, ge=0, le=65535, description="port of the admin API; 0 = any free one")
    admin_token: SecretStr | None = Field(None, description="bearer token of the admin API; empty = made at start")
    seed: int = Field(1, description="seed of every random stream")
    clock: ClockMode = Field("live", description="live: market time runs; stepped: only admin/clock/step moves it")
    speed: PositiveFloat = Field(1.0, le=1000, description="live: market seconds per wall second")
    start_ms: int | None = Field(None, ge=0, description="market time at the start; empty = now (live) or 2026-01-01")
    auth_clock: AuthClock = Field("wall", description="what request timestamps are compared with")
    max_clock_skew_s: PositiveFloat = Field(30.0, description="tolerated difference of those")
    limit_scale: NonNegativeFloat = Field(0.0, description="factor on the venue's request limits; 0 = off")
    markets: tuple[MarketSource, ...] = Field((), description="JSON list of sources; empty = synthetic for all")
    live_rest_url: str = Field("https://www.okx.com", description="where sources of kind live read their history")
    live_ws_url: str = Field(
        "wss://ws.okx.com:8443/ws/v5", description="where they hear prices; any exchange that speaks OKX v5"
    )
    accounts: tuple[AccountSettings, ...] = Field((AccountSettings(),), description="JSON list of accounts")
    policy: dict[str, Any] = Field(default={}, description="JSON object: fields of the engine's policy to change")
    account_push_ms: int = Field(5000, ge=0, description="live: regular account push; 0 = off")
    position_push_ms: int = Field(5000, ge=0, description="live: regular position push; 0 = off")
    public_push_ms: PositiveInt = Field(100, description="live: least time between two pushes of a ticker")
    max_connections: PositiveInt = Field(1000, description="WebSocket connections accepted")
    frames_queued: PositiveInt = Field(20_000, description="frames waiting per connection before it is closed")
    requests_kept: PositiveInt = Field(5000, description="requests remembered for admin /requests")
    emission_order: Literal["ack_first", "push_first", "seeded"] = Field(
        "ack_first", description="whether the answer or the private frames of what was done come first"
    )
    market_push: Literal["live_then_fills", "fills_only"] = Field(
        "live_then_fills", description="whether a market order is pushed as live before its fills"
    )
    books_checksum: Literal["zero", "crc32"] = Field("zero", description="checksum of the order book channels")
    ws_fail_msg: Literal["empty", "text"] = Field(
        "empty", description="msg of a WebSocket operation none of which was done"
    )
    retention: Literal["all", "venue"] = Field(
        "all",
        description="venue: unfilled canceled orders are known for 2 h, histories go back 7 d (fills 3), archives 90",
    )
    cash_includes_isolated: bool = Field(False, description="whether cashBal counts the margin of isolated positions")
    latency_accept_ms: NonNegativeFloat = Field(0, le=60_000, description="live: real time an order needs to arrive")
    latency_ack_ms: NonNegativeFloat = Field(0, le=60_000, description="live: real time its answer needs back")
    latency_push_ms: NonNegativeFloat = Field(0, le=60_000, description="live: real time a private push needs")
    latency_jitter_ms: NonNegativeFloat = Field(0, le=60_000, description="up to so much more of each, seeded")
    index_lag_ms: int = Field(0, ge=0, le=86_400_000, description="orders and fills are unknown to queries for so long")
    journal_file: Path | None = Field(
        None, description="every command is appended here; a killed exchange comes back as it was"
    )
    journal_bytes: PositiveInt = Field(64 * 1024 * 1024, description="length from which the journal begins anew")
    state_file: Path | None = Field(None, description="snapshot restored at start and written at stop")


def free_ports(**changes: Any) -> SimulatorSettings:
    """Settings for tests and embedding: every port is any free one."""
    return SimulatorSettings(**{"port": 0, "tls_port": 0, "admin_port": 0, **changes})
