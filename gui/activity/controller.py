"""Brings the log's lines to the page in batches: whoever logs never waits for a table."""

from collections import deque
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal

from gui.activity.log_model import LIMIT, LogModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.core import Core
    from services.log import LogLine

_TICK: Final = 100
_BATCH: Final = 500
"""Lines taken per tick, so that a flood keeps every tick short."""


class LogController(QObject):
    """`appended` comes after each batch; `waiting_changed` carries how many lines wait while it is paused.

    Lines are moved only while the page is looked at (`watch`) and not paused; meanwhile they wait in a ring.
    """

    appended = Signal()
    waiting_changed = Signal(int)

    def __init__(self, model: LogModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._arrived: deque[LogLine] = deque(maxlen=LIMIT)
        self._stop: Callable[[], None] | None = None
        self._watched = False
        self.waiting = 0
        self.paused = False
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self.take)
        # A page that is dropped without a word must not be called by the log any more.
        self.destroyed.connect(self.detach)

    def attach(self, core: "Core") -> None:
        self._arrived.extend(core.log.lines())
        self._stop = core.log.subscribe(self._arrived.append)
        # What was logged between the two calls came twice or not at all: the model drops what it knows.
        self._arrived.extend(core.log.lines(self._arrived[-1].number if self._arrived else 0))
        self.take()

    def detach(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    def watch(self, *, on: bool) -> None:
        """Move lines while the page is visible."""
        self._watched = on
        if on:
            self.take()
            self._timer.start()
        else:
            self._timer.stop()

    def pause(self, *, on: bool) -> None:
        self.paused = on
        self.take()

    def take(self) -> None:
        """Move what has arrived into the model, or count it while paused."""
        if self.paused:
            self._say_waiting(len(self._arrived))
            return
        self._say_waiting(0)
        batch = [self._arrived.popleft() for _ in range(min(len(self._arrived), _BATCH))]
        if batch:
            self._model.append(batch)
            self.appended.emit()

    def _say_waiting(self, count: int) -> None:
        if count != self.waiting:
            self.waiting = count
            self.waiting_changed.emit(count)
