"""`audit`, as it is typed."""

from pathlib import Path
from typing import Any

from tests.cli.conftest import Run


def test_the_trail_is_listed_anchored_verified_and_a_change_is_found(
    tb: Run, db_url: str, redis_url: str, tmp_path: Path
) -> None:
    servers = {"TB_DB__URL": db_url, "TB_REDIS__URL": redis_url}

    def data(*words: str, code: int = 0) -> Any:
        ended = tb("audit", *words, "--data-dir", str(tmp_path / "data"), "--json", **servers)
        assert ended.code == code, ended.err
        return ended.envelope["data"]

    assert data("list") == {"events": []}
    assert data("verify") == {"events": 0, "streams": 0, "findings": []}
    assert data("anchor")["moved"] == 0
    kept = tmp_path / "data" / "audit" / "heads-2026.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"at":"2026-01-01T00:00:00+00:00","heads":{"platform":[3,"00"]}}\n', encoding="utf-8")
    (finding,) = data("verify", code=3)["findings"]
    assert finding == {"stream": "platform", "seq": 3, "problem": "it was kept outside and is gone"}
    shown = tb("audit", "verify", "--data-dir", str(tmp_path / "data"), **servers)
    assert "platform 3: it was kept outside and is gone" in shown.out
