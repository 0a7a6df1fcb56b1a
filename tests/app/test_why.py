"""`why`: the sentences say what the kernel decided, and nothing else."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.app.test_backtest_results import GRID
from tests.cli.candles import START_MS, write_candles

from tradingboost.app.backtest_request import BacktestRequest
from tradingboost.app.backtesting import backtest, prepared
from tradingboost.app.why import tested
from tradingboost.app.why.live import LAST_WISHES, explained
from tradingboost.app.why.reading import notes_of, rules_of, standing, values_of
from tradingboost.app.why.tested import moment, summed
from tradingboost.app.why.words import PHRASES, REASONS, VALUES, Language, language
from tradingboost.backtest import run
from tradingboost.core.errors import InvalidInput, NotFound
from tradingboost.core.ids import RunId
from tradingboost.core.market import Timeframe
from tradingboost.kit.candles.store import CandleStore
from tradingboost.shared.interfaces.strategy import Decision, RunView, Triggers
from tradingboost.strategies import get
from tradingboost.strategies.contract import records, state_to_json
from tradingboost.strategies.reasons import Reason

EN, KO = Language.EN, Language.KO
BAR_MS = 300_000
RSI = {"use_trend_logic": "false", "use_trend_close": "false", "use_sl": "true"}


def unheard(done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CandleStore:
    return CandleStore(tmp_path_factory.mktemp("why") / "store")


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(tmp_path_factory.mktemp("why") / "BTCUSDT_swap_5m.csv", 1_200)


@pytest.fixture(scope="module")
def rsi(candles: Path) -> BacktestRequest:
    return BacktestRequest(strategy="hyperrsi", candles=candles, params=RSI, band=False)


@pytest.fixture(scope="module")
def grid(candles: Path) -> BacktestRequest:
    return BacktestRequest(strategy="grid", candles=candles, params=GRID, band=False)


# -- words -----------------------------------------------------------------------------------------------------------


def test_every_reason_is_said_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    pairs = [*REASONS.values(), *PHRASES.values()]
    assert all(english and korean and english != korean for english, korean in pairs)
    assert all(any("가" <= letter <= "힣" for letter in korean) for _, korean in pairs)
    for english, korean in PHRASES.values():
        names = [{part.split("}")[0] for part in text.split("{")[1:]} for text in (english, korean)]
        assert names[0] == names[1]


@pytest.mark.parametrize(("word", "found"), [("en", EN), ("KO", KO), ("ko_KR", KO), ("en-GB", EN)])
def test_a_language_is_read_as_people_write_it(word: str, found: Language) -> None:
    assert language(word) is found


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InvalidInput, match="en or ko"):
        language("fr")


# -- one candle ------------------------------------------------------------------------------------------------------


def test_the_candle_of_an_entry_says_that_it_entered_and_why(rsi: BacktestRequest, store: CandleStore) -> None:
    result = backtest(rsi, store).result
    (row, *_) = [one for one in result.intents if one["slot"] == 0]
    at_ms = int(row["ts_ms"])
    found = moment(rsi, store, at_ms, EN)
    assert found.at == datetime.fromtimestamp(at_ms / 1000, UTC)
    assert [one.slot for one in found.wishes] == ["entry"]
    assert [(one.subject, one.held) for one in found.notes] == [("long" if row["side"] > 0 else "short", False)]
    assert "because the entry rule held" in found.said
    assert found.values["RSI"] == pytest.approx(float(result.indicators[int(row["bar"])]["rsi"]))
    korean = moment(rsi, store, at_ms + BAR_MS - 1, KO)
    assert (korean.at, "진입 조건 충족" in korean.said) == (found.at, True)


def test_a_candle_without_a_signal_says_what_the_rule_asked(rsi: BacktestRequest, store: CandleStore) -> None:
    one = prepared(rsi, store)
    first_ms = int(one.candles.open_ms[one.config.warmup_bars]) + BAR_MS
    found = moment(rsi, store, first_ms, EN)
    assert {note.subject: note.reason for note in found.notes} == {"long": "no_signal", "short": "no_signal"}
    assert found.said == "It did nothing at this close."
    assert any("long asks that it falls to 30 or below" in line for line in found.rules)
    assert (found.below, found.above, found.orders) == (None, None, [])


def test_a_candle_with_a_position_tells_its_orders_and_the_next_price(rsi: BacktestRequest, store: CandleStore) -> None:
    result = backtest(rsi, store).result
    fill = next(one for one in result.fills if one["slot"] == 0)
    at_ms = int(result.candles.open_ms[int(fill["bar"])]) + BAR_MS
    found = moment(rsi, store, at_ms, EN)
    assert "on average" in found.standing
    assert [note.subject for note in found.notes] == ["add"]
    assert {"sl", "tp:1"} <= {one.slot for one in found.orders}
    assert [abs(one.away) for one in found.orders] == sorted(abs(one.away) for one in found.orders)
    assert found.rules == []


def test_a_grid_says_which_levels_wait_and_why(grid: BacktestRequest, store: CandleStore) -> None:
    found = moment(grid, store, START_MS + 1_000 * BAR_MS, EN)
    assert {one.subject for one in found.notes} <= {"buy", "sell", "run"}
    assert all(one.count >= 1 and one.held for one in found.notes)
    assert len(found.orders) == 6
    assert "The grid was running" in found.standing


@pytest.mark.parametrize("bar", [10, 1_201])
def test_a_time_outside_of_the_run_is_told_with_its_span(rsi: BacktestRequest, store: CandleStore, bar: int) -> None:
    with pytest.raises(InvalidInput, match="decisions are from 2024-01-0") as raised:
        moment(rsi, store, START_MS + bar * BAR_MS, EN)
    assert raised.value.code == "outside_of_run"


def test_a_moment_is_the_same_whatever_comes_after(rsi: BacktestRequest, store: CandleStore) -> None:
    result = backtest(rsi, store).result
    row = result.intents[result.intents["slot"] == 0][-1]
    found = moment(rsi, store, int(row["ts_ms"]), EN)
    assert Decimal(found.wishes[0].qty) == Decimal(repr(float(row["qty"])))


# -- all candles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rsi", "grid"])
def test_a_sum_counts_closes_and_changes_nothing_of_the_run(
    name: str, request: pytest.FixtureRequest, store: CandleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: BacktestRequest = request.getfixturevalue(name)
    runs: list[Any] = []

    def kept(*arguments: Any, **options: Any) -> Any:
        runs.append(run(*arguments, **options))
        return runs[-1]

    monkeypatch.setattr("tradingboost.app.why.tested.run", kept)
    found = summed(asked, store, "", EN, unheard)
    plain = backtest(asked, store).result
    assert np.array_equal(runs[0].intents, plain.intents)
    assert np.array_equal(runs[0].equity_quanta, plain.equity_quanta)
    assert found.closes == len(plain.candles) - plain.config.warmup_bars
    assert all(0 < one.closes <= found.closes for one in found.often)
    assert [one.closes for one in found.often] == sorted((one.closes for one in found.often), reverse=True)
    assert [one.at_ms for one in found.events] == sorted(one.at_ms for one in found.events)
    assert len(found.events) == 10


def test_every_close_of_a_flat_run_has_a_reason_a_side(rsi: BacktestRequest, store: CandleStore) -> None:
    never = msgspec.structs.replace(rsi, params={**RSI, "rsi_oversold": 1, "rsi_overbought": 99})
    found = summed(never, store, "", EN, unheard)
    assert (found.entries, found.asked) == (0, found.closes)
    assert {(one.subject, one.reason): one.share for one in found.often} == {
        ("long", "no_signal"): 1.0,
        ("short", "no_signal"): 1.0,
    }
    assert all(one.what != "opening" for one in found.events)


def test_a_window_counts_its_own_closes(rsi: BacktestRequest, store: CandleStore) -> None:
    found = summed(rsi, store, "20240103-20240104", EN, unheard)
    assert found.closes == 288
    assert all(one.at_ms <= START_MS + 3 * 86_400_000 for one in found.events)
    with pytest.raises(InvalidInput, match="Nothing of the run lies in 2025"):
        summed(rsi, store, "20250101-", EN, unheard)


def test_more_closes_than_can_be_looked_at_are_refused(
    rsi: BacktestRequest, store: CandleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tested, "MOST_CLOSES", 500)
    with pytest.raises(InvalidInput, match="name an earlier end"):
        summed(rsi, store, "", EN, unheard)
    assert summed(rsi, store, "-20240102", EN, unheard).closes > 0


def test_several_symbols_on_one_balance_are_looked_at_one_by_one(store: CandleStore) -> None:
    two = BacktestRequest(strategy="grid", symbol="BTC-USDT-SWAP", others=("ETH-USDT-SWAP",), params=GRID)
    for look in (lambda: moment(two, store, START_MS, EN), lambda: summed(two, store, "", EN, unheard)):
        with pytest.raises(InvalidInput, match="BTC-USDT-SWAP, ETH-USDT-SWAP share this balance"):
            look()


# -- live ------------------------------------------------------------------------------------------------------------


class Remembered:
    """A strategy service that has one run and many wishes."""

    def __init__(self, view: RunView, wishes: list[Decision]) -> None:
        self.view = view
        self.wishes = wishes

    async def runs(self) -> list[RunView]:
        return [self.view]

    async def triggers(self, venue: str, symbol: str) -> Triggers:
        return Triggers(below=Decimal("39900"), above=None)

    async def decisions(self, run_id: str, after_seq: int = 0, limit: int = 1000) -> list[Decision]:
        assert run_id == self.view.run_id
        return [one for one in self.wishes if one.seq > after_seq][:limit]


class Services:
    def __init__(self, service: Any) -> None:
        self.strategies: Mapping[str, Any] = {"hyperrsi": service}


def remembered(status: str = "running", wishes: int = 0, **fields: Any) -> Services:
    """A run whose memory is stored and read as the service does it."""
    strategy = get("hyperrsi")
    state = records(strategy.state)
    strategy.start(state[0], records(strategy.params)[0])
    for name, value in fields.items():
        state[name][0] = value
    stored = msgspec.json.decode(state_to_json(state))["fields"]
    at = datetime(2024, 3, 1, 12, tzinfo=UTC)
    view = msgspec.convert(
        {
            "run_id": "0192f0aa-1111-7000-8000-00000000beef",
            "user_id": "u",
            "account_id": "a",
            "strategy": "hyperrsi",
            "venue": "okx",
            "symbol": "BTC-USDT-SWAP",
            "timeframe": Timeframe.M5.value,
            "status": status,
            "reason": "",
            "settings_version": 1,
            "started_at": at,
            "last_bar_at": at,
            "state": stored,
        },
        RunView,
    )
    told = [
        Decision(
            run_id=RunId(view.run_id),
            seq=seq,
            at=at,
            kind="place",
            slot="entry",
            side="buy",
            position_side="long",
            type="market",
            qty=Decimal(seq),
            price=None,
            trigger=None,
            reduce_only=False,
            reason="signal",
        )
        for seq in range(1, wishes + 1)
    ]
    return Services(Remembered(view, told))


def test_a_run_tells_what_its_memory_says_of_the_last_decision() -> None:
    services = remembered(note=[Reason.COOLDOWN, Reason.NO_SIGNAL], rsi=41.5, wishes=25)
    (found,) = asyncio.run(explained(services, "beef", EN))
    assert [one.reason for one in found.notes] == ["cooldown", "no_signal"]
    assert "cooling down" in found.notes[0].sentence
    assert (found.values["RSI"], found.values["RSI before"]) == (41.5, None)
    assert [one.seq for one in found.wishes] == list(range(26 - LAST_WISHES, 26))
    assert (found.below, found.above, found.standing) == (Decimal("39900"), None, "It held no position.")


def test_runs_that_have_stopped_are_told_only_by_name() -> None:
    services = remembered("stopped")
    assert asyncio.run(explained(services, None, EN)) == []
    assert len(asyncio.run(explained(services, "0192f0aa", KO))) == 1
    with pytest.raises(NotFound, match="neither a run nor a kept result"):
        asyncio.run(explained(services, "cafe", EN))


def test_a_position_tells_its_add_and_a_hedge_that_was_asked_for() -> None:
    services = remembered(side=1, qty=2.0, average=40_000.0, stop_price=39_000.0, note_add=Reason.PRICE_LEVEL)
    (found,) = asyncio.run(explained(services, None, EN))
    assert [(one.subject, one.reason) for one in found.notes] == [("add", "price_level")]
    assert "2 long from 40,000 on average" in found.standing
    assert (found.values["stop"], "break-even" in found.values) == (39_000.0, False)


def test_every_number_has_a_name_in_both_languages() -> None:
    for name in ("hyperrsi", "grid"):
        state = records(get(name).state)
        fields = {key: state[key][0].tolist() for key in state.dtype.names}
        if name == "hyperrsi":
            fields |= {"side": -1, "average": 1.0, "qty": 1.0, "stop_price": 1.0, "break_even": 1.0}
        assert set(values_of(name, fields)) <= set(VALUES)
        assert standing(name, fields, EN) != standing(name, fields, KO)
        assert notes_of(name, fields, KO) == [] or name == "hyperrsi"


@pytest.mark.parametrize("option", ["CROSS_IN", "TURN", "CROSS_OUT", "LEVEL"])
def test_every_rule_is_said_for_the_sides_that_may_open(option: str) -> None:
    fields = {"side": 0, "rsi_prev": None, "rsi": 44.0}
    for direction, count in (("LONG", 1), ("SHORT", 1), ("BOTH", 2)):
        params = get("hyperrsi").validate({"entry_option": option, "direction": direction})
        told = rules_of("hyperrsi", params, fields, EN)
        assert len(told) == count
        assert all("RSI - then 44;" in line for line in told)
