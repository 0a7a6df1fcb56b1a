"""`python -m tradingboost VERB`, which is what `./tb VERB` and the installed `tradingboost` run."""

import sys

from tradingboost.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
