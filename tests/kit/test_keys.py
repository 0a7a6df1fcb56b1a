"""kit.keys: every pattern reads back what it wrote, and no key has two meanings."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradingboost.core.errors import BrokenInvariant, InvalidInput
from tradingboost.kit import keys
from tradingboost.kit.keys import _PARTS, Pattern, RedisType, pattern_of, registry

PATTERNS = list(registry())
SAMPLES = {name: st.from_regex(f"(?:{regex})", fullmatch=True) for name, regex in _PARTS.items()}
# Words that tempt two patterns into one key.
WORDS = """ticker orderbook candle candles info ticks index pnl settings grid okx user api keys symbol status latest
positions reader enabled BTC-USDT long 1m 00000000-0000-0000-0000-000000000001"""
TEMPTING = WORDS.split()


@given(st.sampled_from(PATTERNS).flatmap(
    lambda pattern: st.tuples(st.just(pattern), st.fixed_dictionaries({part: SAMPLES[part] for part in pattern.parts}))
))  # fmt: skip
def test_a_key_reads_back_as_it_was_built(case: tuple[Pattern, dict[str, str]]) -> None:
    pattern, parts = case
    key = pattern.build(**parts)
    assert pattern.parse(key) == parts
    assert [found for found in PATTERNS if found.matches(key)] == [pattern]
    assert pattern_of(key) == pattern


def test_no_key_belongs_to_two_patterns() -> None:
    services = ("user", "market", "position", "positions", "feature", "exchange", "grid", "notification")
    short = itertools.chain(*(itertools.product(services, *[TEMPTING] * more) for more in (1, 2)))
    for words in itertools.chain(short, itertools.product(("market", "position"), *[TEMPTING] * 3)):
        key = ":".join(words)
        assert len([found.text for found in PATTERNS if found.matches(key)]) <= 1, key


@pytest.mark.parametrize("bad", ["", "a:b", "BTC USDT", "*", "btc", "BTC/USDT:USDT", "BTC\n"])
def test_parts_that_would_break_the_grammar_are_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        keys.TICKER.build(exchange="okx", symbol=bad)


def test_missing_and_foreign_parts_are_a_mistake_of_the_program() -> None:
    with pytest.raises(BrokenInvariant, match="exchange, symbol"):
        keys.TICKER.build(exchange="okx")


def test_keys_of_another_pattern_are_not_read() -> None:
    with pytest.raises(InvalidInput):
        keys.TICKER.parse("market:okx:BTC-USDT-SWAP:ticks")
    assert keys.MARKET_TICKS.parse("market:okx:BTC-USDT-SWAP:ticks") == {"exchange": "okx", "symbol": "BTC-USDT-SWAP"}
    assert pattern_of("somebody:else") is None


def test_only_streams_queues_and_channels_live_without_a_ttl_and_none_longer_than_a_week() -> None:
    for pattern in PATTERNS:
        lasting = pattern.type in {RedisType.STREAM, RedisType.CHANNEL}
        assert (pattern.ttl_s is None) == lasting, pattern.text
        assert pattern.ttl_s is None or pattern.ttl_s <= 7 * keys.DAY_S
        assert pattern.text == pattern.text.lower()
