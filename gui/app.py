"""Runs the window: paints first, then imports what fills it, then reads the list, then builds the program behind it.

The order is the point. Importing what paints the list takes longer than a bare window takes to be mapped, and importing
asyncio, qasync and the services as long again: each is imported on a thread while the window is there already.
"""

import gc
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from gui.ending import end_with
from gui.frame import TITLE, Frame

if TYPE_CHECKING:
    from gui.connections.order_index import OrderIndex
    from gui.program import Program
    from gui.shell import Page, PageSpec, Shell
    from models.connection_row import ConnectionRow
    from models.settings import Settings
    from services.core import Core

_GROUNDS = {False: "#ffffff", True: "#11141a"}
_MIDDLE_GREY = 128
_NEVER = 1 << 30


def run(
    make_core: "Callable[[], Core]",
    preview: "Callable[[], list[ConnectionRow]]",
    look: "Callable[[], Settings] | None" = None,
    glance: "Callable[[], str] | None" = None,
) -> int:
    """Show the window until it is closed; returns the exit code.

    `make_core` builds the services, `preview` reads the list and `look` the settings without them; all run on a thread
    and may fail. `glance` gives the theme that is chosen, or ""; the empty window waits for it.
    """
    # Python does not look through everything for garbage whenever much is new: with 100,000 rows that takes it a tenth
    # of a second, in which nothing is answered. The Program does it, when nobody looks.
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)
    # Named here: setStyle() would give the style back, and PySide then sets up 566 names of it before the first row.
    app = QApplication([*sys.argv[:1], "-style", "fusion"])
    app.setApplicationName("cts-connections")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("cts-connections")
    app.setQuitOnLastWindowClosed(False)
    frame = Frame(_GROUNDS[_is_dark(app, glance() if glance is not None else "")])
    start = _Start(app, frame)
    frame.show()
    start.begin(make_core, preview, look)
    return start.run()


class _Start(QObject):
    """Imports what fills the window on a thread, then hands over to the Program."""

    _imported = Signal()
    _failed = Signal(object)

    def __init__(self, app: QApplication, frame: Frame) -> None:
        super().__init__()
        self._app, self._frame = app, frame
        self._settings: Settings | None = None
        self._program: Program | None = None
        self._error: BaseException | None = None
        self._importer = threading.Thread()
        self._index: OrderIndex | None = None
        frame.may_close = self._leave
        self._imported.connect(self._fill)
        self._failed.connect(self._fail)

    def begin(
        self,
        make_core: "Callable[[], Core]",
        preview: "Callable[[], list[ConnectionRow]]",
        look: "Callable[[], Settings] | None",
    ) -> None:
        self._make_core, self._preview, self._look = make_core, preview, look
        self._importer = threading.Thread(target=self._import, name="importer", daemon=True)
        self._importer.start()

    def run(self) -> int:
        code = self._app.exec()
        if self._error is not None:
            raise self._error
        if self._program is not None:
            return self._program.run(code)
        end_with(self._importer, code)
        return code

    def _import(self) -> None:
        """Read the list, then import what shows it: both are there when the GUI's thread comes to build it."""
        from gui.connections.order_index import OrderIndex

        try:
            self._settings = self._look() if self._look is not None else None
            self._index = OrderIndex(self._preview())
        except Exception:  # noqa: BLE001 - the list comes again with the store, and with it the reason
            self._index = OrderIndex()
        try:
            import gui.connections.page
            import gui.program  # noqa: F401 - both are only imported here, so that the GUI's thread finds them ready
        except BaseException as error:  # noqa: BLE001 - the window has nothing yet to show it with: run() raises it
            self._failed.emit(error)
        else:
            self._imported.emit()

    def _fill(self) -> None:
        from gui.program import Program
        from models.settings import Settings

        self._program = Program(self._app, self._frame, pages(), self._settings or Settings())
        index, self._index = self._index, None
        self._program.begin(self._make_core, index)

    def _fail(self, error: BaseException) -> None:
        self._error = error
        self._app.exit(1)

    def _leave(self) -> bool:
        """Let the window go before there is anything to close."""
        self._app.exit(0)
        return True


def pages() -> "Sequence[PageSpec]":
    """Return the pages of the rail, in its order. Each imports its own code when it is built."""
    from gui.shell import PageSpec

    return (
        PageSpec("connections", "Connections", _connections),
        PageSpec("database", "Database", _database),
        PageSpec("activity", "Activity", _activity),
        PageSpec("settings", "Settings", _settings),
    )


def _connections(shell: "Shell") -> "Page":
    from gui.connections.page import ConnectionsPage

    return ConnectionsPage(shell)


def _database(shell: "Shell") -> "Page":
    from gui.database.page import DatabasePage

    return DatabasePage(shell)


def _activity(shell: "Shell") -> "Page":
    from gui.activity.page import ActivityPage

    return ActivityPage(shell)


def _settings(shell: "Shell") -> "Page":
    from gui.settings.page import SettingsPage

    return SettingsPage(shell)


def _is_dark(app: QApplication, theme: str) -> bool:
    """Tell the ground's colour by the system's palette: asking for the colour scheme would import far more."""
    if theme:
        return theme == "dark"
    return app.palette().window().color().lightness() < _MIDDLE_GREY
