"""The integer scales of the exchange and the only two crossings between them and decimal text.

Money, sizes of a tick or lot, and rates are counted in *quanta* of 1e-12; prices in ticks, sizes in lots, time in
microseconds since the epoch.
"""

import re

QUANTA = 10**12
"""Quanta in one unit of a currency; also the denominator of every rate (fee, funding, margin)."""

NOT_A_MULTIPLE = -2
"""Stands for a price or size that is no multiple of its tick or lot; the engine refuses it by code."""

_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?")
_SIGNIFICANT_DIGITS = 16


def parse(text: str) -> int:
    """Decimal text without exponent to quanta.

    Raises:
        ValueError: the text is no plain decimal number or is finer than 1e-12.

    Example:
        >>> parse("0.0005")
        500000000
    """
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"{text!r} is not a plain decimal number")
    fraction = (match[3] or "").rstrip("0")
    if len(fraction) > 12:
        raise ValueError(f"{text!r} is finer than 1e-12")
    quanta = int(match[2] or "0") * QUANTA + int(fraction.ljust(12, "0"))
    return -quanta if match[1] == "-" else quanta


def to_units(text: str, unit_quanta: int) -> int:
    """Decimal text to a whole number of units (ticks or lots), or `NOT_A_MULTIPLE`; never rounds.

    Example:
        >>> to_units("42000.1", parse("0.1")), to_units("42000.15", parse("0.1"))
        (420001, -2)
    """
    try:
        units, rest = divmod(parse(text), unit_quanta)
    except ValueError:
        if _DECIMAL.fullmatch(text) is None or not re.search(r"\d", text):
            raise
        return NOT_A_MULTIPLE
    return NOT_A_MULTIPLE if rest else units


def render(quanta: int) -> str:
    """Quanta as the shortest plain decimal text.

    Example:
        >>> render(-500000000), render(QUANTA * 3)
        ('-0.0005', '3')
    """
    if not quanta:
        return "0"
    whole, rest = divmod(abs(quanta), QUANTA)
    sign = "-" if quanta < 0 else ""
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:012d}".rstrip("0")


def quotient(numerator: int, denominator: int) -> str:
    """A quotient as decimal text with 16 significant digits, half-even (average prices, ratios).

    Example:
        >>> quotient(1, 3), quotient(84000, 2)
        ('0.3333333333333333', '42000')
    """
    if denominator == 0:
        raise ValueError("a quotient needs a denominator other than 0")
    negative = (numerator < 0) != (denominator < 0)
    top, bottom = abs(numerator), abs(denominator)
    if top == 0:
        return "0"
    places = _SIGNIFICANT_DIGITS - _digits_before_point(top, bottom)
    scaled_top, scaled_bottom = (top * 10**places, bottom) if places >= 0 else (top, bottom * 10**-places)
    digits, rest = divmod(scaled_top, scaled_bottom)
    if rest * 2 > scaled_bottom or (rest * 2 == scaled_bottom and digits % 2):
        digits += 1
    text = _place_point(digits, places)
    return f"-{text}" if negative else text


def _digits_before_point(top: int, bottom: int) -> int:
    """Decimal exponent e with 10**(e-1) <= top/bottom < 10**e."""
    exponent = len(str(top)) - len(str(bottom))
    above = top >= bottom * 10**exponent if exponent >= 0 else top * 10**-exponent >= bottom
    return exponent + 1 if above else exponent


def _place_point(digits: int, places: int) -> str:
    if places <= 0:
        return str(digits * 10**-places)
    text = str(digits).rjust(places + 1, "0")
    return f"{text[:-places]}.{text[-places:]}".rstrip("0").rstrip(".")
