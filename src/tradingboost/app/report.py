"""Pages: one HTML file each that needs nothing else. The report of a back-test is one of them."""

import html
from collections.abc import Sequence
from importlib import resources
from typing import Final

from tradingboost.backtest.document import Document, encode

_REPORT: Final = ("charts.js", "price.js", "deals.js", "report.js")


def page(found: Document) -> str:
    """The whole report as one HTML text."""
    summary = found.summary
    return composed("report.html", _REPORT, f"{summary.strategy} on {summary.symbol}", encode(found))


def composed(body: str, scripts: Sequence[str], title: str, data: bytes) -> str:
    """A page of the folder `page` around a document; it loads nothing and speaks to nobody.

    Args:
        body: file of its sections.
        scripts: files in the order in which they run.
        data: the document as JSON; the scripts call it `D`.
    """
    folder = resources.files("tradingboost.app") / "page"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8").rstrip()

    parts = {
        "@STYLE@": text("page.css"),
        "@BODY@": text(body),
        "@SCRIPT@": "\n".join(text(name) for name in scripts),
        "@TITLE@": html.escape(title),
    }
    whole = text("page.html")
    for mark, part in parts.items():
        whole = whole.replace(mark, part)
    before, after = whole.split("@DATA@")
    return before + _inert(data.decode()) + after


def _inert(data: str) -> str:
    """JSON that can stand inside a script element: no tag can begin in it."""
    return data.replace("<", "\\u003c")
