"""Lines are JSON, complete, and hold no secret."""

import base64
import io
import json
import logging
from urllib.parse import quote

import pytest
import structlog

from tradingboost.core.errors import Unavailable
from tradingboost.kit import logging as kit_logging
from tradingboost.kit.redact import Redactor
from tradingboost.kit.settings import LogSettings

CANARY = "Canary/Pa+ss=word&1"


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    kit_logging.configure("orders", LogSettings(level="debug"), stream)
    return stream


def read(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_begins_with_the_five_fixed_fields(lines: io.StringIO) -> None:
    structlog.get_logger("kit.demo").info("order_placed", order_id="o1", attempt=2)
    (line,) = read(lines)
    assert list(line)[:5] == ["timestamp", "level", "service", "logger", "message"]
    assert line["level"] == "info"
    assert (line["service"], line["logger"], line["message"]) == ("orders", "kit.demo", "order_placed")
    assert (line["order_id"], line["attempt"]) == ("o1", 2)
    assert str(line["timestamp"]).endswith("Z")


def test_facts_of_the_context_are_in_every_line_of_the_block(lines: io.StringIO) -> None:
    log = structlog.get_logger("x")
    with kit_logging.context(request_id="r1", user_id="u1"):
        log.info("inside")
        logging.getLogger("library").warning("also %s", "inside")
    log.info("outside")
    inside, library, outside = read(lines)
    assert inside["request_id"] == library["request_id"] == "r1"
    assert library["message"] == "also inside"
    assert "request_id" not in outside


def test_an_exception_is_told_with_its_code_and_place(lines: io.StringIO) -> None:
    def fail() -> None:
        raise Unavailable("venue_down", "The venue is away.", venue="okx")

    try:
        fail()
    except Unavailable:
        structlog.get_logger("x").exception("failed")
    (line,) = read(lines)
    told = line["exception"]
    assert isinstance(told, dict)
    assert told["code"] == "venue_down"
    assert told["details"] == {"venue": "okx"}
    assert "test_logging.py" in told["trace"]


def test_a_failure_can_be_told_to_a_person_too(lines: io.StringIO) -> None:
    kit_logging.configure("orders", LogSettings(level="debug", format="console"), lines)
    error = Unavailable("venue_unreachable", "The exchange did not answer.")
    structlog.get_logger("kit.demo").error("worker_failed", worker="relay", exc_info=error)
    text = lines.getvalue()
    assert "worker_failed" in text
    assert "worker=relay" in text
    assert "The exchange did not answer." in text
    assert "\x1b" not in text, "colours are for terminals"


def test_lines_below_the_level_are_not_written(lines: io.StringIO) -> None:
    kit_logging.configure("orders", LogSettings(level="warning"), lines)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("library").info("quiet")
    assert read(lines) == []


class _Full(io.StringIO):
    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_costs_lines_which_are_counted_but_stops_nothing() -> None:
    disk = _Full()
    kit_logging.configure("orders", LogSettings(), disk)
    log = structlog.get_logger("x")
    log.info("first")
    logging.getLogger("library").error("second")
    disk.full = False
    log.info("third")
    log.info("fourth")
    messages = [(line["message"], line.get("lines")) for line in read(disk)]
    assert messages == [("third", None), ("log_lines_lost", 2), ("fourth", None)]


FORMS = {
    "plain": CANARY,
    "url": quote(CANARY, safe=""),
    "json": json.dumps({"note": CANARY}),
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "inside": f"xx{CANARY}yy",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_registered_secret_never_shows_in_any_form_or_place(lines: io.StringIO, form: str) -> None:
    kit_logging.register_secret(CANARY)
    hidden = FORMS[form]
    log = structlog.get_logger("x")
    log.info(f"text {hidden}", note=hidden, nested={"a": [{"b": hidden}]}, exc=ValueError(hidden))
    logging.getLogger("library").error("text %s", hidden)
    log.error("failed", exc_info=RuntimeError(hidden))
    assert len(read(lines)) == 3
    assert hidden not in lines.getvalue()
    assert CANARY not in lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:hunter2hunter@host/db",
        "redis://:hunter2hunter@host:1/0",
        "Authorization: Bearer hunter2hunter",
        'payload {"apiKey": "hunter2hunter", "x": 1}',
        "GET /x?signature=hunter2hunter&y=1",
        "secret='hunter2hunter'",
        "OK-ACCESS-PASSPHRASE: hunter2hunter",
        "bot 123456789:hunter2hunterhunter2hunterhunter2hu1",
        "tbp_hunter2hunter",
        "eyJhbGciOiJ.hunter2hunter.hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter\n-----END PRIVATE KEY-----",
        "tb1.k1.AAECAwQFBgcICQoL.hunter2hunter",
    ],
)
def test_the_shape_of_a_secret_is_enough(text: str) -> None:
    assert "hunter2" not in Redactor().text(text)


@pytest.mark.parametrize("name", ["password", "api_key", "apiSecret", "TB_DB__PASSWORD", "passphrase", "authorization"])
def test_the_name_of_a_secret_is_enough(name: str) -> None:
    assert Redactor().value({name: "hunter2", "deep": {name: ["hunter2"]}}) == {name: "***", "deep": {name: "***"}}


def test_ordinary_facts_are_left_alone() -> None:
    facts = {
        "order_id": "0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061",
        "credential_id": "c1",
        "fencing_token": 7,
        "symbol": "BTC-USDT-SWAP",
        "price": "61250.1",
        "url": "http://127.0.0.1:8004/api/orders",
    }
    assert Redactor().value({**facts, "note": "12:30 closed"}) == {**facts, "note": "12:30 closed"}


def test_the_number_of_remembered_secrets_is_bounded() -> None:
    redactor = Redactor()
    for number in range(2000):
        redactor.register(f"canary-number-{number}")
    assert redactor.text("x canary-number-1999 y") == "x *** y"
    assert redactor.text("x canary-number-0 y") == "x canary-number-0 y"


def test_a_sentence_about_secrets_stays_one() -> None:
    redactor = Redactor()
    for sentence in ("It is a secret: set it elsewhere.", "no_account_for_token: The settings are there."):
        assert redactor.text(sentence) == sentence
    assert redactor.text("password: Hunter2 is his") == "password: *** is his"
    assert redactor.text("password=hunter was given") == "password=*** was given"


def test_many_secrets_of_people_push_out_each_other_and_none_of_our_own() -> None:
    redactor = Redactor()
    redactor.register("the-installations-own-key")
    for number in range(400):
        redactor.register(f"a-persons-key-{number:04}", passing=True)
    said = redactor.text("the-installations-own-key a-persons-key-0399 " + b"a-persons-key-0399".hex())
    assert said == "*** *** ***"
    assert "a-persons-key-0000" in redactor.text("a-persons-key-0000")
