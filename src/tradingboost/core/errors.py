"""What went wrong, grouped by what the caller may do about it.

    TradingBoostError
    +-- InvalidInput      fix the request                          422
    +-- NotFound          look again                               404
    +-- Conflict          look again                               409
    +-- Refused           stop and tell the user                   403
    +-- Unavailable       retry with backoff                       503
    +-- OutcomeUnknown    never retry blindly; reconcile           504
    +-- BrokenInvariant   nobody catches it: stop the run, alert   500

The HTTP status is mapped in `kit.http`, the exit code in `cli`; the bridge rebuilds the class from `kind`.
"""

from typing import ClassVar


class TradingBoostError(Exception):
    """Base of the taxonomy: a stable code, a sentence for a person and the facts behind it.

    Args:
        code: stable snake_case word a program may branch on.
        message: one plain sentence that says what to do.
        details: JSON-able facts (numbers as strings); never a secret.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class InvalidInput(TradingBoostError):
    """The request is wrong in itself; sending it again unchanged cannot help."""

    kind = "invalid_input"


class NotFound(TradingBoostError):
    """The thing asked for does not exist (a proof, not a failed look-up)."""

    kind = "not_found"


class Conflict(TradingBoostError):
    """The state moved on; read it again before deciding."""

    kind = "conflict"


class Refused(TradingBoostError):
    """A rule forbids it: limit, kill switch, ownership, credentials."""

    kind = "refused"


class Unavailable(TradingBoostError):
    """A dependency is away; nothing was done and a later retry is safe."""

    kind = "unavailable"


class OutcomeUnknown(TradingBoostError):
    """The effect may or may not have happened; ask, never resend."""

    kind = "outcome_unknown"


class BrokenInvariant(TradingBoostError):
    """Something that can never be true is true; stop and alert."""

    kind = "broken_invariant"


KINDS: dict[str, type[TradingBoostError]] = {
    cls.kind: cls for cls in (InvalidInput, NotFound, Conflict, Refused, Unavailable, OutcomeUnknown, BrokenInvariant)
}


def rebuild(kind: str, code: str, message: str, details: dict[str, object]) -> TradingBoostError:
    """Rebuild an error that crossed a process border; an unknown kind is a broken promise, not a guess."""
    cls = KINDS.get(kind)
    if cls is None:
        return BrokenInvariant("unknown_error_kind", f"A peer sent the unknown error kind {kind!r}.", peer_code=code)
    return cls(code, message, **details)
