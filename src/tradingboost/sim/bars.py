"""Bar lengths and boundaries in UTC and UTC+8, as integers."""

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_EIGHT_HOURS_US = 8 * HOUR_US
_EPOCH_MONDAY_US = 4 * DAY_US
"""1970-01-05 was a Monday."""

_INTRADAY = {
    "1m": MINUTE_US,
    "3m": 3 * MINUTE_US,
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "30m": 30 * MINUTE_US,
    "1H": HOUR_US,
    "2H": 2 * HOUR_US,
    "4H": 4 * HOUR_US,
}
_LONG = {"6H": 6 * HOUR_US, "12H": 12 * HOUR_US, "1D": DAY_US, "2D": 2 * DAY_US, "3D": 3 * DAY_US, "1W": 7 * DAY_US}
_MONTHS = {"1M": 1, "3M": 3}

BARS: tuple[str, ...] = (
    *_INTRADAY,
    *_LONG,
    *_MONTHS,
    *(f"{bar}utc" for bar in (*_LONG, *_MONTHS)),
)
"""Every bar the exchange folds; long bars open at UTC+8 midnight, their `utc` twins at UTC midnight."""


def bar_open(bar: str, ts_us: int) -> int:
    """Open time of the bar of kind `bar` that contains `ts_us`."""
    length = _INTRADAY.get(bar)
    if length is not None:
        return ts_us - ts_us % length
    offset = 0 if bar.endswith("utc") else _EIGHT_HOURS_US
    kind = bar.removesuffix("utc")
    local = ts_us + offset
    if kind in _MONTHS:
        return _month_open(local, _MONTHS[kind]) - offset
    if kind == "1W":
        return local - (local - _EPOCH_MONDAY_US) % _LONG[kind] - offset
    return local - local % _LONG[kind] - offset


def bar_length(bar: str) -> int:
    """Length of a fixed bar in microseconds; 0 for months, which vary."""
    return _INTRADAY.get(bar) or _LONG.get(bar.removesuffix("utc"), 0)


def _month_open(local_us: int, months: int) -> int:
    year, month = _year_month(local_us // DAY_US)
    first = (month - 1) // months * months + 1
    return _days_to(year, first) * DAY_US


def _year_month(days: int) -> tuple[int, int]:
    """Civil year and month of a day number since 1970-01-01 (proleptic Gregorian, eras of 400 years)."""
    shifted = days + 719_468
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month


def _days_to(year: int, month: int) -> int:
    """Day number of the first of a month."""
    shifted_year = year - 1 if month <= 2 else year
    era, year_of_era = divmod(shifted_year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
