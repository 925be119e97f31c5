"""The program behind the window: built on a thread after the first paint, closed in time when the window goes."""

import contextlib
import gc
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from gui.ending import end_with, leave_now
from gui.frame import Frame
from gui.main_window import MainWindow
from gui.messages import Messages, bug
from gui.shell import PageSpec
from gui.tasks import Tasks
from gui.theme import Theme
from models.problem import CtsError, Problem
from models.settings import Settings

if TYPE_CHECKING:
    from gui.connections.order_index import OrderIndex
    from gui.connections.page import ConnectionsPage
    from services.core import Core

QUIT_MILLISECONDS = 2_000
"""How long the store may take to close: the window is gone at once, the process after this at the latest."""

_PATIENCE = 1.0
_SWEEP_MILLISECONDS = 600_000
_PUT_OFF_AT_MOST = 5


class Program(QObject):
    """Runs Qt's loop twice: alone until the list is painted and asyncio is imported, then under qasync until the end.

    So no asyncio is needed to paint, no loop is ever nested, and asyncio's loop is closed in the way it documents.
    """

    _imported = Signal()
    _built = Signal(object)
    _failed = Signal(object)
    _closed = Signal()

    def __init__(self, app: QApplication, frame: Frame, specs: Sequence[PageSpec], settings: Settings) -> None:
        super().__init__()
        self._app, self._frame, self._settings = app, frame, settings
        self._theme = Theme(app, settings.theme, settings.density, sheet=False)
        self._messages = Messages()
        self._tasks = Tasks(self._messages)
        self._window = MainWindow(self._theme, self._messages, self._tasks, specs)
        self._list_painted = threading.Event()
        self._builder = threading.Thread()
        self._core: Core | None = None
        self._leaving = False
        self._stuck = False
        self._deadline = QTimer(self)
        self._deadline.setSingleShot(True)
        self._deadline.setInterval(QUIT_MILLISECONDS)
        self._deadline.timeout.connect(self._give_up)
        self._sweep = QTimer(self)
        self._sweep.setInterval(_SWEEP_MILLISECONDS)
        self._sweep.timeout.connect(self._collect_everything)
        self._put_off = 0
        self._imported.connect(self._leave_first_loop)
        self._built.connect(self._attach)
        self._failed.connect(self._show_failure)
        self._closed.connect(app.quit)
        self._window.leaving.connect(self._leave)
        frame.may_close = self._window.may_close

    def begin(self, make_core: "Callable[[], Core]", index: "OrderIndex | None") -> None:
        """Show the list as it was read before the store is open; behind it, build the program on a thread."""
        # Built first, then styled, then put into the window: each widget is styled and laid out once.
        self._window.open_first()
        if index is not None:
            self._list_page().show_preview(index)
        self._theme.set_sheet()
        self._frame.fill(self._window)
        self._window.restore(self._settings.window)
        if self._frame.early:
            from gui.early_keys import press

            press(self._frame.early, self._window)
        # Two turns of the loop: one to paint the rows, one to come back.
        QTimer.singleShot(0, self, lambda: QTimer.singleShot(0, self, self._list_painted.set))
        self._builder = threading.Thread(target=self._build, args=(make_core,), name="builder", daemon=True)
        self._builder.start()

    def run(self, code: int) -> int:
        """Go on after the first loop, which ended with `code`, until the window is closed; returns the exit code."""
        if not self._leaving:
            code = self._run_with_asyncio()
        if self._stuck:
            leave_now(code)
        end_with(self._builder, code)
        return code

    def _run_with_asyncio(self) -> int:
        import qasync

        loop = qasync.QEventLoop(self._app)
        try:
            return int(loop.run_forever())
        finally:
            loop.close()

    def _build(self, make_core: "Callable[[], Core]") -> None:
        """The builder thread: each result goes to the GUI's thread by a signal."""
        try:
            # asyncio waits until the list is on the screen; a window that nobody sees paints nothing.
            self._list_painted.wait(_PATIENCE)
            import qasync  # noqa: F401 - imported here so that the GUI's thread finds it ready

            self._imported.emit()
            self._built.emit(make_core())
        except BaseException as error:  # noqa: BLE001 - the boundary of this thread: the window shows it
            self._failed.emit(error)

    def _leave_first_loop(self) -> None:
        if not self._leaving:
            self._app.exit(0)

    def _attach(self, core: "Core") -> None:
        if self._leaving:
            return
        from gui.icon import program_icon
        from gui.qt_messages import QtMessages

        self._app.setWindowIcon(program_icon())
        self._core = core
        sys.setswitchinterval(SWITCH_SECONDS)
        self._hook_exceptions()
        QtMessages().install()
        self._tasks.attach(core.workers)
        self._window.attach(core)
        self._tasks.start("startup", self._start_up(core))

    async def _start_up(self, core: "Core") -> None:
        await self._tasks.write(core.startup.run)
        settings = core.settings.current
        self._theme.choose(settings.theme, settings.density)
        self._window.settle()
        self._collect_again()
        self._window.announcer.tell_all(core.startup.problems, core.startup.store)

    def _show_failure(self, error: BaseException) -> None:
        self._collect_again()
        problem = error.problem if isinstance(error, CtsError) else bug(error)
        self._messages.problem(problem)
        self._list_page().show_problem(problem)

    def _collect_again(self) -> None:
        """End the start's rest from collecting garbage; what was imported until now is never looked at again."""
        gc.freeze()
        gc.enable()
        self._sweep.start()

    def _collect_everything(self) -> None:
        """Look through all there is, when nobody looks at the window; after an hour in any case.

        Here, because garbage may be a widget, and never by count: with 100,000 rows it takes a tenth of a second.
        """
        if self._app.applicationState() == Qt.ApplicationState.ApplicationActive and self._put_off < _PUT_OFF_AT_MOST:
            self._put_off += 1
            return
        self._put_off = 0
        gc.collect()

    def _leave(self) -> None:
        """Close the store behind the window that is gone; the deadline ends it whatever happens."""
        if self._leaving:
            return
        self._leaving = True
        self._deadline.start()
        self._tasks.cancel_all()
        self._window.bridge.detach()
        core = self._core
        if core is None:
            self._app.quit()
            return
        window = self._window.state()
        closing = core.workers.write(_close, core, window)
        closing.add_done_callback(lambda _done: self._closed.emit())

    def _give_up(self) -> None:
        self._stuck = True
        self._app.exit(0)

    def _list_page(self) -> "ConnectionsPage":
        from gui.connections.page import ConnectionsPage

        page = self._window.page("connections")
        assert isinstance(page, ConnectionsPage)
        return page

    def _hook_exceptions(self) -> None:
        """Show what escapes from a slot or a thread; the log's own hook, called first, has written it down."""
        log_it, log_thread = sys.excepthook, threading.excepthook

        def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            log_it(kind, error, trace)
            if isinstance(error, Exception):
                self._messages.problem(_problem_of(error))

        def show_thread(args: threading.ExceptHookArgs) -> None:
            log_thread(args)
            if isinstance(args.exc_value, Exception):
                self._messages.problem(_problem_of(args.exc_value))

        sys.excepthook, threading.excepthook = show, show_thread


SWITCH_SECONDS = 0.0005
"""How long a worker may compute before the window's thread gets its turn: Python's own 5 ms come many times a paint."""


def _problem_of(error: Exception) -> Problem:
    return error.problem if isinstance(error, CtsError) else bug(error)


def _close(core: "Core", window: dict[str, Any]) -> None:
    """Keep the window's layout and close the store, on the writer, after every write before it."""
    if window and window != core.settings.current.window:
        # A layout that cannot be kept is not worth a word at the end.
        with contextlib.suppress(CtsError):
            core.settings.change(window=window)
    core.startup.close()
