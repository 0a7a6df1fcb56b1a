"""`jobs`, `worker` and `beat` on the command line."""

from tests.cli.conftest import Run


def test_a_job_is_asked_for_done_shown_and_listed(tb: Run, db_url: str, redis_url: str) -> None:
    servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url}
    asked = tb("jobs", "run", "tidy", "--json", **servers)
    assert asked.code == 0
    job = asked.envelope["data"]
    assert (job["state"], job["queue"], job["done"]) == ("queued", "scheduled", 0)
    assert tb("jobs", "cancel", job["id"][:13], "--json", **servers).envelope["data"]["state"] == "cancelled"
    again = tb("jobs", "cancel", job["id"], "--json", **servers)
    assert (again.code, again.envelope["error"]["code"]) == (5, "job_is_over")
    assert tb("jobs", "retry", job["id"], "--json", **servers).envelope["data"]["state"] == "queued"
    done = tb("jobs", "run", "tidy", "--here", "--json", **servers)
    assert (done.code, done.envelope["data"]["result"]) == (0, {"deleted": 0})
    listed = tb("jobs", "list", "--state", "done", "--json", **servers).envelope["data"]["jobs"]
    assert [one["id"] for one in listed] == [done.envelope["data"]["id"]]
    shown = tb("jobs", "show", done.envelope["data"]["id"], **servers)
    assert "tidy" in shown.out
    assert '{"deleted":0}' in shown.out
    assert tb("jobs", "purge", "--days", "0", "--json", **servers).envelope["data"] == {"deleted": 1}


def test_what_cannot_be_done_is_one_sentence(tb: Run, db_url: str, redis_url: str) -> None:
    servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url}
    wrong = tb("jobs", "run", "backtset", "--json", **servers)
    assert (wrong.code, wrong.envelope["error"]["code"]) == (2, "unknown_job_kind")
    assert tb("jobs", "show", "ffffffff", "--json", **servers).code == 4
    assert tb("worker", "-Q", "orders", "--json", **servers).envelope["error"]["code"] == "unknown_queue"
    shared = tb("jobs", "list", "--json", **servers, TB_JOBS__BROKER_URL=redis_url)
    assert (shared.code, shared.envelope["error"]["code"]) == (2, "bad_setting")


def test_a_worker_without_a_platform_says_how_to_get_one(tb: Run) -> None:
    for verb in ("worker", "beat"):
        alone = tb(verb, "--json")
        assert (alone.code, alone.envelope["error"]["code"]) == (6, "platform_not_running")
