"""Judges what a write did, by evidence alone: how far the request got, the HTTP status, and the codes in the body.

Never by an exception's class: a cut body, truncated JSON, an empty list or a gateway's HTML page all look harmless or
fatal at random there. First match wins; a code outranks the status; what is not listed is UNKNOWN.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from tradingboost.core.ids import ClientOrderId, VenueOrderId
from tradingboost.kit.logging import redact
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


class Asked(msgspec.Struct, frozen=True):
    """The request an answer is compared with.

    Args:
        client_order_id: ours, which the answer must echo; None where the order was named by the venue's id.
        algo: the answer carries algo ids.
    """

    write: Write
    client_order_id: ClientOrderId | None
    algo: bool = False


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a readable answer says about one write.

    Args:
        yes: the venue says it did it; then `venue_id` and `echoes` must prove that it did it to our order.
        code: the venue's reason otherwise; "" = it names none.
        echoes: the client ids it repeats, "" where it repeats none.
    """

    yes: bool
    code: str
    message: str = ""
    venue_id: str = ""
    echoes: tuple[str, ...] = ()


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's table: code to class; a write's own rows come before the common ones.

    Args:
        read: what a parsed answer says; None where it is none of the venue's.
        yes: HTTP statuses under which a yes is one.
        expected: verdicts the vendor documents and nobody has recorded. They are told, and count as unknown.
    """

    common: dict[str, OutcomeClass]
    of: dict[Write, dict[str, OutcomeClass]]
    duplicate: frozenset[str]
    read: Callable[[Any, Asked], Said | None]
    yes: tuple[int, ...] = (200,)
    auth_prefix: str = ""
    expected: dict[str, OutcomeClass] = {}

    def judge(self, write: Write, code: str) -> OutcomeClass | None:
        """The class of a code, None when nobody has judged it."""
        found = self.of.get(write, {}).get(code) or self.common.get(code)
        if found is None and self.auth_prefix and code.startswith(self.auth_prefix):
            return OutcomeClass.AUTH
        return found

    def documented(self, code: str) -> OutcomeClass | None:
        """The class a code should have by the vendor's pages; patterns cover families of names."""
        return next((kind for pattern, kind in self.expected.items() if fnmatchcase(code, pattern)), None)


def okx_said(answer: Any, asked: Asked) -> Said | None:
    """An OKX answer: a row a written order, each with a code of its own."""
    if not isinstance(answer, dict) or "code" not in answer:
        return None
    data = answer.get("data")
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    row = rows[0] if len(rows) == 1 else _named(rows, asked)
    code = str(row.get("sCode") or answer.get("code") or "")
    names = ("algoClOrdId", "clOrdId") if asked.algo else ("clOrdId",)
    return Said(
        yes=code == "0" and bool(row),
        code="" if code in ("0", "1", "2") else code,
        message=str(row.get("sMsg") or answer.get("msg") or ""),
        venue_id=str(row.get("algoId" if asked.algo else "ordId") or ""),
        echoes=tuple(str(row.get(name) or "") for name in names),
    )


def _named(rows: list[Any], asked: Asked) -> dict[str, Any]:
    """Our row among those of several orders; none proves nothing."""
    return next((row for row in rows if row.get("clOrdId") == asked.client_order_id), {})


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
        Write.AMEND: {
            **_rows(OutcomeClass.GONE, 51503, 51509, 51510, 51527, 51603),
            **_rows(OutcomeClass.REFUSED, 51511),  # post-only, and the new price would take
        },
    },
    auth_prefix="501",
    duplicate=frozenset({"51016", "50071", "51065"}),
    read=okx_said,
)

_OWN_CODES: Final = {"50036": "expired_at_venue"}


def classify(evidence: Evidence, asked: Asked, codes: Codes = OKX_CODES) -> Verdict:
    """What the request did."""
    return _verdict(evidence, _parsed(evidence.body), asked, codes)


def classify_all(evidence: Evidence, asked: Sequence[Asked], codes: Codes = OKX_CODES) -> list[Verdict]:
    """What one request with several items did, item by item."""
    answer = _parsed(evidence.body)
    return [_verdict(evidence, answer, one, codes) for one in asked]


def _verdict(evidence: Evidence, answer: Any, asked: Asked, codes: Codes) -> Verdict:
    if evidence.step is Step.NOT_WRITTEN:
        code = evidence.fenced or ("expired" if evidence.late else "not_sent")
        return _told(OutcomeClass.NOT_SENT, code, "Nothing was written to the venue.")
    if evidence.step is Step.WRITTEN:
        return _told(OutcomeClass.UNKNOWN, "no_reply", "The request was written and no complete answer came back.")
    said = codes.read(answer, asked)
    if said is None:
        return _unreadable(evidence.status)
    code, message = said.code, said.message
    if said.yes:
        return _acknowledged(evidence.status in codes.yes, said, asked)
    if not code:
        return _told(OutcomeClass.UNKNOWN, "empty_answer", "The answer names no order and no reason.")
    kind = codes.judge(asked.write, code)
    if kind is not None:
        text = "duplicate: an earlier request with this id arrived" if code in codes.duplicate else message
        return _told(kind, _OWN_CODES.get(code, code), text, said.venue_id)
    if evidence.status == 429:
        return _told(OutcomeClass.RATE, code, message)
    documented = codes.documented(code)
    text = message if documented is None else f"{message} (documented as {documented.value}, not proven)".strip()
    return _told(OutcomeClass.UNKNOWN, code, text, unmapped=documented is not OutcomeClass.UNKNOWN)


def code_of(body: str) -> str | None:
    """The code of an answer, None where it cannot be read."""
    answer = _parsed(body)
    return str(answer["code"]) if isinstance(answer, dict) and "code" in answer else None


def _acknowledged(complete: bool, said: Said, asked: Asked) -> Verdict:
    """Placed only with the venue's id and our own echo; anything less proves nothing."""
    if not complete or not said.venue_id:
        return _told(OutcomeClass.UNKNOWN, "missing_id", "The venue says yes without naming an order.")
    foreign = any(echo and echo != asked.client_order_id for echo in said.echoes)
    silent = not any(said.echoes) and asked.write is Write.SUBMIT
    if asked.client_order_id is not None and (foreign or silent):
        return _told(OutcomeClass.UNKNOWN, "foreign_id", "The answer is about another client order id.")
    return _told(OutcomeClass.PLACED, "0", said.message, said.venue_id)


def _parsed(body: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _unreadable(status: int) -> Verdict:
    if status == 429:
        return _told(OutcomeClass.RATE, "http_429", "The venue asks for fewer requests.")
    return _told(OutcomeClass.UNKNOWN, f"http_{status}", "The answer cannot be read.")


def _told(kind: OutcomeClass, code: str, message: str, venue_id: str = "", *, unmapped: bool = False) -> Verdict:
    named = VenueOrderId(venue_id) if venue_id else None
    outcome = Outcome(kind=kind, code=code, message=redact(message), venue_order_id=named)
    return Verdict(outcome, unmapped)
