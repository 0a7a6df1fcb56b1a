"""The three spellings of the old system's encryption, and everything that is none of them."""

import base64
import pickle

import pytest
from cryptography.fernet import Fernet

from tradingboost.core.errors import InvalidInput, Refused, TradingBoostError
from tradingboost.kit.legacy import LegacyForm, LegacyReader, form_of, seal_as_old

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()
CANARY = "canary-not-a-real-secret"


def sealed(form: LegacyForm, value: str = CANARY, key: str = KEY) -> str:
    return seal_as_old(key, value, form, 1_760_000_000, bytes(16))


@pytest.mark.parametrize("form", list(LegacyForm))
def test_each_spelling_is_recognised_and_opened(form: LegacyForm) -> None:
    token = sealed(form)
    opened = LegacyReader(KEY).open(token)
    assert form_of(token) is form
    assert opened.form is form
    assert opened.value.reveal_text() == CANARY
    assert CANARY not in repr(opened)


def test_a_token_of_the_library_itself_is_opened() -> None:
    assert LegacyReader(KEY).open(Fernet(KEY).encrypt(b"by the library").decode()).value.reveal() == b"by the library"


def test_any_of_several_keys_opens() -> None:
    reader = LegacyReader(f"{OTHER}, {KEY}")
    assert reader.open(sealed(LegacyForm.BARE)).value.reveal_text() == CANARY
    assert reader.open(sealed(LegacyForm.WRAPPED, key=OTHER)).value.reveal_text() == CANARY


def refused(value: str) -> TradingBoostError:
    with pytest.raises(Refused) as caught:
        LegacyReader(KEY).open(value)
    assert CANARY not in str(caught.value)
    assert value[8:24] not in str(caught.value) + str(caught.value.details)
    return caught.value


@pytest.mark.parametrize("form", list(LegacyForm))
def test_a_wrong_key_is_told_as_such(form: LegacyForm) -> None:
    assert refused(sealed(form, key=OTHER)).code == "legacy_wrong_key"


@pytest.mark.parametrize("form", list(LegacyForm))
@pytest.mark.parametrize("kept", [0.98, 0.6, 0.3])
def test_a_truncated_value_is_told_as_such(form: LegacyForm, kept: float) -> None:
    token = sealed(form)
    assert refused(token[: int(len(token) * kept)]).code == "legacy_truncated"


def test_trap_a_value_without_prefix_is_accepted_as_plaintext() -> None:
    assert refused(CANARY + "-of-the-venue").code == "legacy_plaintext"


def test_trap_decryption_fails_and_the_stored_text_is_used_as_the_key() -> None:
    token = sealed(LegacyForm.BARE)
    changed = token[:60] + ("A" if token[60] != "A" else "B") + token[61:]
    assert refused(changed).code == "legacy_wrong_key"


def test_what_was_encrypted_twice_or_holds_nothing_is_refused() -> None:
    assert refused(sealed(LegacyForm.BARE, sealed(LegacyForm.PREFIXED))).code == "legacy_sealed_twice"
    assert refused(sealed(LegacyForm.BARE, "   ")).code == "legacy_empty"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 20 keys"),
        ("k1:" + KEY, "a name in front"),
        ("too-short", "44 characters"),
        (base64.b64encode(bytes(16)).decode(), "16 bytes"),
        (base64.b64encode(bytes(64)).decode(), "64 bytes"),
        ("your 32-byte encryption key here", "not base64"),
        (f"{KEY},%%%", "entry 2"),
    ],
)
def test_keys_of_another_kind_or_length_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        LegacyReader(text)
    assert caught.value.code == "bad_legacy_keys"
    assert reason in caught.value.message
    assert KEY not in caught.value.message


def test_the_reader_shows_no_key_and_an_opened_value_does_not_leave_the_process() -> None:
    assert repr(LegacyReader(KEY)) == "LegacyReader(keys=1)"
    with pytest.raises(TypeError):
        pickle.dumps(LegacyReader(KEY).open(sealed(LegacyForm.BARE)).value)
