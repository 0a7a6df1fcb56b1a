"""The pages say only what is there: links, verbs, settings, names of code, and parameters with their defaults."""

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path

import msgspec
import pytest
from scripts.catalogues import declared_events
from typer.main import get_command

from tradingboost.app.settings import Settings
from tradingboost.cli.main import build
from tradingboost.kit.environment import variables
from tradingboost.strategies.grid.params import GridParams
from tradingboost.strategies.hyperrsi.params import HyperrsiParams

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tradingboost"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
VERB = re.compile(r"\./tb ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+(?:-[a-z]+)*))?")
SETTING = re.compile(r"\bTB_[A-Z0-9_]*[A-Z0-9]\b")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:[a-z_0-9]+/)+[a-z_0-9]*(?:\.py)?")
NAMED = re.compile(r"([a-z_0-9/]+\.py)::(\w+)(?:\.(\w+))?")


def pages() -> list[Path]:
    """Every page a person reads."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def words(page: Path) -> str:
    """The page's text."""
    return page.read_text(encoding="utf-8")


def name(page: Path) -> str:
    """The page as a test calls it."""
    return str(page.relative_to(ROOT))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings of a page as they are linked to."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(words(page)))
    return frozenset(heading.strip().replace(" ", "-") for heading in plain)


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """(as written, file, heading) of every link that stays in the repository."""
    for target in LINK.findall(words(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, heading = target.partition("#")
        yield target, (page.parent / path).resolve() if path else page, heading


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = [target for target, file, _ in links(page) if not file.exists()]
    assert lost == []
    wrong = [target for target, file, heading in links(page) if heading and heading not in anchors(file)]
    assert wrong == []


@cache
def verbs() -> dict[str, frozenset[str]]:
    """Each verb with the words that may follow it, as the command line has them."""
    group = get_command(build())
    listed = getattr(group, "commands", {})
    return {verb: frozenset(getattr(command, "commands", {})) for verb, command in listed.items()}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_verb_exists(page: Path) -> None:
    known = verbs()
    unknown = [verb for verb, _ in VERB.findall(words(page)) if verb not in known]
    assert unknown == []
    pairs = [(verb, word) for verb, word in VERB.findall(words(page)) if known[verb] and word]
    assert [f"{verb} {word}" for verb, word in pairs if word not in known[verb]] == []


def test_every_verb_is_named_in_the_readme() -> None:
    named = {verb for verb, _ in VERB.findall(words(ROOT / "README.md"))}
    assert set(verbs()) - named == set()


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_setting_exists(page: Path) -> None:
    known = {variable.name for variable in variables(Settings)}
    named = {found if found in known else found.removesuffix("_FILE") for found in SETTING.findall(words(page))}
    slices = {setting.rpartition("__")[0] for setting in known}
    assert sorted(named - known - slices - {"TB"}) == []


def there(path: str) -> bool:
    """Whether a path exists in the package, in the repository, or beside a service's other files."""
    return any((place / path).exists() for place in (SOURCE, ROOT, ROOT / "docs"))


@pytest.mark.parametrize("page", ["docs/flow.md", "docs/simulator.md", "docs/backtest.md", "docs/testing.md"])
def test_every_file_a_page_names_exists(page: str) -> None:
    named = {word.partition("::")[0] for word in CODE.findall(words(ROOT / page))}
    paths = {
        word for word in named if PATH.fullmatch(word) and (word.endswith((".py", "/")) or there(Path(word).parts[0]))
    }
    assert paths, "the pattern finds nothing"
    assert sorted(path for path in paths if not there(path)) == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_function_a_page_names_is_in_its_file(page: Path) -> None:
    lost = []
    for file, *names in NAMED.findall(words(page)):
        place = next((root / file for root in (SOURCE, ROOT) if (root / file).is_file()), None)
        text = place.read_text(encoding="utf-8") if place else ""
        lost += [
            f"{file}::{one}" for one in names if one and not re.search(rf"\b(class|def) {one}\b|^{one}\b", text, re.M)
        ]
    assert lost == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "services").glob("*.md")), ids=lambda page: page.stem)
def test_a_service_tells_and_hears_events_that_exist(page: Path) -> None:
    known = {spec.type for _, spec in declared_events()}
    rows = [line for line in words(page).splitlines() if line.startswith(("| tells", "| hears"))]
    assert len(rows) == 2
    named = {word for row in rows for word in CODE.findall(row) if "." in word}
    assert sorted(named - known) == []


def shown(default: object) -> str:
    """A default as the page writes it."""
    match default:
        case Enum():
            return default.name.lower()
        case bool():
            return "on" if default else "off"
        case None:
            return "none"
        case msgspec.NODEFAULT:
            return "required"
        case ():
            return "empty"
    return str(default)


@pytest.mark.parametrize(("strategy", "params"), [("hyperrsi", HyperrsiParams), ("grid", GridParams)])
def test_every_parameter_stands_on_its_page_with_its_default(strategy: str, params: type[msgspec.Struct]) -> None:
    text = words(ROOT / "docs" / "strategies" / f"{strategy}.md")
    rows = {row[0].strip("` "): row[1].strip() for row in re.findall(r"^\| (`\w+`) \| ([^|]+) \|", text, re.M)}
    wanted = {
        field.name: "empty" if field.default_factory is not msgspec.NODEFAULT else shown(field.default)
        for field in msgspec.structs.fields(params)
    }
    assert {name: rows.get(name) for name in wanted} == wanted


def test_the_anchor_of_a_heading_is_what_readers_click(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The life of an order\n\n## `up`, and what it does\n", encoding="utf-8")
    assert anchors(page) == {"the-life-of-an-order", "up-and-what-it-does"}
