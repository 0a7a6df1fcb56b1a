"""Wilder's average: seeded with the mean of the first n values, then one n-th of the new value is mixed in."""

from numba.extending import register_jitable


@register_jitable
def wilder(average: float, value: float, seen: int, length: int) -> float:
    """One step. While `seen` <= length the average is a running sum, turned into the mean by value number `length`.

    Args:
        average: result of the step before (0 before the first).
        value: value number `seen`, counted from 1.
        seen: values so far, this one included.
        length: n, >= 1.
    """
    if seen < length:
        return average + value
    if seen == length:
        return (average + value) / length
    share = 1.0 / length  # of a loop's length the quotient is taken once; a division a bar is what would cost
    return average * (1.0 - share) + value * share
