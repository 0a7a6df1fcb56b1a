"""Judges what a write did, by evidence alone: how far the request got, the HTTP status, and the codes in the body.

Never by an exception's class: a cut body, truncated JSON, an empty list or a gateway's HTML page all look harmless or
fatal at random there. First match wins; a code outranks the status; what is not listed is UNKNOWN.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from tradingboost.core.ids import ClientOrderId, VenueOrderId
from tradingboost.shared.interfaces.exchange import Outcome, OutcomeClass
from tradingboost.venues.evidence import Evidence, Step


class Write(StrEnum):
    """What was asked."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    AMEND = "amend"


class Verdict(msgspec.Struct, frozen=True):
    """An outcome, and whether its code is one nobody has judged yet (an alert)."""

    outcome: Outcome
    unmapped: bool = False


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's table: code to class; a write's own rows come before the common ones."""

    common: dict[str, OutcomeClass]
    of: dict[Write, dict[str, OutcomeClass]]
    auth_prefix: str
    duplicate: frozenset[str]

    def judge(self, write: Write, code: str) -> OutcomeClass | None:
        """The class of a code, None when nobody has judged it."""
        found = self.of.get(write, {}).get(code) or self.common.get(code)
        if found is None and self.auth_prefix and code.startswith(self.auth_prefix):
            return OutcomeClass.AUTH
        return found


def _rows(kind: OutcomeClass, *codes: int | range) -> dict[str, OutcomeClass]:
    spans = (code if isinstance(code, range) else (code,) for code in codes)
    return {str(code): kind for span in spans for code in span}


_REFUSED: Final = (
    *(50036, 51000, 51001, range(51003, 51009), 51010, 51020, 51023, range(51046, 51052), 51112),
    *(range(51119, 51122), 51127, 51131, 51169, 51205, 51250, 51260, 51261, range(51277, 51281)),
    *(range(51300, 51309), range(51327, 51331)),  # a trigger on the wrong side of the mark or the index price
)

OKX_CODES: Final = Codes(
    common={
        **_rows(OutcomeClass.UNKNOWN, 50001, 50004, 50013, 50026, 51149, 51054),
        **_rows(OutcomeClass.UNKNOWN, 51016, 50071, 51065),
        **_rows(OutcomeClass.RATE, 50011, 50061),
        **_rows(OutcomeClass.CLOCK, 50102),
        **_rows(OutcomeClass.REFUSED, *_REFUSED),
    },
    of={
        Write.CANCEL: {
            **_rows(OutcomeClass.GONE, range(51400, 51403), 51603),
            **_rows(OutcomeClass.PLACED, 51410),  # a cancellation is under way already
        },
        Write.AMEND: _rows(OutcomeClass.GONE, 51503, 51509, 51510, 51527, 51603),
    },
    auth_prefix="501",
    duplicate=frozenset({"51016", "50071", "51065"}),
)

_OWN_CODES: Final = {"50036": "expired_at_venue"}


class Asked(msgspec.Struct, frozen=True):
    """The request an answer is compared with.

    Args:
        client_order_id: ours, which the answer must echo; None where the order was named by the venue's id.
        algo: the answer carries algo ids.
    """

    write: Write
    client_order_id: ClientOrderId | None
    algo: bool = False


def classify(evidence: Evidence, asked: Asked, codes: Codes = OKX_CODES) -> Verdict:
    """What the request did."""
    if evidence.step is Step.NOT_WRITTEN:
        code = "expired" if evidence.late else "not_sent"
        return _told(OutcomeClass.NOT_SENT, code, "Nothing was written to the venue.")
    if evidence.step is Step.WRITTEN:
        return _told(OutcomeClass.UNKNOWN, "no_reply", "The request was written and no complete answer came back.")
    answer = _parsed(evidence.body)
    if answer is None:
        return _unreadable(evidence.status)
    data = answer.get("data")
    row = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    code = str(row.get("sCode") or answer.get("code") or "")
    message = str(row.get("sMsg") or answer.get("msg") or "")
    if code == "0" and row:
        return _acknowledged(evidence.status, row, asked)
    if code in ("", "0", "1", "2"):
        return _told(OutcomeClass.UNKNOWN, "empty_answer", "The answer names no order and no reason.")
    kind = codes.judge(asked.write, code)
    if kind is not None:
        said = "duplicate: an earlier request with this id arrived" if code in codes.duplicate else message
        return _told(kind, _OWN_CODES.get(code, code), said, _venue_id(row, asked))
    if evidence.status == 429:
        return _told(OutcomeClass.RATE, code, message)
    return _told(OutcomeClass.UNKNOWN, code, message, unmapped=True)


def code_of(body: str) -> str | None:
    """The code of an answer, None where it cannot be read."""
    answer = _parsed(body)
    return None if answer is None else str(answer["code"])


def _acknowledged(status: int, row: dict[str, Any], asked: Asked) -> Verdict:
    """Placed only with the venue's id and our own echo; anything less proves nothing."""
    venue_id = _venue_id(row, asked)
    if status != 200 or not venue_id:
        return _told(OutcomeClass.UNKNOWN, "missing_id", "The venue says yes without naming an order.")
    echoes = [str(row.get(name) or "") for name in (("algoClOrdId", "clOrdId") if asked.algo else ("clOrdId",))]
    foreign = any(echo and echo != asked.client_order_id for echo in echoes)
    silent = not any(echoes) and asked.write is Write.SUBMIT
    if asked.client_order_id is not None and (foreign or silent):
        return _told(OutcomeClass.UNKNOWN, "foreign_id", "The answer is about another client order id.")
    return _told(OutcomeClass.PLACED, "0", str(row.get("sMsg") or ""), venue_id)


def _parsed(body: str) -> dict[str, Any] | None:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer if isinstance(answer, dict) and "code" in answer else None


def _venue_id(row: dict[str, Any], asked: Asked) -> VenueOrderId | None:
    found = row.get("algoId" if asked.algo else "ordId")
    return VenueOrderId(str(found)) if found else None


def _unreadable(status: int) -> Verdict:
    if status == 429:
        return _told(OutcomeClass.RATE, "http_429", "The venue asks for fewer requests.")
    return _told(OutcomeClass.UNKNOWN, f"http_{status}", "The answer cannot be read.")


def _told(
    kind: OutcomeClass, code: str, message: str, venue_order_id: VenueOrderId | None = None, *, unmapped: bool = False
) -> Verdict:
    outcome = Outcome(kind=kind, code=code, message=message, venue_order_id=venue_order_id)
    return Verdict(outcome, unmapped)
