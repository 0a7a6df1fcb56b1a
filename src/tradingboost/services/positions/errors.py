"""What only `positions` can say."""

from tradingboost.core.errors import NotFound


def mismatch_not_found(mismatch_id: str) -> NotFound:
    """No difference of that id stands open."""
    message = f"No mismatch {mismatch_id} is open; list them with: tradingboost mismatches list."
    return NotFound("mismatch_not_found", message, mismatch_id=mismatch_id)
