"""What `status` says about the venues."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from tradingboost.cli.look import _gateway
from tradingboost.shared.interfaces.exchange import StreamStatus


def shown(*gateways: StreamStatus | None) -> str:
    found: Any = SimpleNamespace(
        accounts=[SimpleNamespace(account=SimpleNamespace(label="mine"), gateway=one) for one in gateways]
    )
    console = Console(file=StringIO(), width=160)
    console.print(_gateway(found))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_hindered_account_says_why_it_opens_nothing() -> None:
    told = shown(
        StreamStatus(
            frames={},
            healthy=False,
            hindered={"clock_off": "The clocks differ by 7.0 s."},
            clock_offset_ms=7000,
            requests={"sent entry": 3, "sent data": 4, "shed entry": 2},
            closed=["place:BTC-USDT-SWAP for 4.0 s"],
        )
    )
    for word in ("mine", "away", "+7000 ms", " 7 ", " 2 ", "The clocks differ by 7.0 s.", "is closed"):
        assert word in told


def test_a_platform_at_rest_says_nothing_about_venues() -> None:
    assert "mine" not in shown(None)
