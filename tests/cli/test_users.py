"""`users`, as it is typed: people, roles, logins and chats without a platform that runs."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from tests.cli.conftest import Ended, Run

from tradingboost.kit.clock import SystemClock

PASSWORD = "copper lantern 41 violin"
WHY = ("--reason", "a test needs it")
Said = Callable[..., Any]


@pytest.fixture
def run(tb: Run, db_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """`users WORDS`, with a line on standard input."""

    def ran(*words: str, line: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(line + "\n"))
        servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url, "TB_AUTH__ARGON2_MEMORY_KIB": "19456"}
        return tb("users", *words, "--data-dir", str(tmp_path / "data"), **servers)

    return ran


@pytest.fixture
def users(run: Callable[..., Ended]) -> Said:
    """`users WORDS --json`: its data, or its error where another exit code is expected."""

    def said(*words: str, code: int = 0, line: str = "") -> Any:
        ended = run(*words, "--json", line=line)
        assert ended.code == code, ended.out + ended.err
        assert PASSWORD not in ended.out + ended.err
        return ended.envelope["error" if code else "data"]

    return said


def test_people_come_are_changed_and_go(users: Said, run: Callable[..., Ended]) -> None:
    root = users("add", "root", "--role", "admin", "--password-stdin", line=PASSWORD)
    assert (root["user"]["role"], root["user"]["has_password"], len(root["link_code"]["code"])) == ("admin", True, 26)
    alice = users("add", "alice", "--email", "alice@example.org", "--locale", "en")["user"]
    assert not alice["has_password"]
    assert users("add", "alice", code=5)["code"] == "name_taken"
    assert [one["username"] for one in users("list")["users"]] == ["alice", "root"]
    for said in ("ALICE", "alice@example.org"):
        assert users("resolve", said)["user_id"] == alice["user_id"]
    assert users("resolve", "1234567890123456", code=2)["code"] == "identifier_ambiguous"
    assert users("show", "nobody", code=4)["code"] == "user_not_found"
    assert users("role", "root", "user", *WHY, code=5)["code"] == "last_admin"
    assert users("role", "alice", "support", *WHY)["user"]["role"] == "support"
    assert users("disable", "alice", "--dry-run", *WHY)["user"]["status"] == "active"
    assert users("disable", "alice", *WHY)["user"]["status"] == "disabled"
    assert users("enable", "alice", "--reason", " ", code=2)["code"] == "reason_missing"
    assert users("support", "alice", "2")["user"]["support_until"]
    shown = run("show", "alice").out
    for word in ("alice@example.org", "support", "second factor", alice["user_id"]):
        assert word in shown
    told = users("delete", "alice", "--dry-run", *WHY)["would_delete"]
    assert (told["profile"]["username"], told["runs"], told["accounts"]) == ("alice", [], [])
    assert users("delete", "alice", "--yes", "--keep", "--flatten", *WHY, code=2)["code"] == "two_policies"
    assert users("delete", "alice", "--yes", *WHY)["deleted"]["profile"]["user_id"] == alice["user_id"]
    assert users("show", "alice", code=4)["code"] == "user_not_found"
    assert users("resolve", "me", code=2)["code"] == "identifier_malformed"


def test_logins_are_looked_after(users: Said, run: Callable[..., Ended]) -> None:
    users("add", "alice", "--password-stdin", line=PASSWORD)
    assert len(users("invite", "--days", "3")["invite"]["code"]) == 26
    secret = users("totp", "alice", "--enrol", "--password-stdin", line=PASSWORD)["secret"]
    code = pyotp.TOTP(secret).at(SystemClock().now())
    assert len(users("totp", "alice", "--confirm", code)["recovery_codes"]) == 10
    assert users("totp", "alice", "--remove", "--enrol", code=2)["code"] == "two_wishes"
    assert users("totp", "alice", "--remove", *WHY) == {"totp": False}
    [made] = users("tokens", "alice", "--make", "a script", "--scope", "read", "--address", "203.0.113.0/24")["tokens"]
    assert made["token"].startswith("tbp_")
    assert users("tokens", "alice", "--revoke", made["token_id"])["tokens"] == []
    assert users("sessions", "alice", "--end-all")["sessions"] == []
    assert users("password", "alice", *WHY, code=2)["code"] == "password_missing"
    assert users("password", "alice", "--password-stdin", *WHY, line="a wholly other phrase") == {"changed": True}
    assert len(users("link-code", "alice")["link_code"]["code"]) == 26
    assert users("link", "alice", "--confirm", code=5)["code"] == "no_chat_waits"
    for words in (("list",), ("tokens", "alice")):
        assert run(*words).code == 0
