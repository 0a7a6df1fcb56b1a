"""The platform dies at a named point, starts again, and the exchange's own truth finds nothing wrong."""

import msgspec
import pytest
from tests.chaos.conftest import Play

from tradingboost.app.chaos.plans import plan
from tradingboost.kit.crash import POINTS


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_an_order_the_venue_took_while_we_died_is_found_and_not_sent_again(play: Play) -> None:
    outcome = await play(msgspec.structs.replace(plan("exchange.submit.after_reply", 0), nth=2))
    evidence = outcome.evidence
    assert evidence.broken == []
    assert evidence.books_equal_venue is True
    assert (evidence.duplicate_client_ids, evidence.sent_twice, evidence.silent_sagas) == (0, 0, 0)
    assert evidence.orders >= 2
    assert evidence.recovered_s is not None


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS)
async def test_it_comes_back_from_every_point(play: Play, point: str) -> None:
    assert (await play(plan(point, 0))).evidence.broken == []
