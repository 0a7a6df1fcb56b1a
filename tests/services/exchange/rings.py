"""Keys that are the same in every test and every process of one."""

from tradingboost.kit.crypto import KeyRing, Secret

PEPPER = Secret(b"p" * 32)


def ring(*kids: str) -> KeyRing:
    """A key ring; the same name is the same key everywhere."""
    return KeyRing({kid: Secret(bytes(range(32 - len(kid))) + kid.encode()) for kid in kids})
