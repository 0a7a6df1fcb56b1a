"""Reading what people write: booleans, numbers and enumeration members in English and Korean."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.hyperrsi.members import (
    AmountUnit,
    DistanceMode,
    EntryCriterion,
    EntryOption,
    HedgeRatio,
    HedgeSl,
    HedgeTp,
    TrailingStart,
    TrailingType,
    TrendTimeframe,
)

_TRUE: Final = frozenset({"true", "1", "on", "예", "사용", "활성화"})
_FALSE: Final = frozenset({"false", "0", "off", "아니오", "미사용", "비활성화"})

_OTHER_NAMES: Final[Mapping[type[StrEnum], Mapping[str, StrEnum]]] = {
    DistanceMode: {
        "percent": DistanceMode.PERCENTAGE,
        "amount": DistanceMode.PRICE,
        "fixed": DistanceMode.PRICE,
        "가격 기준": DistanceMode.PRICE,
        "dynamic_atr": DistanceMode.ATR,
    },
    EntryOption: {
        "breakout": EntryOption.CROSS_IN,
        "inflection": EntryOption.TURN,
        "inflection_breakout": EntryOption.CROSS_OUT,
        "exceed": EntryOption.LEVEL,
    },
    EntryCriterion: {
        "last": EntryCriterion.LAST_FILL,
        "recent": EntryCriterion.LAST_FILL,
        "최근 진입가": EntryCriterion.LAST_FILL,
    },
    TrendTimeframe: {"자동": TrendTimeframe.AUTO},
    TrailingStart: {"사용 안함": TrailingStart.NONE, "사용안함": TrailingStart.NONE},
    TrailingType: {"tp2_tp3_difference": TrailingType.TP_DIFF},
    HedgeRatio: {"포지션 %": HedgeRatio.PERCENT_OF_POSITION, "고정 수량": HedgeRatio.FIXED_AMOUNT},
    HedgeTp: {
        "설정한 마지막 진입에 익절": HedgeTp.LAST_DCA_ON_POSITION,
        "기존 포지션 sl에 익절": HedgeTp.EXISTING_POSITION,
        "퍼센트(%) 도달 시 익절": HedgeTp.PERCENT,
        "양방향 익절 사용 안함": HedgeTp.DO_NOT_CLOSE,
    },
    HedgeSl: {"기존 포지션 tp 이용": HedgeSl.EXISTING_POSITION},
    AmountUnit: {"개": AmountUnit.COUNT},
}


def boolean(value: object) -> bool:
    """A switch; anything that is not plainly on or off is refused, empty text too."""
    word = str(value).strip().casefold()
    known = isinstance(value, bool | str | int)
    if known and word in _TRUE:
        return True
    if known and word in _FALSE:
        return False
    raise InvalidInput("not_a_boolean", f"{value!r} is neither on nor off; write true or false.")


def number(value: object) -> Decimal:
    """A finite decimal number; a float is read by its shortest text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise InvalidInput("not_a_number", f"{value!r} is not a number.")
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidInput("not_a_number", f"{value!r} is not a number.") from None
    if not read.is_finite():
        raise InvalidInput("not_a_number", f"{value!r} is not a finite number.")
    return read


def integer(value: object) -> int:
    """A whole number; a fraction is refused, not cut."""
    read = number(value)
    if read != read.to_integral_value():
        raise InvalidInput("not_an_integer", f"{value!r} is not a whole number.")
    return int(read)


def member(value: object, kind: type[StrEnum]) -> StrEnum:
    """A member by its English name, its stored text or an alias, in any case."""
    word = str(value).strip().casefold()
    for each in kind:
        if word in (each.name.casefold(), each.value.casefold()):
            return each
    for alias, each in _OTHER_NAMES.get(kind, {}).items():
        if word == alias.casefold():
            return each
    known = ", ".join(f"{each.name} ({each.value})" for each in kind)
    raise InvalidInput("unknown_option", f"{value!r} is not a choice; choose one of {known}.")


def text(value: object) -> str:
    """A word that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("not_a_text", "A text that is not empty is needed.")
    return value.strip()


def webhook(value: object) -> str:
    """An https address with a host and no user name in it."""
    word = text(value)
    try:
        found = urlsplit(word)
        sound = found.scheme == "https" and bool(found.hostname) and found.username is None
    except ValueError:
        sound = False
    if not sound:
        raise InvalidInput("not_an_https_url", "An https address is needed, such as https://example.com/hook.")
    return word


def symbol(value: object) -> str:
    """A unified symbol; a venue's own id of the form BTC-USDT or BTC-USDT-SWAP is translated."""
    word = text(value).upper()
    base, _, rest = word.partition("-")
    quote, _, kind = rest.partition("-")
    if not quote or kind not in ("", "SWAP"):
        return word
    return f"{base}/{quote}:{quote}" if kind else f"{base}/{quote}"
