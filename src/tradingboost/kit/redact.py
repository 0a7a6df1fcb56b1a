"""Secrets do not leave by text: by the name of a field, by the shape of a value, and by value for those we know."""

import base64
import json
import re
import threading
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

MASK = "***"
_MOST_FORMS = 1000  # of each kind; up to seven of each secret
_SHORTEST_SECRET = 6
_DEEPEST = 8

_SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)|secret|token|api_?key|access_?key|authori[sz]ation|cookie|signature|private_?key|\bkeks?\b"
    r"|\bdek|credentials?$|\bdsn\b|\botp\b",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(r"(_id|_ids|_version|_count|_at|_name|_status|_kind)$", re.IGNORECASE)
_WORD = r"(?:pass(?:word|phrase|wd)|secret(?:_?key)?|token|api[-_]?(?:key|secret)|signature|ok-access-\w+)"
_SENTENCE = r"(?-i:(?<=: )[A-Z]?[a-z]{0,11} [a-z])"  # "is a secret: set it ..." says none
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL), MASK),
    (re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)"), MASK),  # the login inside an address
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), MASK),  # a JWT
    (re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{30,45}\b"), MASK),  # a Telegram bot token
    (re.compile(r"\btbp_[A-Za-z0-9_-]{8,}"), MASK),  # a personal access token of ours
    (re.compile(r"\btb1w?\.[a-z0-9]{1,16}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+"), MASK),  # a sealed value
    (re.compile(r"\bgAAAA[A-Za-z0-9_=-]{40,}"), MASK),  # a Fernet token
    (re.compile(r"\b[0-9A-F]{32}\b"), MASK),  # the shape of a venue's secret key
    (
        re.compile(rf"""({_WORD}["']?\s*[:=]\s*)(?!{_SENTENCE})("[^"]*"|'[^']*'|[^\s,;&)\]}}]+)""", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)


class Redactor:
    """Replaces secrets by `***` in texts and in nested values."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, None] = {}
        self._passing: dict[str, None] = {}
        self._longest_first: tuple[str, ...] = ()

    def register(self, secret: str, *, passing: bool = False) -> None:
        """Hide this very value from now on, also as base64, as hex, in an address and inside JSON.

        Args:
            passing: one of many, such as a person's key; these push out each other and never a lasting one.
        """
        if len(secret) < _SHORTEST_SECRET:
            return  # would blank out ordinary words
        raw = secret.encode()
        forms = {quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], raw.hex()}
        forms |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
        kept = self._passing if passing else self._known
        with self._lock:
            if secret in kept:
                return
            kept.update(dict.fromkeys((secret, *forms)))  # itself first, so that it goes first: see above
            while len(kept) > _MOST_FORMS:
                kept.pop(next(iter(kept)))
            self._longest_first = tuple(sorted({**self._known, **self._passing}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._longest_first:
            if form in text:
                text = text.replace(form, MASK)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: object, name: str = "", depth: int = 0) -> object:
        """The value without secrets; texts and bytes under a secret's name are hidden whole."""
        if depth > _DEEPEST:
            return "..."
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, Mapping):
            return {str(key): self.value(part, str(key), depth + 1) for key, part in value.items()}
        if _SECRET_NAME.search(name) and not _HARMLESS_NAME.search(name):
            return MASK
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(part, name, depth + 1) for part in value]
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        return self.text(value if isinstance(value, str) else str(value))
