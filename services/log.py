"""Everything the program says about its own work, in one place: the last lines in memory, all of them on disk.

Errors that nobody caught, on any thread, and Python's warnings come here too. Every line is redacted once, before
either of the two sees it.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, TracebackType
from typing import Any, Final, NamedTuple

from models.problem import Category, Problem
from services.log_file import LogFile
from services.redaction import RedactingFormatter, redact

LINES_KEPT: Final = 2_000
FILE_NAME: Final = "cts.log"
_OURS: Final = frozenset({"__main__", "main", "gui", "services", "storage", "exchanges", "models", "cts"})

_log = logging.getLogger("cts")


class LogLine(NamedTuple):
    """One line as it is shown. `stamp` is UTC in ISO 8601; `text` may span lines where it holds a traceback."""

    number: int
    stamp: str
    level: str
    source: str
    text: str


Listener = Callable[[LogLine], None]


class LogView(logging.Handler):
    """The program's only log handler. `problem` says why the lines stay in memory, or is None."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Problem | None = None
        self._lines: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._number = 0
        self._listeners: list[Listener] = []
        self._file: LogFile | None = None
        self._in_file = 0
        self._undo: list[Callable[[], None]] = []
        self.setFormatter(RedactingFormatter("%(message)s"))

    def install(self, level: str = "INFO") -> None:
        """Take over the root logger and the hooks for errors that nobody caught. Lines wait for `set_up`."""
        if self._undo:
            return
        root = logging.getLogger()
        previous = root.level
        root.addHandler(self)
        self._undo += [lambda: root.setLevel(previous), lambda: root.removeHandler(self)]
        self.set_level(level)
        logging.captureWarnings(capture=True)
        self._undo.append(lambda: logging.captureWarnings(capture=False))
        self._take_hooks()

    def set_up(self, folder: Path) -> None:
        """Write to `folder`/cts.log from now on, first what was said before. Never raises: see `problem`."""
        self.install()
        with self._guard():
            if self._file is not None:
                self._file.close()
            self._file = LogFile(folder / FILE_NAME)
            self._write_what_waits()

    def lines(self, after: int = 0) -> list[LogLine]:
        """Return the kept lines whose number is above `after`, oldest first."""
        with self._guard():
            return [line for line in self._lines if line.number > after]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every new line, on the thread that logs; returns the way to stop it."""
        with self._guard():
            self._listeners.append(listener)
        return lambda: self._unsubscribe(listener)

    def set_level(self, level: str) -> None:
        """Keep lines from `level` up. Below INFO only our own: drivers write values from records there."""
        logging.getLogger().setLevel(level)

    def close(self) -> None:
        """Give back the hooks and the root logger, and close the file. The lines stay readable."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()
        with self._guard():
            if self._file is not None:
                self._file.close()
                self._file = None
        super().close()

    # logging.Handler calls these; nothing here may raise or log.
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.INFO and record.name.partition(".")[0] not in _OURS:
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a wrong format argument must not stop what logs; its values stay out
            text = f"A log line of {record.name} could not be written ({Path(record.pathname).name}:{record.lineno})."
        self._append(record.created, record.levelname, redact(record.name), text)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: the standard one prints the arguments in clear to standard error."""

    def _append(self, created: float, level: str, source: str, text: str) -> None:
        with self._guard():
            self._number += 1
            line = LogLine(self._number, _stamp(created), level, source, text)
            self._lines.append(line)
            self._write_what_waits()
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(line)
            except Exception:  # noqa: BLE001, S112 - logging it would call it again
                continue

    def _write_what_waits(self) -> None:
        if self._file is None or self._in_file == self._number:
            return
        try:
            for line in self._lines if self._in_file < self._number - 1 else [self._lines[-1]]:
                if line.number > self._in_file:
                    self._file.write(_as_text(line))
                    self._in_file = line.number
        except OSError as error:
            self._say_once(error)
        else:
            self.problem = None

    def _say_once(self, error: OSError) -> None:
        if self.problem is not None or self._file is None:
            return
        self.problem = Problem(
            Category.IO,
            f"The log file {self._file.path} cannot be written ({error.strerror or error}).",
            "Free space or mend the permissions; until then the log stays in memory.",
        )
        self._number += 1
        text = f"{self.problem.text} {self.problem.solution}"
        self._lines.append(LogLine(self._number, _stamp(time.time()), "WARNING", __name__, text))

    def _unsubscribe(self, listener: Listener) -> None:
        with self._guard():
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _guard(self) -> Any:
        """Return the handler's re-entrant lock; logging always makes one, its types say it may be None."""
        return self.lock

    def _take_hooks(self) -> None:
        self._replace_hook(sys, "excepthook", self._uncaught)
        self._replace_hook(threading, "excepthook", self._uncaught_in_thread)
        self._replace_hook(sys, "unraisablehook", self._unraisable)

    def _replace_hook(self, module: Any, name: str, hook: Callable[..., None]) -> None:
        previous = getattr(module, name)
        setattr(module, name, hook)
        self._undo.append(lambda: setattr(module, name, previous))

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self._log_uncaught("An error that nobody caught", kind, error, trace)
        _print_redacted(f"A bug: {kind.__name__} (see the log).")

    def _uncaught_in_thread(self, hook: threading.ExceptHookArgs) -> None:
        if hook.exc_value is not None and not issubclass(hook.exc_type, SystemExit):
            name = hook.thread.name if hook.thread else "a thread"
            self._log_uncaught(
                f"An error that nobody caught in {name}", hook.exc_type, hook.exc_value, hook.exc_traceback
            )

    def _unraisable(self, hook: "sys.UnraisableHookArgs") -> None:
        # The object's repr may hold anything, and it is half gone already: its name is enough.
        name = hook.object.__qualname__ if isinstance(hook.object, FunctionType) else type(hook.object).__name__
        where = f"{hook.err_msg or 'An error while cleaning up'}: {name}"
        error = hook.exc_value or hook.exc_type()
        self._log_uncaught(where, hook.exc_type, error, hook.exc_traceback)

    @staticmethod
    def _log_uncaught(what: str, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.critical("%s", what, exc_info=(kind, error, trace))


def _print_redacted(text: str) -> None:
    # A windowed program on Windows has no standard error.
    if sys.stderr is not None:
        sys.stderr.write(redact(text) + "\n")


def _stamp(created: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    return f"{whole}.{int(created % 1 * 1000):03d}Z"


def _as_text(line: LogLine) -> str:
    # Further lines are set in, so that a name with a line end cannot forge an entry.
    text = line.text.replace("\r", "\\r").replace("\n", "\n    ")
    return f"{line.stamp} {line.level:<8} {line.source}: {text}"
