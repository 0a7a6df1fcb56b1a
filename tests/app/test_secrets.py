"""The keys an installation makes for itself: once, for its owner alone, never in production."""

import base64
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from tests.builders import ACCOUNT, VENUE, an_intent

from tradingboost.app.secrets import Secrets
from tradingboost.app.serving import served
from tradingboost.app.settings import Settings
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.settings import CryptoSettings
from tradingboost.services.orders.settings import OrdersSettings

Make = Callable[[Secrets], Any]
MAKERS: dict[str, Make] = {
    "kek": Secrets.key_ring,
    "order-ids": Secrets.id_keys,
    "internal-calls.pem": Secrets.signing_key,
    "pepper": Secrets.pepper,
}
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8


def secrets(folder: Path, **settings: Any) -> Secrets:
    return Secrets(Settings(**settings), folder)


def id_keys(text: str) -> OrdersSettings:
    return OrdersSettings(id_keys=SecretStr(text))


@pytest.mark.parametrize("name", MAKERS)
def test_a_key_is_made_once_and_readable_by_its_owner_alone(folder: Path, name: str) -> None:
    MAKERS[name](secrets(folder))
    file = folder / name
    first = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    MAKERS[name](secrets(folder))
    assert file.read_bytes() == first
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("name", MAKERS)
def test_processes_that_start_together_have_the_same_key(folder: Path, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: MAKERS[name](secrets(folder)), range(16)))
    assert [path.name for path in folder.iterdir()] == [name]


def test_the_same_intent_gets_the_same_id_after_a_restart(folder: Path) -> None:
    key = an_intent().key
    ids = {secrets(folder).id_keys().sign(key, VENUE, ACCOUNT) for _ in range(2)}
    assert len(ids) == 1


@pytest.mark.parametrize("name", MAKERS)
def test_production_makes_no_key_and_says_which_setting_to_give(folder: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"^TB_[A-Z_]+ is not set, and production makes no keys by itself; set it\. "):
        MAKERS[name](secrets(folder, env="production"))
    assert not folder.exists()


@pytest.mark.parametrize("name", MAKERS)
def test_production_uses_a_key_that_is_there(folder: Path, name: str) -> None:
    MAKERS[name](secrets(folder))
    assert MAKERS[name](secrets(folder, env="production"))


@pytest.mark.parametrize(
    "text",
    ["", "no key", "A", "A:", "A:not base64!", f"A:{base64.b64encode(b'x' * 15).decode()}", f"AB:{'QUFB' * 8}"],
)
def test_wrong_id_keys_are_told_in_one_sentence(folder: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        secrets(folder, orders=id_keys(text or ",")).id_keys()
    assert raised.value.code == "bad_id_keys"
    assert raised.value.message.endswith(".")


def test_a_part_of_the_id_keys_that_cannot_be_read_is_not_left_out_silently(folder: Path) -> None:
    good = f"A:{'QUFB' * 8}"
    for text in (f"{good},garbage", f"{good},{good}"):
        with pytest.raises(InvalidInput, match="each letter once"):
            secrets(folder, orders=id_keys(text)).id_keys()
    assert secrets(folder, orders=id_keys(f"{good}, B:{'QkJC' * 8},")).id_keys()


def test_the_key_of_receipts_is_made_in_production_too(folder: Path) -> None:
    assert not secrets(folder, env="production").has_receipt_key()
    made = secrets(folder, env="production").receipt_key().private_bytes_raw()
    assert stat.S_IMODE((folder / "receipts.pem").stat().st_mode) == 0o600
    assert secrets(folder).receipt_key().private_bytes_raw() == made


def pem_of(key: Any, password: bytes | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(key.private_bytes(PEM, PKCS8, locked))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key at all",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem_of(generate_private_key(SECP256R1())),
        pem_of(Ed25519PrivateKey.generate(), b"a password"),
    ],
    ids=["empty", "text", "broken", "another kind", "locked"],
)
def test_a_wrong_signing_key_is_told_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="Ed25519 private key in PEM form") as raised:
        secrets(tmp_path, topology={"signing_key": str(file)}).signing_key()
    assert raised.value.code == "bad_signing_key"


def test_a_signing_key_that_is_named_but_missing_is_not_made(tmp_path: Path) -> None:
    wanted = tmp_path / "elsewhere.pem"
    with pytest.raises(InvalidInput, match="which is not there") as raised:
        secrets(tmp_path, topology={"signing_key": str(wanted)}).signing_key()
    assert (raised.value.code, wanted.exists()) == ("no_signing_key", False)


def test_a_key_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "kek").mkdir()
    with pytest.raises(InvalidInput, match="cannot be read") as raised:
        secrets(tmp_path).key_ring()
    assert raised.value.code == "key_unreadable"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InvalidInput, match="cannot be written") as raised:
        secrets(tmp_path / "file" / "data").key_ring()
    assert raised.value.code == "data_dir_unwritable"


def fernet_of(text: str) -> CryptoSettings:
    return CryptoSettings(legacy_fernet_keys=SecretStr(text))


def test_the_old_systems_key_alone_makes_a_key_that_seals_and_never_in_production(folder: Path) -> None:
    old = base64.urlsafe_b64encode(bytes(range(32))).decode()
    ring = secrets(folder, crypto=fernet_of(old)).key_ring()
    assert (ring.kids, list(folder.iterdir()) if folder.exists() else []) == (("env0",), [])
    assert secrets(folder, crypto=fernet_of(old)).key_ring().kids == ("env0",)
    with pytest.raises(Refused, match="TB_CRYPTO__KEKS"):
        secrets(folder, crypto=fernet_of(old), env="production").key_ring()
    secrets(folder).key_ring()  # an installation that has made its own goes on sealing with that
    assert secrets(folder, crypto=fernet_of(old)).key_ring().kids == ("kek1", "env0")


def test_a_key_in_the_wrong_variable_is_refused_with_the_right_one_named(folder: Path) -> None:
    old = base64.urlsafe_b64encode(bytes(range(32))).decode()
    with pytest.raises(InvalidInput, match="TB_CRYPTO__LEGACY_FERNET_KEYS") as caught:
        secrets(folder, crypto=CryptoSettings(keks=SecretStr(old))).key_ring()
    assert old not in caught.value.message
    with pytest.raises(InvalidInput, match="32 bytes") as short:
        secrets(folder, crypto=CryptoSettings(pepper=SecretStr("c2hvcnQ="))).pepper()
    assert "c2hvcnQ" not in short.value.message


async def test_a_process_without_exchange_refuses_the_keys_that_open(folder: Path) -> None:
    given = Settings(crypto=CryptoSettings(keks=SecretStr("k1:" + base64.b64encode(bytes(range(32))).decode())))
    with pytest.raises(Refused) as caught:
        async with served(given, ["users"], 8000):
            raise AssertionError("it started")
    assert caught.value.code == "keks_misplaced"
