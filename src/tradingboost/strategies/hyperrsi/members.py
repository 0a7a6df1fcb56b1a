"""The choices a person has: members are English, the stored value is the text people see."""

from enum import StrEnum


class AmountUnit(StrEnum):
    """Unit of all amounts."""

    USDT = "usdt"
    PERCENT = "percent"
    COUNT = "count"


class ExecutionMode(StrEnum):
    """Who carries the orders out."""

    API_DIRECT = "api_direct"
    SIGNAL_BOT = "signal_bot"


class Direction(StrEnum):
    """Allowed sides of entries and adds."""

    LONG = "롱"
    SHORT = "숏"
    BOTH = "롱숏"


class TrendTimeframe(StrEnum):
    """Chart timeframe of the trend state; AUTO is the run's own."""

    AUTO = "auto"
    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H12 = "12h"
    D1 = "1d"


class EntryOption(StrEnum):
    """RSI rule of entries and adds."""

    CROSS_IN = "돌파"
    TURN = "변곡"
    CROSS_OUT = "변곡돌파"
    LEVEL = "초과"


class DistanceMode(StrEnum):
    """How a distance is measured."""

    PERCENTAGE = "퍼센트 기준"
    PRICE = "금액 기준"
    ATR = "ATR 기준"


class EntryCriterion(StrEnum):
    """Base of the DCA levels."""

    AVERAGE = "평균 단가"
    LAST_FILL = "마지막 진입"


class PyramidingType(StrEnum):
    """Kept for stored settings; nothing reads it."""

    ZERO = "0"
    ONE = "1"
    TWO = "2"


class TrailingStart(StrEnum):
    """The take-profit whose fill arms the trailing stop."""

    TP1 = "tp1"
    TP2 = "tp2"
    TP3 = "tp3"
    NONE = "None"


class TrailingType(StrEnum):
    """Where the trailing distance comes from."""

    FIXED = "트레일링 스탑 고정값"
    TP_DIFF = "TP2-TP3 차이 기준"


class HedgeRatio(StrEnum):
    """How the hedge is sized."""

    PERCENT_OF_POSITION = "percent_of_position"
    FIXED_AMOUNT = "fixed_amount"


class HedgeTp(StrEnum):
    """What takes the profit of the hedge."""

    LAST_DCA_ON_POSITION = "last_dca_on_position"
    EXISTING_POSITION = "existing_position"
    PERCENT = "percent"
    DO_NOT_CLOSE = "do_not_close"


class HedgeSl(StrEnum):
    """Where the hedge is stopped."""

    PERCENT = "percent"
    EXISTING_POSITION = "existing_position"
