"""No part of a page is a window of its own, not even for a moment: a desktop would flash it at the screen's corner."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from gui.main_window import MainWindow
from tests.unit.gui.test_keyboard import DIALOGS, PAGES
from tests.window_kit import Desk, desk, open_window

__all__ = ["desk"]


class Watch(QObject):
    """Remembers every window that is shown and is neither the main window nor a dialog nor a menu."""

    def __init__(self) -> None:
        super().__init__()
        self.strays: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        shown = event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow()
        if shown and not isinstance(watched, MainWindow | QDialog | QMenu):
            self.strays.append(f"{type(watched).__name__} {watched.objectName()!r}")
        return False


@pytest.fixture
def watch(qapp: QApplication) -> Iterator[Watch]:
    made = Watch()
    qapp.installEventFilter(made)
    yield made
    qapp.removeEventFilter(made)


def test_building_every_page_and_dialog_shows_no_other_window(desk: Desk, watch: Watch) -> None:
    async def scene() -> None:
        window = await open_window(desk)
        for key in PAGES:
            window.go_to(key)
            await desk.idle()
        for make in DIALOGS.values():
            dialog = make(desk, window)
            dialog.open()
            await desk.idle()
            dialog.done(0)
        assert watch.strays == []

    desk.run(scene())
