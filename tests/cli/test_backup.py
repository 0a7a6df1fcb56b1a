"""`backup`, as it is typed."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run


def test_bringing_a_backup_back_needs_a_yes_and_a_list_may_be_empty(tb: Run, tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path / "data"), "--json")
    refused = tb("backup", "restore", *where)
    assert (refused.code, refused.envelope["error"]["code"]) == (5, "not_confirmed")
    assert tb("backup", "list", *where).envelope["data"]["backups"] == []


@pytest.mark.long
def test_a_backup_is_taken_listed_verified_and_brought_back(
    tb: Run, db_url: str, redis_url: str, tmp_path: Path
) -> None:
    servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url}
    where = ("--data-dir", str(tmp_path / "data"), "--json")
    made = tb("backup", "create", *where, **servers).envelope["data"]
    assert made["tables"]["app_users"]["rows"] == 0
    assert [one["name"] for one in tb("backup", "list", *where).envelope["data"]["backups"]] == [made["name"]]
    assert tb("backup", "verify", *where, **servers).envelope["data"]["findings"] == []
    shown = tb("backup", "restore", "--dry-run", *where, **servers).envelope["data"]
    assert (shown["dry_run"], sum(shown["stored"].values())) == (True, 0)
