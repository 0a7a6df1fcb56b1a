"""The events of an aggregate are numbered without gaps: who meets a number too far has found a hole."""

_KNOWN_AGGREGATES = 50_000


class Holes:
    """The newest number met of each aggregate, of so many aggregates that were met last."""

    def __init__(self) -> None:
        self._newest: dict[bytes, int] = {}

    def met(self, aggregate: bytes, seq: int) -> int | None:
        """The number after which the hole before `seq` begins; None where there is none, or nothing to compare with."""
        known = self._newest.pop(aggregate, None)
        self._newest[aggregate] = seq if known is None or seq > known else known
        if len(self._newest) > _KNOWN_AGGREGATES:
            del self._newest[next(iter(self._newest))]
        return known if known is not None and seq > known + 1 else None
