"""Pushed frames under fault rules: lost, doubled, swapped, held back, or an old picture for a new one."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol

from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.faults.rules import Scene, Standing

_SNAPSHOTS_KEPT: Final = 1_000
_HELD_MOST: Final = 10_000
_CLOSED: Final = b'"1"]]'
_ALWAYS: Final = ("ws.silence", "ws.lose", "ws.duplicate", "ws.reorder", "ws.hold_and_burst", "candle.stall")
_OF_CLOSED_BARS: Final = ("candle.drop", "candle.duplicate", "candle.reorder", "candle.late")


class Line(Protocol):
    """The connection of a subscription."""

    id: str
    path: str

    @property
    def uid(self) -> str: ...

    def push(self, frame: bytes) -> None: ...


class FrameGate:
    """Every pushed frame passes here while there are rules."""

    def __init__(self, desk: FaultDesk) -> None:
        self.desk = desk
        self._snapshots: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    def snapshot(self, line: Line, prefix: bytes, frame: bytes, channel: str) -> bytes:
        """The picture a new subscriber gets: this one, or the one its account got the last time."""
        key = (line.uid, prefix)
        old = self._snapshots.get(key)
        if old is not None and self.desk.on:
            acting = self.desk.first("frame", _scene(line, channel, ""), "ws.stale_snapshot")
            if acting is not None:
                return old
        self._snapshots[key] = frame
        self._snapshots.move_to_end(key)
        while len(self._snapshots) > _SNAPSHOTS_KEPT:
            self._snapshots.popitem(last=False)
        return frame

    def frame(self, line: Line, channel: str, inst: str, frame: bytes) -> None:
        """Push a frame, or do with it what the first rule wants."""
        scene = _scene(line, channel, inst)
        self.desk.trigger_soon(scene, line)
        names: tuple[str, ...] = _ALWAYS
        if channel.startswith("books"):
            names = (*names, "ws.seq_gap")
        if "candle" in channel and _CLOSED in frame[-8:]:
            names = (*names, *_OF_CLOSED_BARS)
        acting = self.desk.first("frame", scene, *names)
        if acting is None:
            line.push(frame)
            self._after(line, channel)
        else:
            self._bend(acting, line, channel, frame)

    def _bend(self, acting: Standing, line: Line, channel: str, frame: bytes) -> None:
        match acting.rule.action.partition(".")[2]:
            case "duplicate":
                for _ in range(acting.rule.values["n"]):
                    line.push(frame)
                self._after(line, channel)
            case "reorder":
                waiting = any(held[0] is line and held[1] == channel for held in acting.kept)
                if waiting:
                    line.push(frame)
                    self._after(line, channel)
                else:
                    _hold(acting, line, channel, frame)
            case "hold_and_burst":
                self._collect(acting, line, channel, frame)
            case "late":
                asyncio.get_running_loop().call_later(acting.rule.values["ms"] / 1000, line.push, frame)
            case "lose" | "silence" | "seq_gap" | "drop" | "stall":
                return

    def _collect(self, acting: Standing, line: Line, channel: str, frame: bytes) -> None:
        if not acting.kept and acting.rule.values["ms"]:
            loop = asyncio.get_running_loop()
            loop.call_later(acting.rule.values["ms"] / 1000, release, acting)
        _hold(acting, line, channel, frame)
        if len(acting.kept) >= acting.rule.values["n"]:
            release(acting)

    def _after(self, line: Line, channel: str) -> None:
        """What waited for the next frame of its channel follows it."""
        for one in self.desk.standing():
            if one.kept and one.rule.action in ("ws.reorder", "candle.reorder"):
                release(one, lambda held: held[0] is line and held[1] == channel)


def _scene(line: Line, channel: str, inst: str) -> Scene:
    insts = (inst,) if inst else ()
    return Scene(account=line.uid, channel=channel, pushed=True, endpoint=line.path, insts=insts)


def _hold(acting: Standing, line: Line, channel: str, frame: bytes) -> None:
    if len(acting.kept) < _HELD_MOST:
        acting.kept.append((line, channel, frame))


def release(acting: Standing, chosen: Callable[[tuple[Any, str, bytes]], bool] = lambda _: True) -> None:
    """Push what a rule holds back, in its order."""
    going = [held for held in acting.kept if chosen(held)]
    acting.kept = [held for held in acting.kept if not chosen(held)]
    for line, _, frame in going:
        line.push(frame)
