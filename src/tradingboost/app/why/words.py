"""What is said about a decision, in English and in Korean."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tradingboost.core.errors import InvalidInput
from tradingboost.strategies.reasons import Reason


class Language(StrEnum):
    """Languages there are sentences in."""

    EN = "en"
    KO = "ko"


def language(word: str) -> Language:
    """A language as people write it.

    Raises:
        InvalidInput: there is none of that name.
    """
    try:
        return Language(word.strip().lower().split("_", maxsplit=1)[0].split("-", maxsplit=1)[0])
    except ValueError:
        raise InvalidInput("unknown_language", f"There is nothing written in {word!r}; choose en or ko.") from None


def reason(code: int, wanted: Language) -> str:
    """What a reason means for somebody who waits for a trade."""
    return REASONS[Reason(code)][0 if wanted is Language.EN else 1]


def phrase(name: str, wanted: Language, **values: object) -> str:
    """A sentence of `PHRASES` with its values."""
    return PHRASES[name][0 if wanted is Language.EN else 1].format(**values)


REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.NONE: ("nothing held it back", "막은 것이 없음"),
    Reason.SIGNAL: ("the entry rule held", "진입 조건 충족"),
    Reason.DCA: ("the rule for an add held", "추가 진입 조건 충족"),
    Reason.TP1: ("the first take-profit", "1차 익절"),
    Reason.TP2: ("the second take-profit", "2차 익절"),
    Reason.TP3: ("the third take-profit", "3차 익절"),
    Reason.SL: ("the stop", "손절"),
    Reason.BREAK_EVEN: ("the stop at break-even", "브레이크이븐 손절"),
    Reason.TRAILING_STOP: ("the trailing stop", "트레일링 스탑"),
    Reason.TREND_REVERSAL: ("the trend turned against the position", "추세가 포지션 반대로 전환"),
    Reason.FORCE_CLOSE: ("a person asked for everything to be closed", "사용자가 전량 청산을 요청"),
    Reason.MANUAL: ("somebody acted by hand", "수동 조작"),
    Reason.GUARD: ("the stop that guards against liquidation", "강제 청산 방지 손절"),
    Reason.LADDER: ("the take-profit ladder was made anew", "익절 주문을 새로 배치"),
    Reason.RESIZE: ("a protection follows the size of the position", "보호 주문 수량을 포지션에 맞춤"),
    Reason.LEG_CLOSED: ("its position was closed, so its orders went", "포지션이 닫혀 주문을 정리"),
    Reason.HEDGE_TP: ("the take-profit of the hedge", "헤지 익절"),
    Reason.HEDGE_SL: ("the stop of the hedge", "헤지 손절"),
    Reason.LINKED: ("it closed together with the other leg", "반대 포지션과 함께 청산"),
    Reason.HEDGE: ("the hedge", "헤지 진입"),
    Reason.NOT_RUNNING: ("the run opens nothing any more: it was stopped", "실행이 중지되어 더 이상 진입하지 않음"),
    Reason.BUSY: ("an order or a position was still open", "진행 중인 주문이나 포지션이 있음"),
    Reason.DIRECTION: ("the direction setting does not allow this side", "방향 설정이 이 방향을 허용하지 않음"),
    Reason.CANDLE_LOCK: ("it has entered or failed in this candle already", "이 캔들에서 이미 진입했거나 실패함"),
    Reason.COOLDOWN: ("it was cooling down after the last entry or exit", "직전 진입 또는 청산 후 쿨다운 중"),
    Reason.NO_SIGNAL: ("the RSI rule did not hold", "RSI 조건이 충족되지 않음"),
    Reason.TREND_BLOCK: ("the trend was firmly against this side", "추세가 이 방향과 강하게 반대"),
    Reason.UNPLACEABLE: (
        "the entry or its protection could not be placed at this price",
        "이 가격에서는 진입 또는 보호 주문을 낼 수 없음",
    ),
    Reason.MARGIN: ("there was too little money or margin", "잔고 또는 증거금 부족"),
    Reason.WARMING_UP: ("an indicator had seen too few candles", "지표 계산에 필요한 캔들이 부족"),
    Reason.ENTRY_FAILURES: ("entries failed too often", "진입 실패가 너무 많음"),
    Reason.RAISED_TO_MINIMUM: ("it was entered with the smallest allowed quantity", "최소 주문 수량으로 올려 진입"),
    Reason.PYRAMIDING_LIMIT: ("all allowed entries were made", "허용된 진입 횟수를 모두 사용"),
    Reason.PRICE_LEVEL: ("the price had not reached the next level", "가격이 다음 단계에 도달하지 않음"),
    Reason.TRAILING_ARMED: (
        "the trailing stop was armed, and nothing is added then",
        "트레일링 스탑 작동 중에는 추가하지 않음",
    ),
    Reason.ORPHAN_HEDGE: ("a hedge was still open without its position", "본 포지션 없이 헤지만 남아 있음"),
    Reason.TREND_WARMING_UP: ("the trend had seen too few candles", "추세 계산에 필요한 캔들이 부족"),
    Reason.HEDGE_LIMIT: ("all allowed hedges were made", "허용된 헤지 횟수를 모두 사용"),
    Reason.HEDGE_TRIGGER: ("the add that starts the hedge had not come", "헤지를 시작하는 추가 진입이 아직 없음"),
    Reason.LAST_DCA: ("the hedge ended with the last add", "마지막 추가 진입으로 헤지 종료"),
    Reason.GRID_OPEN: ("a level of the grid was bought or sold", "그리드 단계 진입"),
    Reason.GRID_CLOSE: ("a level of the grid was closed with profit", "그리드 단계 청산"),
    Reason.GRID_INIT: ("the position the grid begins with", "그리드 시작 포지션"),
    Reason.GRID_REPLAN: ("the grid was laid out anew", "그리드를 다시 배치"),
    Reason.RANGE_EXIT: ("the price left the range", "가격이 범위를 벗어남"),
    Reason.STOPPED: ("the run was stopped", "실행이 중지됨"),
    Reason.POST_ONLY_RETRY: ("the exchange refused the order and it is tried again", "거래소가 거절하여 다시 시도"),
    Reason.PENDING_WINDOW: ("only orders near the price are placed", "가격에 가까운 주문만 배치"),
    Reason.PENDING_PRICE: ("the price stands on the wrong side of the level", "가격이 아직 해당 단계의 반대편에 있음"),
    Reason.CAPITAL: ("the money given to the run was used up", "배정된 자금을 모두 사용"),
    Reason.REGIME: ("the four-hour regime was against this side", "4시간 추세가 이 방향과 반대"),
    Reason.MAX_ORDERS: ("there were as many open orders as allowed", "허용된 미체결 주문 수에 도달"),
    Reason.MIN_SIZE: ("the quantity was below the exchange's minimum", "수량이 거래소 최소값보다 작음"),
    Reason.TRAIL_BLOCKED: ("the grid could not follow the price", "그리드가 가격을 따라갈 수 없음"),
    Reason.TOO_CLOSE: ("the level was too close to the last fill", "직전 체결 가격과 너무 가까움"),
    Reason.OTHER_SIDE: ("the level belongs to the other side", "반대 방향의 단계임"),
    Reason.OUTER_LEVEL: ("an outer level was reached", "바깥 단계에 도달"),
    Reason.TOTAL_LOSS: ("the loss bound of the whole run was reached", "전체 손실 한도에 도달"),
    Reason.TOTAL_PROFIT: ("the profit goal of the whole run was reached", "전체 이익 목표에 도달"),
    Reason.NO_FILLS: ("nothing was filled for too long", "오랫동안 체결이 없음"),
}

SUBJECTS: Final[Mapping[str, tuple[str, str]]] = {
    "long": ("long entry", "롱 진입"),
    "short": ("short entry", "숏 진입"),
    "add": ("add", "추가 진입"),
    "hedge": ("hedge", "헤지"),
    "run": ("the run", "실행"),
    "buy": ("buy levels", "매수 단계"),
    "sell": ("sell levels", "매도 단계"),
}

PHRASES: Final[Mapping[str, tuple[str, str]]] = {
    "acted": (
        "It acted: {what}, because {why}.",
        "실행함: {what} (이유: {why}).",
    ),
    "waited": ("It did nothing at this close.", "이 캔들 마감에서는 아무것도 하지 않음."),
    "entered": ("{subject}: entered.", "{subject}: 진입함."),
    "held": ("{subject}: held back, {why}.", "{subject}: 보류, {why}."),
    "held_many": ("{subject}: {count} without an order, {why}.", "{subject}: 주문 없는 단계 {count}개, {why}."),
    "flat": ("It held no position.", "보유 포지션 없음."),
    "holding": ("It held {qty} {side} from {price} on average.", "{side} {qty} 보유, 평균가 {price}."),
    "grid_holding": (
        "The grid was {status}, with {cycles} cycles done.",
        "그리드 상태 {status}, 완료된 사이클 {cycles}회.",
    ),
    "asks": ("RSI {before} then {now}; {side} asks that it {rule}.", "RSI {before} → {now}, {side} 조건: {rule}."),
    "order": ("order {slot}: {side} {qty} at {price}", "주문 {slot}: {side} {qty}, 가격 {price}"),
    "trigger": ("next price it looks at: {price}", "다음에 살펴볼 가격: {price}"),
    "near": ("nearest prices with work: {below} below, {above} above", "가까운 대기 가격: 아래 {below}, 위 {above}"),
    "title_held": ("Held back", "보류된 이유"),
    "title_events": ("Last events", "최근 사건"),
    "title_wishes": ("Last wishes", "최근 주문 요청"),
    "summed": (
        "{closes} closes from {first} to {last}, {asked} looked for an opening, {entries} opened.",
        "{first} ~ {last} 캔들 마감 {closes}회, 진입 검토 {asked}회, 진입 {entries}회.",
    ),
    "no_trigger": (
        "No price waits for it; the next candle close decides.",
        "대기 중인 가격 없음, 다음 캔들 마감에서 결정.",
    ),
}

VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "RSI before": ("RSI before", "직전 RSI"),
    "RSI": ("RSI", "RSI"),
    "ATR": ("ATR", "ATR"),
    "trend state": ("trend state", "추세 상태"),
    "average": ("average", "평균가"),
    "quantity": ("quantity", "수량"),
    "stop": ("stop", "손절가"),
    "break-even": ("break-even", "브레이크이븐"),
    "regime": ("regime", "4시간 추세"),
    "cycles": ("cycles", "사이클"),
}
"""Names of numbers as `reading.values_of` gives them."""

SIDES: Final[Mapping[str, tuple[str, str]]] = {"long": ("long", "롱"), "short": ("short", "숏")}
STATUSES: Final[tuple[tuple[str, str], ...]] = (
    ("waiting to begin", "시작 대기"),
    ("running", "실행 중"),
    ("stopping", "중지 중"),
    ("closing everything", "전량 청산 중"),
    ("stopped", "중지됨"),
)
"""By the number a grid stores."""

RULES: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "CROSS_IN": (
        ("falls to {level} or below", "{level} 이하로 내려감"),
        ("rises to {level} or above", "{level} 이상으로 올라감"),
    ),
    "TURN": (
        ("turns up below {level}", "{level} 아래에서 상승 전환"),
        ("turns down above {level}", "{level} 위에서 하락 전환"),
    ),
    "CROSS_OUT": (
        ("rises back to {level} or above", "{level} 이상으로 다시 올라감"),
        ("falls back to {level} or below", "{level} 이하로 다시 내려감"),
    ),
    "LEVEL": (("stands below {level}", "{level} 아래에 있음"), ("stands above {level}", "{level} 위에 있음")),
}
"""Rules of an entry by the option's name: of a long, of a short."""


def of(pair: tuple[str, str], wanted: Language) -> str:
    """The word of a pair."""
    return pair[0 if wanted is Language.EN else 1]
