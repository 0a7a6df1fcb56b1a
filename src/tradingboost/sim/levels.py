"""A sorted index from price to the ids waiting there, in order of arrival."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field


@dataclass(slots=True)
class Levels:
    """Prices in rising order, and at each price the ids in the order they came (a dict keeps it)."""

    prices: list[int] = field(default_factory=list)
    at: dict[int, dict[int, int]] = field(default_factory=dict)

    def add(self, px: int, key: int) -> None:
        """Put `key` last in the queue of `px`."""
        queue = self.at.get(px)
        if queue is None:
            insort(self.prices, px)
            self.at[px] = {key: key}
        else:
            queue[key] = key

    def discard(self, px: int, key: int) -> None:
        """Take `key` out of the queue of `px`; nothing happens when it is not there."""
        queue = self.at.get(px)
        if queue is None or queue.pop(key, None) is None or queue:
            return
        del self.at[px]
        del self.prices[bisect_left(self.prices, px)]

    def ids(self, px: int) -> list[int]:
        """Keys waiting at `px`, oldest first."""
        return list(self.at.get(px, ()))

    def upto(self, px: int) -> list[int]:
        """Prices <= px, highest first."""
        return self.prices[: bisect_right(self.prices, px)][::-1]

    def since(self, px: int) -> list[int]:
        """Prices >= px, lowest first."""
        return self.prices[bisect_left(self.prices, px) :]

    def below(self, px: int) -> int:
        """The highest price < px, 0 when there is none."""
        index = bisect_left(self.prices, px)
        return self.prices[index - 1] if index else 0

    def above(self, px: int) -> int:
        """The lowest price > px, 0 when there is none."""
        index = bisect_right(self.prices, px)
        return self.prices[index] if index < len(self.prices) else 0
