"""Runs the window: paints first, then reads the list, then builds the program behind it.

The order is the point: importing asyncio, qasync and the services takes longer than everything that the first paint
needs, so they are imported on a thread while the window already shows its rows.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from gui.main_window import TITLE, MainWindow
from gui.messages import Messages
from gui.program import Program
from gui.shell import Page, PageSpec, Shell
from gui.tasks import Tasks
from gui.theme import Theme
from models.connection_row import ConnectionRow
from models.settings import Settings

if TYPE_CHECKING:
    from services.core import Core


def run(
    make_core: "Callable[[], Core]",
    preview: Callable[[], list[ConnectionRow]],
    look: Callable[[], Settings] | None = None,
) -> int:
    """Show the window until it is closed; returns the exit code.

    `make_core` builds the services and `preview` reads the list without them; both run on a thread and may fail.
    `look` gives the settings that the first paint needs; it must be quick.
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("cts-connections")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("cts-connections")
    app.setQuitOnLastWindowClosed(False)
    settings = look() if look is not None else Settings()
    theme = Theme(app, settings.theme, settings.density)
    messages = Messages()
    tasks = Tasks(messages)
    window = MainWindow(theme, messages, tasks, pages())
    window.restore(settings.window)
    program = Program(app, window, theme, tasks, messages)
    window.painted.connect(lambda: program.begin(make_core, preview))
    window.show()
    return program.run()


def pages() -> Sequence[PageSpec]:
    """Return the pages of the rail, in its order. Each imports its own code when it is built."""
    return (
        PageSpec("connections", "Connections", _connections),
        PageSpec("database", "Database", _database),
        PageSpec("activity", "Activity", _activity),
        PageSpec("settings", "Settings", _settings),
    )


def _connections(shell: Shell) -> Page:
    from gui.connections.page import ConnectionsPage

    return ConnectionsPage(shell)


def _database(shell: Shell) -> Page:
    from gui.database.page import DatabasePage

    return DatabasePage(shell)


def _activity(shell: Shell) -> Page:
    from gui.activity.page import ActivityPage

    return ActivityPage(shell)


def _settings(shell: Shell) -> Page:
    from gui.settings.page import SettingsPage

    return SettingsPage(shell)
