"""kit.redis_address and the settings of both Redis: what names the same database, and what is refused."""

from collections.abc import Mapping

import pytest

from tradingboost.app.redis_places import jobs_places
from tradingboost.app.settings import ALIASES, Settings
from tradingboost.core.errors import InvalidInput
from tradingboost.kit.environment import load, variables
from tradingboost.kit.redis_address import Place, host_and_port, place_of, watched, with_db
from tradingboost.kit.settings import JobsSettings, RedisSettings


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:secret@localhost:6380/2", Place("127.0.0.1:6380", 2)),
        ("redis://127.0.0.1", Place("127.0.0.1:6379", 0)),
        ("rediss://me:secret@cache.example/0?ssl_cert_reqs=none", Place("cache.example:6379", 0)),
        ("redis://127.0.0.1:6379?db=3", Place("127.0.0.1:6379", 3)),
        ("unix:///run/redis.sock?db=1", Place("/run/redis.sock", 1)),
        ("sentinel://:p@b:2,a/main/4", Place("main@a:26379,b:2", 4)),
    ],
)
def test_an_address_names_a_server_and_a_database(url: str, place: Place) -> None:
    assert place_of(url) == place
    assert place_of(with_db(url, 7)) == Place(place.server, 7)


@pytest.mark.parametrize(
    "url", ["", "http://x", "redis://h:port", "redis://h/zero", "sentinel://", "sentinel://h", "sentinel://h:0/m/0"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        place_of(url)


def test_logins_may_hold_any_character() -> None:
    settings = RedisSettings(sentinels=("h1", "h2:7"), username="me", password="p@:/%1", db=2)
    found = watched(settings.address() or "")
    assert (found.username, found.password, found.db, found.master) == ("me", "p@:/%1", 2, "mymaster")
    assert found.sentinels == (("h1", 26_379), ("h2", 7))
    with pytest.raises(InvalidInput, match="TB_REDIS__SENTINELS"):
        host_and_port("host:many")


def test_without_a_named_broker_jobs_are_database_one_of_the_same_server() -> None:
    assert jobs_places(JobsSettings(), "redis://:p@h:1/0") == ("redis://:p@h:1/1", "redis://:p@h:1/1")


SAME = {
    "both named": {"TB_REDIS__URL": "redis://localhost/0", "TB_JOBS__BROKER_URL": "redis://127.0.0.1:6379/0"},
    "results": {"TB_REDIS__URL": "redis://h/0", "TB_JOBS__RESULT_URL": "redis://h:6379"},
    "the application on the jobs' default": {"TB_REDIS__HOST": "h", "TB_REDIS__DB": "1"},
    "by the old names": {"REDIS_HOST": "h", "CELERY_BROKER_URL_OVERRIDE": "redis://h:6379/0"},
}


@pytest.mark.parametrize("environ", SAME.values(), ids=SAME)
def test_one_database_for_both_is_refused(environ: Mapping[str, str]) -> None:
    with pytest.raises(InvalidInput, match="own Redis database"):
        load(Settings, environ, aliases=ALIASES)


def test_another_database_or_another_server_is_fine() -> None:
    for broker in ("redis://h:6379/1", "redis://other/0"):
        assert load(Settings, {"TB_REDIS__URL": "redis://h/0", "TB_JOBS__BROKER_URL": broker}).jobs.broker_url


def test_the_jobs_need_a_server_of_their_own_beside_sentinels() -> None:
    settings = load(Settings, {"TB_REDIS__SENTINELS": "a,b,c"})
    with pytest.raises(InvalidInput, match="TB_JOBS__BROKER_URL"):
        jobs_places(settings.jobs, settings.redis.address() or "")
    with pytest.raises(InvalidInput, match="one server"):
        jobs_places(JobsSettings(broker_url="sentinel://a/m/1"), "redis://h/0")


def test_two_ways_to_name_the_server_are_refused_together() -> None:
    with pytest.raises(InvalidInput, match="TB_REDIS__URL and TB_REDIS__HOST are both set"):
        load(Settings, {"TB_REDIS__URL": "redis://h/0", "REDIS_HOST": "h"}, aliases=ALIASES)


def test_each_old_name_alone_sets_what_ours_would() -> None:
    known = {variable.name: variable for variable in variables(Settings)}
    samples = {"HOST": "old.example", "DATABASE": "old", "USER": "old", "PASSWORD": "old-word", "DB": "3"}
    urls = {
        "DATABASE_URL": "postgresql://u:p@h/d",
        "CELERY_BROKER_URL_OVERRIDE": "redis://h/5",
        "CELERY_RESULT_BACKEND_OVERRIDE": "redis://h/6",
    }
    assert set(ALIASES.values()) <= set(known)
    for old, ours in ALIASES.items():
        value = urls.get(old) or samples.get(old.rpartition("_")[2], "77")
        found: object = load(Settings, {old: value}, aliases=ALIASES)
        wanted: object = load(Settings, {ours: value})
        assert found == wanted, old
        other = "78" if value == "77" else value + "9"
        with pytest.raises(InvalidInput, match=f"{old} and {ours} disagree"):
            load(Settings, {old: value, ours: other}, aliases=ALIASES)
