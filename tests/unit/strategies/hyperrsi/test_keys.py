"""Names of parameters."""

from tradingboost.strategies.hyperrsi import keys


def test_every_other_name_leads_to_a_key_that_exists() -> None:
    targets = {key for targets in keys.ALIASES.values() for key in targets}
    targets |= {key for pair in keys.PERCENT_ALIASES.values() for key in pair}
    assert targets <= set(keys.KEYS)


def test_no_name_has_two_meanings() -> None:
    groups = [
        set(keys.KEYS), set(keys.ALIASES), set(keys.PERCENT_ALIASES), set(keys.LIMIT_SWITCHES),
        set(keys.ADDS_COUNTS), set(keys.WITHOUT_EQUIVALENT),
    ]  # fmt: skip
    assert sum(map(len, groups)) == len(set().union(*groups))


def test_a_far_name_suggests_nothing() -> None:
    assert keys.suggestion("zzz") is None
    assert keys.suggestion("leverge") == "leverage"
