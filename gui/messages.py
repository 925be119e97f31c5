"""The one way to say something to the person: waits until a window listens, takes words from any thread."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QObject, Qt, Signal, Slot

from models.problem import Category, Problem

Action = tuple[str, Callable[[], object]]
"""A button's text and what it does."""


class Message(NamedTuple):
    """What the message bar shows. `level` is info, ok, warning or error; `detail` goes to the tooltip and the copy."""

    level: str
    text: str
    solution: str = ""
    detail: str = ""
    action: Action | None = None


class Messages(QObject):
    """`arrived` hands every Message to the message bar on the GUI's thread, once and in order."""

    arrived = Signal(object)
    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Message] = []
        self._listening = False
        self._posted.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def listen(self, show: Callable[[Message], object]) -> None:
        """Show every message with `show` from now on, first what waited."""
        self.arrived.connect(show)
        self._listening = True
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self.arrived.emit(message)

    def say(
        self, text: str, *, level: str = "info", solution: str = "", detail: str = "", action: Action | None = None
    ) -> None:
        self._posted.emit(Message(level, text, solution, detail, action))

    def problem(self, problem: Problem, *, level: str = "error", action: Action | None = None) -> None:
        """Say what happened and what to do."""
        detail = " ".join(part for part in (problem.category.value, problem.detail) if part)
        self._posted.emit(Message(level, problem.text, problem.solution, detail, action))

    @Slot(object)
    def _take(self, message: Message) -> None:
        if self._listening:
            self.arrived.emit(message)
        else:
            self._waiting.append(message)


def bug(error: BaseException) -> Problem:
    """Describe an error that nobody foresaw; the traceback is in the log, which redacts it."""
    return Problem(
        Category.BUG,
        "Something in the program failed; what you did last may not have happened.",
        "Go on working; Activity shows the details, which a bug report needs.",
        type(error).__name__,
    )
