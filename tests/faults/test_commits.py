"""A COMMIT whose reply is lost: the row is read again by its key, and what may have been sent is asked after (F32)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.builders import an_intent
from tests.services.orders.conftest import desk, stage
from tests.services.orders.desk import Desk
from tests.services.orders.test_unknown import look_for

from tradingboost.core.errors import OutcomeUnknown

__all__ = ["desk", "stage"]


@asynccontextmanager
async def lost_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch, nth: int) -> AsyncIterator[None]:
    """The reply to the nth COMMIT from here on is cut: it took effect, and its caller cannot know."""
    whole, seen = desk.room.db.transaction, 0

    @asynccontextmanager
    async def cut(*args: Any, **options: Any) -> AsyncIterator[Any]:
        nonlocal seen
        async with whole(*args, **options) as connection:
            yield connection
        seen += 1
        if seen == nth:
            raise OutcomeUnknown("commit_unknown", "The database did not say whether it committed; read it again.")

    with monkeypatch.context() as patched:
        patched.setattr(desk.room.db, "transaction", cut)
        yield


async def test_f32_a_claim_whose_commit_is_unclear_is_not_sent_by_whoever_comes_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lost_commit(desk, monkeypatch, 1):
        with pytest.raises(OutcomeUnknown):
            await desk.submit(an_intent())
    again = await desk.submit(an_intent())
    assert again.state == "SUBMITTING"  # it was recorded: the same decision is the same order
    assert desk.exchange.sent == []
    await look_for(desk, 90)
    assert (await desk.order("entry")).state == "NOT_PLACED"
    assert (await desk.submit(an_intent(attempt=1))).state == "OPEN"
    assert len(desk.exchange.sent) == 1


async def test_f32_an_outcome_whose_commit_is_unclear_is_read_again_and_the_order_is_sent_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lost_commit(desk, monkeypatch, 2):
        with pytest.raises(OutcomeUnknown):
            await desk.submit(an_intent())
    assert (await desk.submit(an_intent())).state == "OPEN"
    await look_for(desk, 10)
    assert len(desk.exchange.sent) == 1
    assert len(desk.exchange.resting) == 1
