"""Why a kernel did something, or did not."""

from enum import IntEnum


class Reason(IntEnum):
    """Why something was done or skipped. Stable: the numbers are stored in state, the names are shown."""

    NONE = 0
    SIGNAL = 1
    DCA = 2
    TP1 = 3
    TP2 = 4
    TP3 = 5
    SL = 6
    BREAK_EVEN = 7
    TRAILING_STOP = 8
    TREND_REVERSAL = 9
    FORCE_CLOSE = 10
    MANUAL = 11
    GUARD = 12
    LADDER = 13
    RESIZE = 14
    LEG_CLOSED = 15
    HEDGE_TP = 16
    HEDGE_SL = 17
    LINKED = 18
    HEDGE = 19
    NOT_RUNNING = 20
    BUSY = 21
    DIRECTION = 22
    CANDLE_LOCK = 23
    COOLDOWN = 24
    NO_SIGNAL = 25
    TREND_BLOCK = 26
    UNPLACEABLE = 27
    MARGIN = 28
    WARMING_UP = 29
    ENTRY_FAILURES = 30
    RAISED_TO_MINIMUM = 31
    PYRAMIDING_LIMIT = 32
    PRICE_LEVEL = 33
    TRAILING_ARMED = 34
    ORPHAN_HEDGE = 35
    TREND_WARMING_UP = 36
    HEDGE_LIMIT = 37
    HEDGE_TRIGGER = 38
    LAST_DCA = 39
    GRID_OPEN = 40
    GRID_CLOSE = 41
    GRID_INIT = 42
    GRID_REPLAN = 43
    RANGE_EXIT = 44
    STOPPED = 45
    POST_ONLY_RETRY = 46
    PENDING_WINDOW = 47
    PENDING_PRICE = 48
    CAPITAL = 49
    REGIME = 50
    MAX_ORDERS = 51
    MIN_SIZE = 52
    TRAIL_BLOCKED = 53
    TOO_CLOSE = 54
    OTHER_SIDE = 55
    OUTER_LEVEL = 56
    TOTAL_LOSS = 57
    TOTAL_PROFIT = 58
    NO_FILLS = 59


def reason_name(code: int) -> str:
    """The word people and reports read for a reason code."""
    return Reason(int(code)).name.lower()
