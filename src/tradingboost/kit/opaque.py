"""Random words that prove something by being known, and the hashes that are stored of them."""

import base64
import hashlib
import os


def fresh_token(prefix: str = "") -> str:
    """256 random bits as text."""
    return prefix + base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()


def fresh_code() -> str:
    """128 random bits in base 32, to be typed or tapped."""
    return base64.b32encode(os.urandom(16)).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    """What is stored of a random word: it cannot be guessed, so a fast hash does."""
    return hashlib.sha256(token.encode()).hexdigest()


def code_hash(code: str) -> str:
    """The same of a word somebody types: hyphens, spaces and case do not matter."""
    return token_hash(code.replace("-", "").replace(" ", "").lower())
