"""Seeds: the money path driven by a random but repeatable history, in one process, on a clock of its own.

`run_seeds` is what the campaigns call; `python -m tradingboost.app.seeded --help` what a person does.
"""

from tradingboost.app.seeded.running import SeedResult, run_seed, run_seeds

__all__ = ["SeedResult", "run_seed", "run_seeds"]
