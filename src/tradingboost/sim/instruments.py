"""What can be traded: instruments as integer records, the default catalogue and a way to add to it."""

from dataclasses import dataclass, field, replace
from math import gcd
from typing import Literal

from tradingboost.core.errors import InvalidInput
from tradingboost.sim.scale import QUANTA, parse

Kind = Literal["SWAP", "SPOT"]
ContractType = Literal["linear", "inverse", ""]
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of the position tiers: sizes up to `max_lots`, rates in parts of 1e-12."""

    max_lots: int
    mmr: int
    imr: int
    max_lever: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One instrument; `_q` sizes are quanta (1e-12), rates are parts of 1e-12, positive = charged.

    Attributes:
        ct_val_q: base (linear) or quote (inverse) per contract, ctMult included; one for spot.
        tick_value: quanta of the settle currency that one lot gains when the price rises one tick (linear, spot).
        lot_base_q: quanta of the base currency in one lot (linear, spot); contracts x face value for inverse.
    """

    inst_id: str
    kind: Kind
    base: str
    quote: str
    settle: str
    tick_q: int
    lot_q: int
    min_lots: int
    max_limit_lots: int
    max_market_lots: int
    max_lever: int
    inst_code: int
    maker_rate: int
    taker_rate: int
    ct_type: ContractType = ""
    ct_val_q: int = QUANTA
    tiers: tuple[Tier, ...] = ()
    state: str = "live"
    funding_interval_us: int = 8 * HOUR_US
    listed_us: int = 1_577_836_800_000_000
    tick_value: int = field(init=False)
    lot_base_q: int = field(init=False)

    def __post_init__(self) -> None:
        lot_base, rest = divmod(self.lot_q * self.ct_val_q, QUANTA)
        value, value_rest = divmod(self.tick_q * lot_base, QUANTA)
        if rest or (value_rest and self.ct_type != "inverse"):
            raise InvalidInput(
                "tick_value_not_whole",
                f"Tick times lot of {self.inst_id} is finer than 1e-12; choose a larger tick or lot.",
                inst_id=self.inst_id,
            )
        object.__setattr__(self, "lot_base_q", lot_base)
        object.__setattr__(self, "tick_value", value)

    @property
    def tick(self) -> tuple[int, int]:
        """Tick size as a reduced fraction (numerator, denominator)."""
        return _reduced(self.tick_q)

    @property
    def lot(self) -> tuple[int, int]:
        """Lot size as a reduced fraction (numerator, denominator)."""
        return _reduced(self.lot_q)

    def tier_of(self, lots: int) -> int:
        """Index of the tier a position of `lots` falls in; the last tier when it is larger than all."""
        for index, tier in enumerate(self.tiers):
            if lots <= tier.max_lots:
                return index
        return max(len(self.tiers) - 1, 0)

    def mmr_of(self, lots: int) -> int:
        """Maintenance margin rate of a position of `lots`."""
        return self.tiers[self.tier_of(lots)].mmr if self.tiers else 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The instruments an engine starts with; a value, extended by `plus`."""

    instruments: tuple[Instrument, ...]

    def plus(self, *added: Instrument) -> "Catalogue":
        """This catalogue with instruments added or, by the same inst_id, replaced."""
        rows = {row.inst_id: row for row in (*self.instruments, *added)}
        codes = {row.inst_code for row in rows.values()}
        if len(codes) != len(rows):
            raise InvalidInput("inst_code_taken", "Two instruments share one instIdCode; give each its own.")
        return Catalogue(tuple(rows.values()))

    def get(self, inst_id: str) -> Instrument | None:
        """The instrument, or None when it is not listed."""
        return next((row for row in self.instruments if row.inst_id == inst_id), None)


def default_tiers(lot: str, first_contracts: int = 1_000) -> tuple[Tier, ...]:
    """Ten tiers: maximum size doubling from `first_contracts`, mmr 0.4 % a tier, falling leverage."""
    levers = (100, 75, 50, 40, 30, 25, 20, 10, 5, 3)
    return tuple(
        Tier(
            max_lots=first_contracts * 2**index * QUANTA // parse(lot),
            mmr=parse("0.004") * (index + 1),
            imr=-(-QUANTA // lever),
            max_lever=lever,
        )
        for index, lever in enumerate(levers)
    )


def linear_swap(
    base: str, *, ct_val: str, tick: str, max_market: int, inst_code: int, lot: str = "0.01", lever: int = 100
) -> Instrument:
    """A perpetual BASE-USDT-SWAP; sizes in contracts, `max_market` in contracts."""
    return Instrument(
        inst_id=f"{base}-USDT-SWAP",
        kind="SWAP",
        base=base,
        quote="USDT",
        settle="USDT",
        tick_q=parse(tick),
        lot_q=parse(lot),
        min_lots=1,
        max_limit_lots=10**8 * QUANTA // parse(lot),
        max_market_lots=max_market * QUANTA // parse(lot),
        max_lever=lever,
        inst_code=inst_code,
        maker_rate=parse("0.0002"),
        taker_rate=parse("0.0005"),
        ct_type="linear",
        ct_val_q=parse(ct_val),
        tiers=default_tiers(lot),
    )


def inverse_swap(base: str, *, face_usd: str, tick: str, max_market: int, inst_code: int) -> Instrument:
    """A perpetual BASE-USD-SWAP settled in its base currency, one contract a lot."""
    swap = linear_swap(base, ct_val=face_usd, tick=tick, max_market=max_market, inst_code=inst_code, lot="1")
    return replace(swap, inst_id=f"{base}-USD-SWAP", quote="USD", settle=base, ct_type="inverse")


def spot(base: str, *, lot: str, minimum: str, tick: str, inst_code: int) -> Instrument:
    """A BASE-USDT spot pair; sizes in base."""
    return Instrument(
        inst_id=f"{base}-USDT",
        kind="SPOT",
        base=base,
        quote="USDT",
        settle="USDT",
        tick_q=parse(tick),
        lot_q=parse(lot),
        min_lots=parse(minimum) // parse(lot),
        max_limit_lots=9_999_999_999 * QUANTA // parse(lot),
        max_market_lots=10**6 * QUANTA // parse(lot),
        max_lever=10,
        inst_code=inst_code,
        maker_rate=parse("0.0008"),
        taker_rate=parse("0.001"),
    )


def _reduced(quanta: int) -> tuple[int, int]:
    divisor = gcd(quanta, QUANTA)
    return quanta // divisor, QUANTA // divisor


DEFAULT_CATALOGUE = Catalogue(
    (
        linear_swap("BTC", ct_val="0.01", tick="0.1", max_market=12_000, inst_code=10459),
        linear_swap("ETH", ct_val="0.1", tick="0.01", max_market=20_000, inst_code=10461),
        inverse_swap("BTC", face_usd="100", tick="0.1", max_market=30_000, inst_code=10458),
        spot("BTC", lot="0.00000001", minimum="0.00001", tick="0.1", inst_code=1),
        spot("ETH", lot="0.000001", minimum="0.0001", tick="0.01", inst_code=2),
    )
)
"""The five instruments every simulated exchange lists."""

MORE_SWAPS = (
    linear_swap("SOL", ct_val="1", tick="0.01", max_market=30_000, inst_code=10470, lever=50),
    linear_swap("XRP", ct_val="100", tick="0.0001", max_market=60_000, inst_code=10471, lever=50),
    linear_swap("DOGE", ct_val="1000", tick="0.00001", max_market=60_000, inst_code=10472, lever=50),
)
"""Further linear swaps, added with `DEFAULT_CATALOGUE.plus(*MORE_SWAPS)`."""
