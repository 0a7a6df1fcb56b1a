"""A worker process with the jobs of the tests: `python -m tests.kit.job_worker DB BROKER`, until it is killed."""

import sys

from tests.kit.shop import KINDS, SCHEDULE

from tradingboost.kit.jobs.worker import Workshop, serve


def main(db_url: str, broker: str) -> None:
    shop = Workshop(db_url=db_url, broker=broker, results=broker, kinds=KINDS, schedule=SCHEDULE)
    serve(shop, queues=("celery", "scheduled"), concurrency=1, beat=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
