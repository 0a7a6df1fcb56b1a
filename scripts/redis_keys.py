"""docs/redis-keys.md: every key the platform writes, and every key of the old system it recognises."""

from pathlib import Path

from tradingboost.kit.keys import Pattern, registry
from tradingboost.kit.keys_jobs import jobs_patterns
from tradingboost.kit.keys_legacy import legacy_rows

FILE = Path(__file__).resolve().parents[1] / "docs" / "redis-keys.md"


def page(written: str) -> str:
    """The page; `written` says who writes it."""
    rows = sorted(registry(), key=lambda pattern: (pattern.owner, pattern.text))
    parts = [
        f"# Redis keys\n\n{written}\n",
        "What may be in Redis, and for how long at most; all of it can be lost. The verb `redis validate` compares a\n",
        "server with these rows, and `redis app explain KEY` looks one key up.\n\n## Database 0\n\n",
        "| key | type | lives | owner |\n|---|---|---|---|\n",
        *(f"| `{row.text}` | {row.type.value} | {_lives(row)} | {row.owner} |\n" for row in rows),
        "\n## Database 1: jobs\n\n",
        "| key | type | lives | kept by |\n|---|---|---|---|\n",
        *(f"| `{row.text}` | {row.type.value} | {_lives(row)} | {row.owner} |\n" for row in jobs_patterns()),
        "\n## Keys of the old system\n\n",
        "Recognised, never written. The verb takes them over, or away once nothing needs them.\n\n",
        "| key | type | verb | what becomes of it |\n|---|---|---|---|\n",
    ]
    for row in legacy_rows():
        kind = row.type.value if row.type else "several"
        parts.append(f"| `{row.text}` | {kind} | `{row.verb}` | {row.note} |\n")
    return "".join(parts)


def _lives(pattern: Pattern) -> str:
    if pattern.ttl_s is None:
        return "no limit"
    for seconds, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if pattern.ttl_s % seconds == 0:
            span = f"{pattern.ttl_s // seconds} {unit}"
            break
    else:
        span = f"{pattern.ttl_s} s"
    return f"{span}, give or take a tenth" if pattern.jitter else span
