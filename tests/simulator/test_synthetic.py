"""The random walk: repeatable, positive and lively."""

from itertools import islice, pairwise

from tradingboost.simulator.synthetic import Walk


def walk(seed: int = 1) -> Walk:
    return Walk(seed, "BTC-USDT-SWAP", 600_000, 200, 100)


def test_the_same_seed_gives_the_same_prints() -> None:
    first, second = (list(islice(walk().prints(0, 1000), 500)) for _ in range(2))
    assert first == second
    assert list(islice(walk(2).prints(0, 1000), 500)) != first


def test_prices_stay_positive_and_move_both_ways() -> None:
    prices = [px for _, px, _ in islice(walk().prints(0, 1000), 20_000)]
    assert min(prices) > 0
    moves = {(b > a) - (b < a) for a, b in pairwise(prices)}
    assert moves >= {-1, 1}
    assert max(abs(b - a) for a, b in pairwise(prices)) > 500  # a jump or a storm


def test_a_cheap_coin_does_not_stand_still() -> None:
    cheap = Walk(1, "X", 100, 200, 1)
    assert len({px for _, px, _ in islice(cheap.prints(0, 1000), 20_000)}) > 5


def test_history_is_contiguous_and_ends_at_the_start() -> None:
    made = walk().history(10_000 * 60_000_000, 50, 8)
    assert [bar.ts_us for bar in made] == [(10_000 - 50 + index) * 60_000_000 for index in range(50)]
    assert all(a.close == b.open for a, b in pairwise(made))
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in made)
