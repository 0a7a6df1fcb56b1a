"""The two Redis of an installation: the application's and the jobs', which may share a server and never a database."""

from typing import NamedTuple

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.redis_address import SENTINEL, place_of, with_db
from tradingboost.kit.settings import JobsSettings

JOBS_DB = 1


class JobsPlaces(NamedTuple):
    """Addresses of the job queue and of the results."""

    broker: str
    results: str


def jobs_places(jobs: JobsSettings, app_url: str) -> JobsPlaces:
    """Where jobs are queued, given where the application's Redis is.

    Raises:
        InvalidInput: the same server and database as the application's, or Sentinels without a named broker.
    """
    named = jobs.broker_url.get_secret_value() if jobs.broker_url else None
    if named is None and app_url.startswith(f"{SENTINEL}://"):
        message = "The job queue needs a Redis of its own beside the Sentinels; set TB_JOBS__BROKER_URL."
        raise InvalidInput("jobs_redis_not_named", message)
    broker = named or with_db(app_url, JOBS_DB)
    results = jobs.result_url.get_secret_value() if jobs.result_url else broker
    for name, url in (("TB_JOBS__BROKER_URL", broker), ("TB_JOBS__RESULT_URL", results)):
        if url.startswith(f"{SENTINEL}://"):
            raise InvalidInput("jobs_redis_by_sentinel", f"{name} must name one server; the job queue may be lost.")
        if place_of(url) == place_of(app_url):
            raise InvalidInput(
                "redis_shared_by_jobs",
                f"{name} is the application's own Redis database; give one of them another number, such as "
                f"{0 if place_of(app_url).db else JOBS_DB}.",
            )
    return JobsPlaces(broker, results)
