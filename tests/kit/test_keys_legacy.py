"""kit.keys_legacy: the old system's keys are recognised, each names its verb, and none is one of ours."""

import pytest

from tradingboost.kit.keys import pattern_of, registry
from tradingboost.kit.keys_legacy import legacy_of, legacy_rows

USER = "00000000-0000-0000-0000-000000000001"
OLD = {
    "user:518796558012178692:api:keys": "migrate api-keys",
    "user:7081234567:api:keys": "migrate api-keys",
    "okx:user:518796558012178692:key": "migrate api-keys",
    "user:518796558012178692:settings": "migrate settings",
    "user:518796558012178692:preferences": "migrate settings",
    "user:518796558012178692:dual_side": "migrate settings",
    "user:518796558012178692:symbol:BTC-USDT-SWAP:dual_side": "migrate settings",
    "user:7081234567:okx_uid": "migrate settings",
    "okx_uid_to_telegram:518796558012178692": "migrate settings",
    "okx:positions:518796558012178692": "migrate grid-positions",
    "position:518796558012178692:BTC-USDT-SWAP": "migrate cleanup-legacy",
    "position:518796558012178692:BTC/USDT:USDT": "migrate cleanup-legacy",
    "user:1:position:BTC-USDT-SWAP:long": "migrate cleanup-legacy",
    "user:1:position:BTC-USDT-SWAP:long:dca_count": "migrate cleanup-legacy",
    "user:1:position:BTC-USDT-SWAP:short:entry_price": "migrate cleanup-legacy",
    "user:1:position:BTC-USDT-SWAP:position_state": "migrate cleanup-legacy",
    "okx:user:1:symbol:BTC-USDT-SWAP:order_placed": "migrate cleanup-legacy",
    "user:1:trading:status": "migrate cleanup-legacy",
    "user:1:symbol:BTC-USDT-SWAP:status": "migrate cleanup-legacy",
    "user:1:task_running": "migrate cleanup-legacy",
    "user:1:stats": "migrate cleanup-legacy",
    "bitget_spot:default_settings": "migrate settings --exchange",
    "binance:user_ids": "migrate settings --exchange",
    "upbit:user:1:symbols:BTC": "migrate settings --exchange",
    "hyperrsi:1:state": "migrate cleanup-legacy",
    f"grid:{USER}:levels": "migrate cleanup-legacy",
    f"order:{USER}:fills": "migrate cleanup-legacy",
    "market:BTC-USDT-SWAP:ticks": "migrate cleanup-legacy",
    "position:1:BTC-USDT-SWAP:long": "migrate cleanup-legacy",
    "events:order_filled": "migrate cleanup-legacy",
    "events:order.filled": "migrate cleanup-legacy",
    "events:user_updates": "migrate cleanup-legacy",
}
NOT_OLD = (
    f"user:{USER}:settings",
    f"position:{USER}:okx:BTC-USDT-SWAP:long",
    f"positions:{USER}:okx:BTC-USDT-SWAP:long",
    f"orders:okx:user:{USER}:symbol:BTC-USDT-SWAP:order_placed",
    "market:okx:BTC-USDT-SWAP:ticks",
    "okx:positions:518796558012178692:backup:20260102_030405",
    "events:orders",
    "somebody:else",
)


@pytest.mark.parametrize(("key", "verb"), OLD.items())
def test_a_key_of_the_old_system_names_its_verb(key: str, verb: str) -> None:
    found = legacy_of(key)
    assert found is not None, key
    assert found.verb == verb


@pytest.mark.parametrize("key", NOT_OLD)
def test_a_key_of_the_registry_or_of_a_stranger_is_no_legacy_key(key: str) -> None:
    assert legacy_of(key) is None


def test_every_legacy_pattern_is_reached_and_none_is_a_pattern_of_the_registry() -> None:
    reached = {found.text for key in OLD if (found := legacy_of(key))}
    unseen = {row.text for row in legacy_rows()} - reached
    assert unseen <= {
        "user:{id}:symbol:{symbol}:task_running",
        "market:ticker:{symbol}",
        "market:orderbook:{symbol}",
        "market:candle:{symbol}:{timeframe}",
        "exchange:ratelimit:{exchange}:{endpoint}",
    }
    assert not {row.text for row in legacy_rows()} & {pattern.text for pattern in registry()}


def test_the_backup_of_a_moved_position_is_a_key_of_ours() -> None:
    found = pattern_of("okx:positions:518796558012178692:backup:20260102_030405")
    assert found is not None
    assert (found.owner, found.ttl_s) == ("migration", 7 * 86_400)
