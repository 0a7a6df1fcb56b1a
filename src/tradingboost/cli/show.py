"""How things look: panels of facts, tables and numbers, the same in every verb."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

NONE = "-"
_BARS = "▁▂▃▄▅▆▇█"


def facts(title: str, rows: Iterable[tuple[str, str]]) -> "Panel":
    """Names on the left, values on the right, in a frame."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(value))
    return Panel(grid, title=f"[bold]{title}[/]", title_align="left", border_style="cyan", expand=False)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence["str | Text"]], numbers: Sequence[str] = ()
) -> "Table":
    """A table, with a title unless it is empty; columns named in `numbers` are set to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        header_style="bold" if not title else "dim",
    )
    for name in columns:
        drawn.add_column(name, justify="right" if name in numbers else "left", no_wrap=name in numbers)
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return drawn


def number(value: Decimal | float | None, places: int | None = None) -> str:
    """Decimal text with thousands set apart; None is a dash, trailing zeros go."""
    if value is None:
        return NONE
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if places is not None:
        return f"{exact:,.{places}f}"
    text = f"{exact:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Decimal | None) -> str:
    """A price that need not lie on a tick, such as an average: seven digits, at least two places."""
    if value is None or not value:
        return number(value)
    return number(value, max(2, 6 - value.adjusted()))


def money(value: Decimal | None, signed: bool = False) -> "Text":
    """An amount of quote currency with two places; gains green, losses red where the sign matters."""
    from rich.text import Text

    if value is None:
        return Text(NONE)
    text = f"{value:+,.2f}" if signed else f"{value:,.2f}"
    style = "" if not signed or not value else "green" if value > 0 else "red"
    return Text(text, style=style)


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of the newest values as one line of bars."""
    shown = list(values)[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    reach = (high - low) or 1.0
    return "".join(_BARS[int((value - low) / reach * (len(_BARS) - 1))] for value in shown)


def tick(ok: bool | None) -> "Text":
    """A mark for done, failed and neither."""
    from rich.text import Text

    if ok is None:
        return Text("!", style="yellow")
    return Text("✓", style="green") if ok else Text("✗", style="bold red")
