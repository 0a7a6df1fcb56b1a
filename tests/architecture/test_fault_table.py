"""The table of the faults and their tests is made from the page that names them and from a report of pytest's."""

from collections import Counter
from datetime import UTC, datetime

from scripts import fault_table as tool

PAGE = """
| row | failure | proof |
|---|---|---|
| F1 | a reply is lost | `tests/a/test_a.py::test_f01_one`<br>`tests/a/test_a.py::test_two`, and by `./tb chaos run` |
| F2 | a retry | `tests/b/test_b.py::test_three` |

## Not built yet
| F9 | nothing | waits for somebody |
"""
REPORT = """<testsuites><testsuite>
<testcase classname="tests.a.test_a" name="test_f01_one[x]"/>
<testcase classname="tests.a.test_a" name="test_f01_one[y]"/>
<testcase classname="tests.a.test_a" name="test_two"><skipped message="no"/></testcase>
<testcase classname="tests.b.test_b" name="test_three"><failure message="it broke"/></testcase>
</testsuite></testsuites>"""


def test_each_row_has_the_tests_the_page_names() -> None:
    assert tool.rows(PAGE) == {
        "F1": ["tests/a/test_a.py::test_f01_one", "tests/a/test_a.py::test_two"],
        "F2": ["tests/b/test_b.py::test_three"],
    }


def test_a_row_holds_when_something_passed_and_nothing_failed() -> None:
    results = tool.outcomes(REPORT)
    proofs = tool.rows(PAGE)
    assert results["tests/a/test_a.py::test_f01_one"] == Counter(passed=2)
    assert tool.told(proofs["F1"], results) == (True, "2 passed, 1 skipped")
    assert tool.told(proofs["F2"], results) == (False, "1 failed")
    assert tool.told(["tests/c.py::test_long"], results) == (True, "1 not played (long)")
    assert tool.told([], results) == (False, "")


def test_the_section_of_the_page_is_replaced_and_the_rest_stays() -> None:
    day = datetime(2026, 11, 21, tzinfo=UTC)
    section = tool.table({"F1": (["tests/a/test_a.py::test_f01_one"], "2 passed")}, day)
    page = f"# Top\n{tool.BEGIN}\nold\n{tool.END}\nrest"
    made = tool.written(page, section)
    assert made.startswith("# Top\n")
    assert made.endswith("\nrest")
    assert "old" not in made
    assert "21 November 2026" in made
    assert "| F1 | `test_f01_one` | 2 passed |" in made
    assert tool.written(made, section) == made


def test_the_page_has_one_place_for_the_table_and_no_row_in_it_that_nobody_proves() -> None:
    page = tool.TARGET.read_text(encoding="utf-8")
    assert page.count(tool.BEGIN) == page.count(tool.END) == 1
    section = page.partition(tool.BEGIN)[2].partition(tool.END)[0]
    shown = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| F")]
    assert set(shown) <= set(tool.rows(tool.SOURCE.read_text(encoding="utf-8")))
    assert len(shown) == len(set(shown)) > 30
