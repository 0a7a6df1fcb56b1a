"""Every row of the outcome tables, on evidence alone."""

import json
from typing import Any

import pytest

from tradingboost.core.ids import ClientOrderId
from tradingboost.shared.interfaces.exchange import OutcomeClass
from tradingboost.venues.evidence import Evidence, Step
from tradingboost.venues.outcome import Asked, Write, classify, classify_all, code_of

OURS = ClientOrderId("SAMINE")
REFUSED = [51000, 51001, 51003, 51004, 51005, 51006, 51007, 51008, 51010, 51020, 51023, 51046, 51047, 51048, 51049]
REFUSED += [51050, 51051, 51112, 51119, 51120, 51121, 51127, 51131, 51169, 51205, 51250, 51260, 51261, 51277, 51278]
REFUSED += [51279, 51280, *range(51300, 51309), 51327, 51328, 51329, 51330]


def answered(body: Any, status: int = 200) -> Evidence:
    text = body if isinstance(body, str) else json.dumps(body)
    return Evidence(step=Step.ANSWERED, status=status, body=text)


def batch(code: str, **row: str) -> dict[str, Any]:
    return {"code": "0" if code == "0" else "1", "msg": "", "data": [{"sCode": code, "sMsg": "said", **row}]}


def kind_of(evidence: Evidence, write: Write = Write.SUBMIT, *, algo: bool = False) -> OutcomeClass:
    return classify(evidence, Asked(write, OURS, algo)).outcome.kind


def test_each_order_of_a_batch_is_judged_by_the_row_that_names_it() -> None:
    names = [ClientOrderId(f"SA{number}") for number in range(5)]
    rows = [
        {"sCode": "51008", "sMsg": "no margin", "clOrdId": "SA2"},
        {"sCode": "0", "ordId": "7", "clOrdId": "SA0"},
        {"sCode": "0", "ordId": "", "clOrdId": "SA3"},
        {"sCode": "0", "ordId": "9", "clOrdId": "somebody"},
    ]
    verdicts = classify_all(
        answered({"code": "2", "msg": "", "data": rows}), [Asked(Write.SUBMIT, name) for name in names]
    )
    assert [one.outcome.kind for one in verdicts] == [
        OutcomeClass.PLACED,
        OutcomeClass.UNKNOWN,  # no row names it
        OutcomeClass.REFUSED,
        OutcomeClass.UNKNOWN,  # a yes without the venue's id
        OutcomeClass.UNKNOWN,
    ]
    assert verdicts[0].outcome.venue_order_id == "7"


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (Evidence(), OutcomeClass.NOT_SENT),
        (Evidence(step=Step.WRITTEN), OutcomeClass.UNKNOWN),
        (answered({"code": "50011", "msg": "too many", "data": []}, 429), OutcomeClass.RATE),
        (answered({"code": "1", "msg": "", "data": []}), OutcomeClass.UNKNOWN),
        (answered({"code": "0", "msg": "", "data": [{"sCode": "0", "ordId": "7", "clOrdId": "SA0"}]}), None),
        (answered("<html>"), OutcomeClass.UNKNOWN),
    ],
)
def test_what_is_said_of_a_whole_batch_is_said_of_each_order(evidence: Evidence, kind: OutcomeClass | None) -> None:
    asked = [Asked(Write.SUBMIT, ClientOrderId(name)) for name in ("SA0", "SA1")]
    found = [one.outcome.kind for one in classify_all(evidence, asked)]
    assert found == ([kind] * 2 if kind is not None else [OutcomeClass.PLACED, OutcomeClass.UNKNOWN])


def test_nothing_written_is_not_sent() -> None:
    assert kind_of(Evidence()) is OutcomeClass.NOT_SENT
    assert classify(Evidence(late=True), Asked(Write.SUBMIT, OURS)).outcome.code == "expired"


def test_written_without_an_answer_is_unknown() -> None:
    assert kind_of(Evidence(step=Step.WRITTEN)) is OutcomeClass.UNKNOWN
    assert kind_of(Evidence(step=Step.WRITTEN, status=200, body="{")) is OutcomeClass.UNKNOWN


def test_placed_needs_the_venue_id_and_our_own_echo() -> None:
    found = classify(answered(batch("0", ordId="7", clOrdId=OURS)), Asked(Write.SUBMIT, OURS)).outcome
    assert (found.kind, found.venue_order_id) == (OutcomeClass.PLACED, "7")
    stop = classify(answered(batch("0", algoId="8", algoClOrdId=OURS)), Asked(Write.SUBMIT, OURS, algo=True)).outcome
    assert (stop.kind, stop.venue_order_id) == (OutcomeClass.PLACED, "8")


@pytest.mark.parametrize(
    "row",
    [
        {"clOrdId": OURS},
        {"ordId": "", "clOrdId": OURS},
        {"ordId": "7", "clOrdId": "somebody"},
        {"ordId": "7", "clOrdId": ""},
        {"ordId": "7"},
    ],
)
def test_a_yes_with_a_missing_or_foreign_id_is_unknown(row: dict[str, str]) -> None:
    assert kind_of(answered(batch("0", **row))) is OutcomeClass.UNKNOWN


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"code":"0","msg":"","data":[{"ordId":"7","clO', 200),
        ({"code": "0", "msg": "", "data": []}, 200),
        ({"code": "1", "msg": "", "data": []}, 200),
        ({"code": "2", "msg": "", "data": [{}]}, 200),
        ("<html>busy</html>", 200),
        ("<html>busy</html>", 502),
        ("", 503),
        ("", 500),
        ("", 408),
        ("not json", 400),
        ("not json", 403),
        ("not json", 404),
        ("[]", 200),
        ("null", 200),
        ({"data": []}, 200),
        (batch("0", ordId="7", clOrdId=OURS), 500),
    ],
)
def test_an_answer_that_proves_nothing_is_unknown(body: Any, status: int) -> None:
    assert kind_of(answered(body, status)) is OutcomeClass.UNKNOWN


def test_a_429_without_a_readable_body_means_not_placed() -> None:
    assert kind_of(answered("too many", 429)) is OutcomeClass.RATE
    assert kind_of(answered({"code": "99999", "msg": "", "data": []}, 429)) is OutcomeClass.RATE


@pytest.mark.parametrize("status", [200, 400, 429, 500])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *[(code, OutcomeClass.UNKNOWN) for code in (50001, 50004, 50013, 50026, 51149, 51054)],
        *[(code, OutcomeClass.UNKNOWN) for code in (51016, 50071, 51065)],
        *[(code, OutcomeClass.RATE) for code in (50011, 50061)],
        (50102, OutcomeClass.CLOCK),
        *[(code, OutcomeClass.AUTH) for code in (50100, 50101, 50103, 50105, 50110, 50111, 50113, 50119, 50120)],
        (50036, OutcomeClass.REFUSED),
        *[(code, OutcomeClass.REFUSED) for code in REFUSED],
    ],
)
def test_a_code_decides_whatever_the_status(code: int, kind: OutcomeClass, status: int) -> None:
    on_top = {"code": str(code), "msg": "said", "data": []}
    for body in (on_top, batch(str(code))):
        verdict = classify(answered(body, status), Asked(Write.SUBMIT, OURS))
        assert verdict.outcome.kind is kind
        assert not verdict.unmapped


@pytest.mark.parametrize("text", ["", "API", "Invalid API key", "api error: try again", "insufficient balance"])
@pytest.mark.parametrize(("code", "kind"), [(51008, OutcomeClass.REFUSED), (50011, OutcomeClass.RATE)])
def test_trap_a_text_that_speaks_of_an_api_stops_the_user(code: int, kind: OutcomeClass, text: str) -> None:
    body = {"code": str(code), "msg": text, "data": [{"sCode": str(code), "sMsg": text}]}
    assert kind_of(answered(body)) is kind


def test_a_request_that_came_too_late_says_so() -> None:
    assert classify(answered(batch("50036")), Asked(Write.SUBMIT, OURS)).outcome.code == "expired_at_venue"


@pytest.mark.parametrize("code", ["51002", "51009", "51400", "50014", "58350", "1234"])
def test_a_code_nobody_judged_is_unknown_and_alarms(code: str) -> None:
    verdict = classify(answered(batch(code)), Asked(Write.SUBMIT, OURS))
    assert verdict.outcome.kind is OutcomeClass.UNKNOWN
    assert verdict.unmapped


@pytest.mark.parametrize(
    ("write", "code", "kind"),
    [
        *[(Write.CANCEL, code, OutcomeClass.GONE) for code in (51400, 51401, 51402, 51603)],
        (Write.CANCEL, 51410, OutcomeClass.PLACED),
        *[(Write.AMEND, code, OutcomeClass.GONE) for code in (51503, 51509, 51510, 51527, 51603)],
        (Write.AMEND, 51000, OutcomeClass.REFUSED),
        (Write.AMEND, 50036, OutcomeClass.REFUSED),
        (Write.CANCEL, 50011, OutcomeClass.RATE),
        (Write.CANCEL, 51503, OutcomeClass.UNKNOWN),
        (Write.AMEND, 51400, OutcomeClass.UNKNOWN),
    ],
)
def test_cancel_and_amend_have_rows_of_their_own(write: Write, code: int, kind: OutcomeClass) -> None:
    assert kind_of(answered(batch(str(code))), write) is kind


def test_a_cancel_by_the_venues_id_needs_no_echo() -> None:
    evidence = answered(batch("0", ordId="7", clOrdId=""))
    assert classify(evidence, Asked(Write.CANCEL, OURS)).outcome.kind is OutcomeClass.PLACED
    assert classify(evidence, Asked(Write.CANCEL, None)).outcome.kind is OutcomeClass.PLACED


def test_a_code_is_read_from_readable_answers_only() -> None:
    assert code_of('{"code":"51603","msg":"","data":[]}') == "51603"
    assert code_of("<html>") is None
