"""The whole table of outcomes, row by row in its order: every code, every HTTP status, every fault of a socket."""

import json
from collections.abc import Iterable
from http import HTTPStatus

import pytest

from tradingboost.core.ids import ClientOrderId
from tradingboost.shared.interfaces.exchange import OutcomeClass as Kind
from tradingboost.venues.evidence import Evidence, Step
from tradingboost.venues.outcome import Asked, Write, classify

OURS = ClientOrderId("SAMINE")
STATUSES = sorted({int(status) for status in HTTPStatus if status >= 200} | {418, 429, 520, 530})
UNSURE = {50001, 50004, 50013, 50026, 51149, 51054, 51016, 50071, 51065}
RATE, CLOCK = {50011, 50061}, {50102}
AUTH = set(range(50100, 50200)) - CLOCK
REFUSED = {50036, 51000, 51001, 51010, 51020, 51023, 51112, 51127, 51131, 51169, 51205, 51250, 51260, 51261}
REFUSED |= {*range(51003, 51009), *range(51046, 51052), *range(51119, 51122), *range(51277, 51281)}
REFUSED |= {*range(51327, 51331), *range(51300, 51309)}
DEFINITE = {**dict.fromkeys(REFUSED, Kind.REFUSED), **dict.fromkeys(AUTH, Kind.AUTH)}
DEFINITE |= {**dict.fromkeys(RATE, Kind.RATE), **dict.fromkeys(CLOCK, Kind.CLOCK)}
EVERY_CODE = range(50000, 52000)


def judged(evidence: Evidence, write: Write = Write.SUBMIT) -> tuple[Kind, bool]:
    verdict = classify(evidence, Asked(write, OURS))
    return verdict.outcome.kind, verdict.unmapped


def answer(status: int, body: str) -> Evidence:
    return Evidence(step=Step.ANSWERED, status=status, body=body)


def bodies(code: int) -> Iterable[str]:
    """A code on top, and in a row of a batch of one under each top code that says "look at the rows"."""
    yield json.dumps({"code": str(code), "msg": "said", "data": []})
    for top in ("0", "1", "2"):
        yield json.dumps({"code": top, "msg": "", "data": [{"sCode": str(code), "sMsg": "said", "ordId": ""}]})


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 408, 418, 500, 502, 503])
def test_every_code_decides_whatever_the_status_and_one_nobody_judged_is_unknown(status: int) -> None:
    for code in EVERY_CODE:
        for body in bodies(code):
            kind, unmapped = judged(answer(status, body))
            assert kind is DEFINITE.get(code, Kind.UNKNOWN), (code, body)
            assert unmapped is (code not in DEFINITE and code not in UNSURE), (code, body)


@pytest.mark.parametrize("body", ["", "<html>sorry</html>", "{", "[]", "null", '{"code":"0","msg":"","data":[]}', "0"])
def test_a_status_alone_proves_nothing_but_that_a_429_was_not_placed(body: str) -> None:
    for status in STATUSES:
        kind, _ = judged(answer(status, body))
        readable = body.startswith('{"code"')
        assert kind is (Kind.RATE if status == 429 and not readable else Kind.UNKNOWN), (status, body)


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (Evidence(), Kind.NOT_SENT),  # no name, no connection, no TLS: before the first byte
        (Evidence(late=True), Kind.NOT_SENT),  # our own deadline, before the first byte
        (Evidence(step=Step.WRITTEN), Kind.UNKNOWN),  # timeout, reset, end of file, silence
        (Evidence(step=Step.WRITTEN, status=200), Kind.UNKNOWN),  # headers came, the body did not
        (Evidence(step=Step.WRITTEN, status=400, body='{"code":"51008"'), Kind.UNKNOWN),  # cut on its way
    ],
)
def test_every_fault_of_a_socket_is_judged_by_whether_a_byte_may_have_left(evidence: Evidence, kind: Kind) -> None:
    for write in Write:
        assert judged(evidence, write) == (kind, False)


def test_placed_is_said_by_one_answer_only() -> None:
    good = {"sCode": "0", "ordId": "7", "clOrdId": OURS}
    body = json.dumps({"code": "0", "msg": "", "data": [good]})
    assert [status for status in STATUSES if judged(answer(status, body))[0] is Kind.PLACED] == [200]
    for changes in ({"ordId": ""}, {"clOrdId": ""}, {"clOrdId": "another"}, {"sCode": "51149"}, {"sCode": ""}):
        changed = json.dumps({"code": "1", "msg": "", "data": [{**good, **changes}]})
        assert judged(answer(200, changed))[0] is Kind.UNKNOWN, changes
