"""Passwords: Argon2id off the event loop, one at a time; what is too easy to guess is refused before.

Source: RFC 9106 and the password storage cheat sheet of OWASP for the least parameters (19 MiB, t=2, p=1).
"""

import asyncio
import re
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tradingboost.core.errors import InvalidInput, Unavailable
from tradingboost.kit.common_passwords import COMMON_WORDS

SHORTEST: Final = 10
LONGEST: Final = 128
LEAST_MEMORY_KIB: Final = 19 * 1024
_MOST_WAITING: Final = 64
_BCRYPT: Final = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
_BCRYPT_BYTES: Final = 72
_SUBSTITUTES: Final = str.maketrans("013457@$!", "oleastasi")
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn")


class Passwords:
    """Hashes and verifies. At most one core works on it, and at most 64 callers wait.

    Args:
        memory_kib: of Argon2id, at least 19 MiB.
    """

    def __init__(self, memory_kib: int = 64 * 1024) -> None:
        if memory_kib < LEAST_MEMORY_KIB:
            raise InvalidInput("argon2_too_weak", f"Argon2id takes at least {LEAST_MEMORY_KIB} KiB; raise the setting.")
        self._hasher = PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=1)
        self._one = asyncio.Semaphore(1)
        self._waiting = 0
        self._dummy = ""

    async def hashed(self, password: str) -> str:
        """The text to store."""
        return str(await self._alone(self._hasher.hash, password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the stored hash; without one the same work is done for nothing.

        Raises:
            Unavailable: `login_busy`, too many are being verified.
        """
        if stored is not None and _BCRYPT.fullmatch(stored):
            return bool(await self._alone(_bcrypt_fits, stored, password))
        if not self._dummy:
            self._dummy = await self.hashed("nobody has this password")
        fits = bool(await self._alone(self._fits, stored or self._dummy, password))
        return fits and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash that just fitted should be made anew: another scheme, or weaker parameters."""
        return bool(_BCRYPT.fullmatch(stored)) or self._hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _alone(self, work: object, *values: str) -> object:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable(
                "login_busy", "Many people log in right now; try again in a few seconds.", retry_after_s=5
            )
        self._waiting += 1
        try:
            async with self._one:
                return await asyncio.to_thread(work, *values)  # type: ignore[arg-type]
        finally:
            self._waiting -= 1


def check_password(password: str, *names: str) -> None:
    """Refuse what is guessed first.

    Args:
        names: of the person; a password made of one is refused.

    Raises:
        InvalidInput: `password_refused`; the message never repeats the password.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise _refused(f"has {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5:
        raise _refused("has at least five different characters")
    plain = password.lower()
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)
    meant = core.translate(_SUBSTITUTES)
    spoken = {plain, core, meant, re.sub(r"[^a-z]", "", plain), re.sub(r"[^a-z]", "", meant)}
    if any(_repeated(word) in COMMON_WORDS for word in spoken):
        raise _refused("is not one that everybody tries first")
    if any(_runs_along(plain, row) for row in _ROWS):
        raise _refused("is no row of keys, letters or digits")
    for name in names:
        known = name.lower().partition("@")[0]
        if len(known) >= 3 and len(plain.replace(known, "")) < 6:
            raise _refused("is not made of the name")


def _repeated(word: str) -> str:
    """The piece a word consists of: `passpass` is `pass` twice."""
    doubled = (word + word).find(word, 1)
    return word[:doubled] if 0 < doubled < len(word) else word


def _runs_along(word: str, row: str) -> bool:
    there = row + row
    return word in there or word in there[::-1]


def _bcrypt_fits(stored: str, password: str) -> bool:
    import bcrypt  # read once per person and replaced, so that few processes ever need it

    return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], stored.encode())


def _refused(rule: str) -> InvalidInput:
    return InvalidInput("password_refused", f"A password {rule}; choose another, four random words for example.")
