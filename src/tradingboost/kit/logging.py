"""Logging: one JSON object a line, {timestamp, level, service, logger, message, ...}, without secrets.

Modules say `log = structlog.get_logger(__name__)` and `log.info("order_placed", order_id=...)`: a short event name and
facts. `context(request_id=..., run_id=...)` adds facts to every line written inside the block, by every module.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import orjson
import structlog

from tradingboost.core.errors import TradingBoostError
from tradingboost.kit.redact import Redactor
from tradingboost.kit.settings import LogSettings

Event = MutableMapping[str, Any]
_FIRST = ("timestamp", "level", "service", "logger", "message")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_LOUD = ("uvicorn", "asyncio", "aiohttp", "ccxt", "alembic", "sqlalchemy", "grpc", "numba", "faker")
_redactor = Redactor()


def configure(service: str, settings: LogSettings | None = None, stream: TextIO | None = None) -> None:
    """Set up logging for the process; called once, by the entry.

    Args:
        service: written into every line.
        stream: where to write; default is `settings.file`, else standard error.
    """
    settings = settings or LogSettings()
    if stream is None:
        stream = settings.file.open("a", encoding="utf-8") if settings.file else sys.stderr
    sink = _Sink(stream)
    level = _LEVELS[settings.level]
    render = _console(stream) if settings.format == "console" else [_as_json]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _Named(service),
            _tell_exception,
            _redact,
            _order,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=sink.logger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    root.setLevel(level)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    _listen_for_crashes()


def _listen_for_crashes() -> None:
    """What nobody caught is told as a line, too: Python's own last words know nothing of secrets.

    Whoever put a hook of their own there keeps it.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = lambda _, error, __: _last_words(error)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _last_words(told.exc_value)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: _last_words(told.exc_value)


def _last_words(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt):
        structlog.get_logger(__name__).critical("nobody_caught_this", exc_info=error)


def context(**facts: object) -> AbstractContextManager[None]:
    """Add facts (`request_id`, `user_id`, `order_id`, `run_id`, `trace_id`) to all lines of the block."""
    return structlog.contextvars.bound_contextvars(**facts)


def register_secret(secret: str, *, passing: bool = False) -> None:
    """Hide this value wherever it turns up in a line, in plain or encoded.

    Args:
        passing: one of many, such as a person's key; the newest of these are known, and push out none of our own.
    """
    _redactor.register(secret, passing=passing)


def redact(text: str) -> str:
    """The text as it may be shown to a person or written into a row."""
    return _redactor.text(text)


def redacted(value: object) -> object:
    """A nested value as it may be written down."""
    return _redactor.value(value)


class _Line:
    """What structlog writes to: one logger name, one shared sink."""

    def __init__(self, sink: "_Sink", name: str) -> None:
        self._sink = sink
        self.name = name

    def msg(self, line: str | bytes) -> None:
        self._sink.write(line.decode() if isinstance(line, bytes) else line)

    debug = info = warning = error = critical = exception = log = fatal = msg


class _Sink:
    """A full disk or a closed pipe costs lines, never an order; the next line that goes through tells how many."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._lost = 0

    def logger(self, name: str = "", *_: object) -> _Line:
        return _Line(self, name)

    def write(self, line: str) -> None:
        with self._lock:
            told = f'{line}\n{{"level": "error", "message": "log_lines_lost", "lines": {self._lost}}}\n'
            try:
                self._stream.write(told if self._lost else line + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: the stream is closed
                self._lost += 1
            else:
                self._lost = 0


class _Named:
    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, logger: Any, _: str, event: Event) -> Event:
        event["message"] = event.pop("event")
        event.setdefault("logger", getattr(logger, "name", ""))
        event["service"] = self._service
        return event


def _tell_exception(_: Any, __: str, event: Event) -> Event:
    """The exception as facts: our code and details, and where it came from; never the values of local variables."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if not isinstance(error, BaseException):
        return event
    told: dict[str, object] = {"type": type(error).__name__, "text": str(error)[:2000]}
    if isinstance(error, TradingBoostError):
        told |= {"code": error.code, "details": error.details}
    told["trace"] = "".join(traceback.format_exception(error))[-6000:]
    event["exception"] = told
    return event


def _redact(_: Any, __: str, event: Event) -> Event:
    return {name: _redactor.value(value, name) for name, value in event.items()}


def _order(_: Any, __: str, event: Event) -> Event:
    return {name: event.pop(name, "") for name in _FIRST} | dict(event)


def _console(stream: TextIO) -> list[structlog.typing.Processor]:
    """Lines for people; in colours only where there is a terminal to show them."""
    return [_plain_exception, structlog.dev.ConsoleRenderer(event_key="message", colors=stream.isatty())]


def _plain_exception(_: Any, __: str, event: Event) -> Event:
    """The renderer takes an exception only as text: facts would make the very line fail that tells of a failure."""
    told = event.get("exception")
    if isinstance(told, dict):
        event["exception"] = str(told["trace"]).rstrip()
    return event


def _as_json(_: Any, __: str, event: Event) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


class _Bridge(logging.Handler):
    """Lines of libraries, which use the standard module, take the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min((number for number in _LEVELS.values() if number >= record.levelno), default=logging.CRITICAL)
        structlog.get_logger(record.name).log(level, record.getMessage(), exc_info=record.exc_info)
