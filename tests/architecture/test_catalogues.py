"""Events, errors and settings are documented by pages written from the code, and the pages are current."""

import re
from collections import defaultdict
from pathlib import Path

from scripts import catalogues, env_example, redis_keys
from scripts.lint.source import Source, tracked

from tradingboost.kit.environment import variables

ROOT = Path(__file__).resolve().parents[2]


def test_every_event_is_on_the_page_of_events() -> None:
    assert catalogues.EVENTS.read_text(encoding="utf-8") == catalogues.events_page(), (
        "python -m scripts.catalogues --write"
    )


def test_every_event_class_says_what_happened() -> None:
    silent = [cls.__name__ for cls, _ in catalogues.declared_events() if not (cls.__doc__ or "").strip()]
    assert silent == []


def test_every_context_that_owns_an_event_has_its_file() -> None:
    misplaced = [
        f"{cls.__name__} in {cls.__module__}"
        for cls, spec in catalogues.declared_events()
        if not cls.__module__.startswith("tradingboost.shared.events.")
    ]
    assert misplaced == []


def test_every_error_is_on_the_page_of_errors() -> None:
    assert catalogues.ERRORS.read_text(encoding="utf-8") == catalogues.errors_page(), (
        "python -m scripts.catalogues --write"
    )


def test_the_page_of_venues_shows_the_table_in_force() -> None:
    assert catalogues.VENUES.read_text(encoding="utf-8") == catalogues.venues_page(), (
        "python -m scripts.catalogues --write"
    )


def test_every_redis_key_is_on_its_page() -> None:
    page = redis_keys.page(catalogues.WRITTEN)
    assert redis_keys.FILE.read_text(encoding="utf-8") == page, "python -m scripts.catalogues --write"


def test_an_error_code_belongs_to_one_class() -> None:
    classes: dict[str, set[str]] = defaultdict(set)
    for raised in catalogues.raised_errors(list(tracked(ROOT))):
        classes[raised.code].add(raised.cls)
    assert {code: sorted(found) for code, found in classes.items() if len(found) > 1} == {}


def test_error_codes_are_stable_words_and_messages_are_sentences() -> None:
    odd = [
        f"{raised.path}:{raised.line} {raised.code}: {raised.message}"
        for raised in catalogues.raised_errors(list(tracked(ROOT)))
        if not re.fullmatch(r"(?:[a-z]|\{\})(?:[a-z0-9_]|\{\})*", raised.code)
        or (raised.message and not raised.message.rstrip().endswith((".", "?", "!", "{}")))
    ]
    assert odd == []


def test_the_walk_over_errors_sees_literal_codes() -> None:
    source = Source("src/tradingboost/core/x.py", 'raise errors.Refused("too_big", f"{qty} is too big.", qty=qty)')
    assert [(found.code, found.cls, found.message) for found in catalogues.raised_errors([source])] == [
        ("too_big", "Refused", "{} is too big.")
    ]


def test_every_setting_is_in_env_example() -> None:
    text = env_example.FILE.read_text(encoding="utf-8")
    assert text == env_example.render(env_example.settings_class()), "python -m scripts.env_example --write"


def test_every_setting_says_what_it_means() -> None:
    silent = [variable.name for variable in variables(env_example.settings_class()) if not variable.description]
    assert silent == []
