"""One call of one verb: its common options, its settings, and the one place where it speaks."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tradingboost.cli.exits import DONE, Failure
from tradingboost.core.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from tradingboost.app.settings import Settings

T = TypeVar("T")
_NARROWEST = 80
_WIDEST = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb says when it has done its work.

    Args:
        data: the `data` of the JSON object.
        show: draws the same for a person.
        told: the verb has said it already (those that run until they are stopped).
    """

    data: Any = None
    show: "Callable[[Console], None] | None" = None
    exit_code: int = DONE
    told: bool = False


@dataclass
class Session:
    """One call of one verb.

    Args:
        json: one object on standard output, everything else on standard error.
        verbose: 0 short, 1 with the log, 2 with all of it.
    """

    verb: str
    json: bool = False
    data_dir: Path | None = None
    env_file: Path | None = None
    verbose: int = 0
    warnings: list[str] = field(default_factory=list)
    _spoken: bool = False

    @property
    def out(self) -> "Console":
        """Where results go."""
        return _console(sys.stdout)

    @property
    def err(self) -> "Console":
        """Where progress and troubles go."""
        return _console(sys.stderr)

    def say(self, text: str) -> None:
        """One line about how it goes."""
        self.err.print(text, highlight=False)

    def progress(self, text: str) -> "Status":
        """A spinner beside a text while a block runs; only on a terminal."""
        return self.err.status(f"[dim]{text}[/]")

    def warn(self, text: str) -> None:
        """Something worth knowing that does not stop the verb."""
        self.warnings.append(text)
        if not self.json:
            self.err.print(f"[yellow]note[/] {text}", highlight=False)

    def environment(self) -> dict[str, str]:
        """The variables settings are read from: the `.env` file below, the process's own above.

        Raises:
            InvalidInput: the named file does not exist.
        """
        from tradingboost.kit import compile_cache
        from tradingboost.kit.environment import env_file

        compile_cache.prepare(compile_cache.default_cache_dir())  # every verb passes here before anything imports numba
        if self.env_file is not None and not self.env_file.is_file():
            raise InvalidInput("env_file_missing", f"The settings file {self.env_file} does not exist; check the path.")
        return {**env_file(self.env_file or Path(".env")), **os.environ}

    def settings(self, *, serving: bool = False) -> "Settings":
        """Load the settings, and set up logging by them.

        Args:
            serving: the verb runs until it is stopped, so its log is what one reads.
        """
        from tradingboost.app.settings import ALIASES, Settings
        from tradingboost.kit import environment, logging
        from tradingboost.kit.core_dumps import forbid_core_dumps

        forbid_core_dumps()  # keys are typed, sealed, migrated and opened below various verbs
        variables = self.environment()
        overrides: dict[str, object] = {}
        if self.data_dir is not None:
            overrides["embedded.data_dir"] = self.data_dir.expanduser().absolute()
        if "TB_LOG__FORMAT" not in variables and (sys.stderr.isatty() or not serving):
            overrides["log.format"] = "console"
        if self.verbose:
            overrides["log.level"] = "info" if self.verbose == 1 else "debug"
        elif "TB_LOG__LEVEL" not in variables and not serving:
            overrides["log.level"] = "error"
        loaded = environment.load(Settings, variables, overrides, ALIASES)
        logging.configure(f"tradingboost-{self.verb.replace(' ', '-')}", loaded.log)
        return loaded

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine to its end and give back what it returned."""
        from tradingboost.kit.runtime import run

        kept: list[T] = []

        async def keep() -> None:
            kept.append(await work())

        run(keep)
        return kept[0]

    def tell(self, answer: Answer) -> None:
        """Say the answer: one JSON object, or the drawing for a person."""
        if self.json:
            self._write(answer.exit_code == DONE, answer.data, None)
        elif answer.show is not None:
            answer.show(self.out)

    def fail(self, failure: Failure) -> None:
        """Say what went wrong: one sentence, or the JSON object when none was written yet."""
        from tradingboost.kit.logging import redact, redacted

        message = redact(failure.message)
        if self.json and not self._spoken:
            error = {"code": failure.code, "message": message, "details": redacted(failure.details)}
            self._write(False, None, error)
        elif message:
            from rich.text import Text

            self.err.print(Text.assemble((f"{self.verb}: ", "bold red"), message), soft_wrap=True)

    def _write(self, ok: bool, data: Any, error: dict[str, Any] | None) -> None:
        import msgspec

        body: dict[str, Any] = {"ok": ok, "verb": self.verb, "data": data, "warnings": self.warnings}
        if error is not None:
            body["error"] = error
        self._spoken = True
        sys.stdout.write(msgspec.json.encode(body, enc_hook=str).decode() + "\n")
        sys.stdout.flush()


def _console(file: Any) -> "Console":
    """A console of a readable width; a pipe gets the widest."""
    from rich.console import Console

    plain = Console(file=file)
    width = plain.width if plain.is_terminal else _WIDEST
    return Console(file=file, width=max(_NARROWEST, min(width, _WIDEST)), height=plain.height, highlight=False)
