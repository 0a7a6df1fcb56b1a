"""The report of a back-test: one HTML file that needs nothing else, and the files beside it."""

import html
from importlib import resources
from typing import Final

from tradingboost.backtest.document import Document, encode

_PARTS: Final = {"@STYLE@": "page.css", "@CHARTS@": "charts.js", "@SCRIPT@": "page.js"}


def page(found: Document) -> str:
    """The whole report as one HTML text; it loads nothing and speaks to nobody."""
    folder = resources.files("tradingboost.app") / "page"
    text = (folder / "page.html").read_text(encoding="utf-8")
    for mark, name in _PARTS.items():
        text = text.replace(mark, (folder / name).read_text(encoding="utf-8").rstrip())
    summary = found.summary
    text = text.replace("@TITLE@", html.escape(f"{summary.strategy} on {summary.symbol}"))
    before, after = text.split("@DATA@")
    return before + _inert(encode(found).decode()) + after


def _inert(data: str) -> str:
    """JSON that can stand inside a script element: no tag can begin in it."""
    return data.replace("<", "\\u003c")
