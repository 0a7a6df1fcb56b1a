"""Secrets an installation makes for itself when nobody gave it any: kept in the data directory, for us alone."""

import base64
import os
import tempfile
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tradingboost.app.settings import Settings
from tradingboost.core.client_id import IdKeys
from tradingboost.core.errors import InvalidInput, Refused
from tradingboost.kit.access_token import AccessKeys
from tradingboost.kit.crypto import KEY_BYTES, KeyRing, Secret, derived_kek

RECEIPTS: Final = "receipts.pem"


class Secrets:
    """The keys of an installation.

    Args:
        folder: where made keys are kept; production must be given its keys and makes none but that of receipts.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder

    def key_ring(self) -> KeyRing:
        """The keys that seal credentials: the given ones, else one that is made and kept.

        Where only the old system's key was given, and production is not meant, a key derived from it does, too.
        """
        given, old = self._settings.crypto.keks, self._settings.crypto.legacy_fernet_keys
        if given:
            return KeyRing.parse(given.get_secret_value())
        derived = "" if old is None else derived_kek(old.get_secret_value().partition(",")[0].strip())
        if derived and self._settings.env != "production" and not (self._folder / "kek").exists():
            return KeyRing.parse(derived)
        kept = self._kept("kek", "kek1:", "TB_CRYPTO__KEKS")
        return KeyRing.parse(f"{kept},{derived}" if derived else kept)

    def pepper(self) -> Secret:
        """The key of fingerprints."""
        given = self._settings.crypto.pepper
        text = given.get_secret_value() if given else self._kept("pepper", "", "TB_CRYPTO__PEPPER")
        try:
            key = Secret(base64.b64decode(text, validate=True))
        except ValueError:
            key = Secret(b"")
        if len(key) != KEY_BYTES:
            raise InvalidInput("bad_pepper", f"TB_CRYPTO__PEPPER must be base64 of {KEY_BYTES} bytes.")
        return key

    def access_keys(self) -> AccessKeys:
        """The keys that sign and verify people's access tokens."""
        given = self._settings.auth.signing_keys
        return AccessKeys.parse(
            given.get_secret_value() if given else self._kept("access-tokens", "a1:", "TB_AUTH__SIGNING_KEYS")
        )

    def login_ring(self) -> KeyRing:
        """The keys that seal second factors."""
        given = self._settings.auth.seal_keys
        return KeyRing.parse(given.get_secret_value() if given else self._kept("logins", "l1:", "TB_AUTH__SEAL_KEYS"))

    def backup_ring(self) -> KeyRing:
        """The keys that seal backups; they open nothing else."""
        given = self._settings.backup.keys
        try:
            return KeyRing.parse(
                given.get_secret_value() if given else self._kept("backup-key", "b1:", "TB_BACKUP__KEYS")
            )
        except InvalidInput:
            text = (
                "TB_BACKUP__KEYS cannot be used; write name:base64 of 32 bytes, as `tradingboost keys generate` does."
            )
            raise InvalidInput("bad_backup_keys", text) from None

    def id_keys(self) -> IdKeys:
        """The keys of client order ids."""
        given = self._settings.orders.id_keys
        text = given.get_secret_value() if given else self._kept("order-ids", "A:", "TB_ORDERS__ID_KEYS")
        return IdKeys(_id_keys(text), self._settings.orders.environment)

    def signing_key(self) -> Ed25519PrivateKey:
        """The key of internal calls; every process of an installation has the same one."""
        given = self._settings.topology.signing_key
        path = Path(given) if given else self._folder / "internal-calls.pem"
        if not path.exists():
            if given:
                raise InvalidInput("no_signing_key", f"TB_TOPOLOGY__SIGNING_KEY names {given}, which is not there.")
            self._refuse_in_production("TB_TOPOLOGY__SIGNING_KEY")
            _make_key(path)
        return _ed25519(path, "the key of internal calls")

    def has_receipt_key(self) -> bool:
        """Whether a result was ever signed here."""
        return (self._folder / RECEIPTS).exists()

    def receipt_key(self) -> Ed25519PrivateKey:
        """The key that signs results; it opens nothing, so that every installation makes its own."""
        path = self._folder / RECEIPTS
        if not path.exists():
            _make_key(path)
        return _ed25519(path, "the key of receipts")

    def _kept(self, name: str, prefix: str, setting: str) -> str:
        path = self._folder / name
        if not path.exists():
            self._refuse_in_production(setting)
            _write_once(path, (prefix + base64.b64encode(os.urandom(32)).decode()).encode())
        return _content(path).decode("ascii", "replace").strip()

    def _refuse_in_production(self, setting: str) -> None:
        if self._settings.env == "production":
            raise Refused("secret_missing", f"{setting} is not set, and production makes no keys by itself; set it.")


def _make_key(path: Path) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write_once(path, Ed25519PrivateKey.generate().private_bytes(*form))


def _ed25519(path: Path, what: str) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # no PEM at all, a locked one, another kind
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{path} must hold {what}: an Ed25519 private key in PEM form, not encrypted."
        raise InvalidInput("bad_signing_key", message)
    return key


def _id_keys(text: str) -> dict[str, bytes]:
    """`A:base64,B:base64` as keys by version."""
    keys: dict[str, bytes] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        version, _, value = part.partition(":")
        try:
            decoded = base64.b64decode(value, validate=True)
        except ValueError:
            decoded = b""
        if not decoded or version in keys:
            raise InvalidInput("bad_id_keys", "TB_ORDERS__ID_KEYS must look like A:base64,B:base64, each letter once.")
        keys[version] = decoded
    return keys


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput("key_unreadable", f"The key file {path} cannot be read: {error.strerror}.") from error


def _write_once(path: Path, content: bytes) -> None:
    """Create the file for us alone; whoever was faster has made it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # readable by us alone
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.link(fresh, path)
        finally:
            fresh.unlink()
    except FileExistsError:
        return
    except OSError as error:
        message = (
            f"{path.parent} cannot be written: {error.strerror}; make it writable or choose another with --data-dir."
        )
        raise InvalidInput("data_dir_unwritable", message) from error
