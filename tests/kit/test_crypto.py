"""Sealed values open for whom they were sealed, and for nobody else."""

import base64
import copy
import json
import pickle
from dataclasses import replace
from uuid import UUID

import pytest

from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.crypto import Binding, DataKey, KeyRing, Secret

# the vector of the format's description
KEK = bytes(range(32))
DEK = bytes(range(32, 64))
BOUND = Binding(
    user_id=UUID("0190b3a4-5c6d-7e8f-9a0b-1c2d3e4f5061"),
    credential_id=UUID("0190b3a4-0000-7000-8000-0000000000c1"),
    exchange="okx",
    version=1,
)
FIELD = "tb1.k1.AAECAwQFBgcICQoL.Mj0piisYmYndleS1QxAsWWc2eilMz_CFrU2QbQCqSk-C"
WRAP = "tb1w.k1.DA0ODxAREhMUFRYX.uN9L-1tT2nQfA2L-vaYIyGUy393CSA2do5vA29id_sUySadgYqye9kNLbssM2MTS"


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.parse(f"k1:{encoded(KEK)}")


def test_the_published_vector_opens(ring: KeyRing) -> None:
    assert ring.unwrap(WRAP, BOUND).open("api_secret", FIELD).reveal() == b"not-a-real-secret"


def test_the_published_vector_is_what_we_write() -> None:
    key = DataKey(Secret(DEK), "k1", BOUND)
    assert key._seal("api_secret", Secret("not-a-real-secret"), bytes(range(12))) == FIELD


def test_a_sealed_value_comes_back(ring: KeyRing) -> None:
    key, wrap = ring.new_data_key(BOUND)
    token = key.seal("api_key", Secret("열쇠"))
    assert ring.unwrap(wrap, BOUND).open("api_key", token).reveal_text() == "열쇠"
    assert key.seal("api_key", Secret("열쇠")) != token


@pytest.mark.parametrize(
    "other",
    [
        replace(BOUND, user_id=UUID(int=1)),
        replace(BOUND, credential_id=UUID(int=1)),
        replace(BOUND, exchange="bybit"),
        replace(BOUND, version=2),
    ],
)
def test_a_value_moved_to_another_owner_does_not_open(ring: KeyRing, other: Binding) -> None:
    with pytest.raises(Refused) as caught:
        ring.unwrap(WRAP, other).open("api_secret", FIELD)
    assert caught.value.code == "decrypt_failed"


def test_a_value_moved_to_another_field_or_row_does_not_open(ring: KeyRing) -> None:
    with pytest.raises(Refused):
        ring.unwrap(WRAP, BOUND).open("passphrase", FIELD)
    with pytest.raises(Refused):
        ring.new_data_key(BOUND)[0].open("api_secret", FIELD)


@pytest.mark.parametrize("token", [FIELD, WRAP])
def test_any_changed_character_is_noticed(ring: KeyRing, token: str) -> None:
    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        if token is FIELD and token[:place].count(".") == 1 and letter != ".":
            continue  # the kid of a field is informational: the wrap decides
        field, wrap = (changed, WRAP) if token is FIELD else (FIELD, changed)
        with pytest.raises(Refused):
            ring.unwrap(wrap, BOUND).open("api_secret", field)


@pytest.mark.parametrize(
    "junk", ["", "plaintext", "tb1.k1.AA", "tb1.k1.AA.AA", "tb1.k1.$$$$.$$$$", FIELD + "=", FIELD + ".x"]
)
def test_what_is_no_token_is_refused_and_not_shown(ring: KeyRing, junk: str) -> None:
    with pytest.raises(Refused) as caught:
        ring.unwrap(WRAP, BOUND).open("api_secret", junk)
    assert not junk or junk not in str(caught.value)


def test_rewrapping_moves_the_data_key_to_the_active_kek(ring: KeyRing) -> None:
    both = KeyRing.parse(f"k2:{encoded(DEK)},k1:{encoded(KEK)}")
    wrap = both.rewrap(WRAP, BOUND)
    assert wrap.startswith("tb1w.k2.")
    only_new = KeyRing.parse(f"k2:{encoded(DEK)}")
    assert only_new.unwrap(wrap, BOUND).open("api_secret", FIELD).reveal() == b"not-a-real-secret"
    with pytest.raises(Refused, match="k1 is not configured"):
        only_new.unwrap(WRAP, BOUND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        f"k1:{encoded(KEK[:31])}",
        f"k1:{encoded(KEK)},k1:{encoded(DEK)}",
        f"k1:{encoded(KEK)},k2:{encoded(KEK)}",
        f"K 1:{encoded(KEK)}",
        "k1:" + encoded(bytes(32)),
        "k1:not base64!",
    ],
)
def test_wrong_key_settings_are_one_sentence_without_the_key(text: str) -> None:
    with pytest.raises(InvalidInput, match="TB_CRYPTO__KEKS") as caught:
        KeyRing.parse(text)
    assert encoded(KEK) not in str(caught.value)


def test_a_secret_does_not_show_leave_or_compare() -> None:
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {secret:>10} {[secret]} %s" % secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        assert secret == Secret("canary")
    with pytest.raises(TypeError):
        hash(secret)
    assert not hasattr(secret, "__dict__")


def test_nonces_do_not_repeat(ring: KeyRing) -> None:
    key, _ = ring.new_data_key(BOUND)
    nonces = {key.seal("api_key", Secret("x")).split(".")[2] for _ in range(20_000)}
    assert len(nonces) == 20_000
