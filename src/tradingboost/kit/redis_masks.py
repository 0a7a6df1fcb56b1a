"""What of Redis may be shown: values of exchange keys never, whatever form they have."""

import re
from typing import Any, Final

from tradingboost.kit.keys import API_KEYS, API_KEYS_ACCOUNT, SESSION, pattern_of
from tradingboost.kit.keys_legacy import legacy_of
from tradingboost.kit.legacy import form_of

_SECRET_FIELDS: Final = frozenset(("api_key", "api_secret", "secret", "secret_key", "passphrase", "password"))
_KEYS: Final = (API_KEYS, API_KEYS_ACCOUNT)
_SEALED: Final = re.compile(r"tb1w?\.([a-z0-9]{1,16})\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_OPEN_FIELDS: Final = frozenset(("kid", "version", "uid", "cached_at", "fresh_until", "exchange", "status"))


def masked(value: str) -> str:
    """A secret value, as it may be shown."""
    sealed = _SEALED.fullmatch(value)
    if sealed is not None:
        return f"<sealed kid={sealed.group(1)} len={len(value)}>"
    form = form_of(value)
    return f"<sealed fernet {form.value} len={len(value)}>" if form is not None else f"<secret len={len(value)}>"


def is_sealed(value: str) -> bool:
    """Whether a value is ciphertext of ours or of the old system."""
    return _SEALED.fullmatch(value) is not None or form_of(value) is not None


def is_secret(key: str) -> bool:
    """Whether a key holds exchange keys or a session."""
    legacy = legacy_of(key)
    if legacy is not None:
        return legacy.secret
    pattern = pattern_of(key)
    return pattern in _KEYS or pattern is SESSION


def shown(key: str | None, value: Any, field: str | None = None) -> Any:
    """A reply, with what is secret in it masked.

    Args:
        key: whose it is, None where the reply is about none.
        field: of a hash.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {str(shown(None, name)): shown(key, one, str(shown(None, name))) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [shown(key, one, field) for one in value]
    if not isinstance(value, str):
        return value
    of_a_secret = key is not None and is_secret(key) and field not in _OPEN_FIELDS
    named = field is not None and field.lower() in _SECRET_FIELDS
    return masked(value) if of_a_secret or named or is_sealed(value) else value
