"""The whole story with every service in one process."""

from pathlib import Path

import pytest
from sqlalchemy import text
from tests.e2e import story

from tradingboost.app.replay.stage import Stage, stage

BARS = 110


async def _counted(built: Stage, statement: str) -> int:
    async with built.platform.context.db.read() as db:
        return int((await db.execute(text(statement))).scalar_one())


@pytest.mark.slow
async def test_a_replayed_market_is_traded_through_the_whole_house(installed: tuple[str, str], tmp_path: Path) -> None:
    bars = story.market(BARS)
    async with stage(story.in_one_process(installed, tmp_path), bars, story.wanted(bars)) as built:
        assert await story.run_out(built) == BARS
        await story.check_sound(built.platform, built.admin, built.parts)
        await story.check_backtest(built, BARS)

        hyperrsi, grid = [await story.filled_orders(built.platform, part) for part in built.parts]
        assert hyperrsi["entry"] >= 1
        assert hyperrsi["add"] >= 1
        assert hyperrsi["tp"] >= 1
        assert hyperrsi["sl"] >= 1
        assert grid["init"] >= 1
        assert grid["sell"] >= 2

        for part in built.parts:
            messages = await built.platform.notifications.messages(part.account.user_id, 200)
            assert len(messages) > 5, f"{part.strategy} was hardly told of anything"
        assert await _counted(built, "SELECT count(*) FROM bus.outbox WHERE type = 'protection.placed'") >= 2
        assert await _counted(built, "SELECT count(*) FROM bus.outbox WHERE published_at IS NULL") == 0
        assert await _counted(built, "SELECT count(*) FROM bus.dead_letters") == 0
        other_keys = (
            "SELECT count(*) FROM orders.intents i JOIN orders.orders o USING (intent_id)"
            " JOIN exchange.sent s ON s.order_id = o.order_id"
            " WHERE (i.credential_id, i.credential_version) IS DISTINCT FROM (s.credential_id, s.credential_version)"
        )
        assert await _counted(built, other_keys) == 0, "what was decided under some keys is signed with them"
        unbalanced = (
            "SELECT count(*) FROM (SELECT FROM positions.ledger GROUP BY journal_id, asset HAVING sum(amount) <> 0) u"
        )
        assert await _counted(built, "SELECT count(*) FROM positions.ledger") > 20
        assert await _counted(built, unbalanced) == 0
