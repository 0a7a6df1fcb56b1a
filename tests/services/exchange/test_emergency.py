"""What may leave with a journal's line in place of a row."""

from decimal import Decimal
from typing import Any

import pytest
from tests.services.exchange.stage import order

from tradingboost.core.errors import Conflict, Refused
from tradingboost.core.order import Side
from tradingboost.services.exchange.service.emergency import Emergency


def journaled(client_order_id: str = "SAEXIT", **changes: Any) -> Any:
    return order(client_order_id, **{"side": Side.SELL, "reduce_only": True, "journal_seq": 1, **changes})


def test_a_journaled_request_may_reduce_once() -> None:
    lane = Emergency()
    lane.claim(journaled())
    with pytest.raises(Conflict, match="already_sent"):
        lane.claim(journaled())
    lane.claim(journaled("SAOTHER"))


@pytest.mark.parametrize("changes", [{"reduce_only": False}, {"attached_stop": Decimal(41_000)}])
def test_a_journaled_request_opens_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="emergency_opens"):
        Emergency().claim(journaled(**changes))


def test_a_token_below_one_that_was_seen_is_refused() -> None:
    lane = Emergency()
    lane.saw(order("SAENTRY", fence_token=7))
    lane.saw(order("SAOLDER", fence_token=6))
    with pytest.raises(Refused, match="lease_superseded"):
        lane.claim(journaled(fence_token=6))
    lane.claim(journaled(fence_token=7))
