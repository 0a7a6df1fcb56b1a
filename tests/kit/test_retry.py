"""Only what may be repeated is repeated."""

import pytest

from tradingboost.core.errors import BrokenInvariant, OutcomeUnknown, Refused, TradingBoostError, Unavailable
from tradingboost.kit.retry import retried
from tradingboost.shared.calls import once, repeatable, safe


class Venue:
    def __init__(self, *outcomes: TradingBoostError | str) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    def _answer(self) -> str:
        self.calls += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, TradingBoostError):
            raise outcome
        return outcome

    @safe
    async def fetch(self, symbol: str) -> str:
        return f"{symbol} {self._answer()}"

    @repeatable
    async def cancel(self) -> str:
        return self._answer()

    @once
    async def place(self) -> str:
        return self._answer()

    async def untagged(self) -> str:
        return self._answer()


AWAY = Unavailable("venue_down", "Away.")


async def test_a_read_is_repeated_until_it_answers() -> None:
    venue = Venue(AWAY, AWAY, "ok")
    assert await retried(venue.fetch, first_pause_s=0.001)("BTC-USDT-SWAP") == "BTC-USDT-SWAP ok"
    assert venue.calls == 3


async def test_after_the_last_attempt_the_error_comes_out_as_it_is() -> None:
    venue = Venue(AWAY, AWAY, AWAY)
    with pytest.raises(Unavailable) as caught:
        await retried(venue.cancel, attempts=2, first_pause_s=0.001)()
    assert (caught.value, venue.calls) == (AWAY, 2)


@pytest.mark.parametrize("error", [OutcomeUnknown("lost", "Ask."), Refused("no", "No."), BrokenInvariant("x", "x")])
async def test_other_errors_are_not_repeated(error: TradingBoostError) -> None:
    venue = Venue(error, "ok")
    with pytest.raises(type(error)):
        await retried(venue.fetch, first_pause_s=0.001)("x")
    assert venue.calls == 1


def test_what_is_sent_once_only_cannot_be_wrapped() -> None:
    venue = Venue()
    for method in (venue.place, venue.untagged):
        with pytest.raises(BrokenInvariant, match="must not be wrapped in a retry"):
            retried(method)
