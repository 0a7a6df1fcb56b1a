"""Time-based codes: this step or a neighbour, never one that was taken."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from tradingboost.kit.crypto import Secret
from tradingboost.kit.opaque import code_hash, fresh_code, fresh_token
from tradingboost.kit.totp import accepted_step, is_recovery_code, new_secret, recovery_codes, uri_of

SECRET = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
NOW = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


def code_at(seconds: int) -> str:
    return pyotp.TOTP(SECRET.reveal_text()).at(int(NOW.timestamp()) + seconds)


@pytest.mark.parametrize(
    ("unix", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_the_vectors_of_the_standard(unix: int, code: str) -> None:
    """Source: RFC 6238, appendix B, SHA-1, the last six of eight digits."""
    assert accepted_step(SECRET, code, datetime.fromtimestamp(unix, UTC), None) == unix // 30


@pytest.mark.parametrize(("seconds", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_only_this_step_and_its_neighbours_count(seconds: int, taken: bool) -> None:
    expected = STEP + seconds // 30 if taken else None
    assert accepted_step(SECRET, code_at(seconds), NOW, None) == expected


def test_a_code_counts_once_and_none_before_it_after_it() -> None:
    assert accepted_step(SECRET, code_at(0), NOW, STEP) is None
    assert accepted_step(SECRET, code_at(-30), NOW, STEP) is None
    assert accepted_step(SECRET, code_at(30), NOW, STEP) == STEP + 1
    assert accepted_step(SECRET, code_at(0), NOW + timedelta(seconds=30), STEP + 1) is None


@pytest.mark.parametrize("wrong", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", " 12345"])
def test_what_is_no_code_is_refused(wrong: str) -> None:
    assert accepted_step(SECRET, wrong, NOW, None) is None


def test_recovery_codes_can_be_typed_and_cannot_be_guessed() -> None:
    codes = recovery_codes()
    assert len(set(codes)) == 10
    assert all(is_recovery_code(code) and len(code) == 14 for code in codes)
    assert not is_recovery_code("123456")
    assert code_hash(codes[0]) == code_hash(codes[0].upper().replace("-", " "))


def test_what_proves_by_being_known_is_long_enough() -> None:
    assert len(fresh_token("tbp_")) == 4 + 43
    assert len(fresh_code()) == 26
    assert len(new_secret()) == 32
    assert "secret=" in uri_of(SECRET, "alice")
