"""Keys that come before the store is open, or before the window is filled: they act as soon as they can."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.app import pages
from gui.connections.dialog import ConnectionDialog
from gui.connections.order_index import OrderIndex
from gui.connections.page import ConnectionsPage
from gui.early_keys import press
from gui.frame import Frame
from gui.main_window import MainWindow
from tests.window_kit import Desk, desk

__all__ = ["desk"]


def names(page: ConnectionsPage) -> list[str]:
    return [page.model.row_at(place).name for place in range(page.model.rowCount())]


async def stored(desk: Desk, *names: str) -> None:
    await desk.start()
    for name in names:
        desk.core.connections.add({"name": name, "exchange": "bybit"})


def test_a_form_that_is_asked_for_before_the_store_is_open_opens_then(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(ConnectionsPage, started=False)
        page.activateWindow()
        await desk.until(page.isActiveWindow)
        QTest.keyClick(page, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        await desk.idle()
        await desk.start()
        page.started()
        await desk.dialog(ConnectionDialog)

    desk.run(scene())


def test_what_is_done_to_a_selection_before_the_store_is_open_is_done_to_that_selection(desk: Desk) -> None:
    async def scene() -> None:
        await stored(desk, "Alpha", "Beta")
        page = await desk.open(ConnectionsPage, started=False)
        page.show_preview(OrderIndex(desk.core.connections.rows()))
        page.table.select_ids([page.model.row_at(0).id])
        page.commands.toggle()
        page.table.select_ids([page.model.row_at(1).id])
        page.started()
        await desk.until(lambda: [row.enabled for row in desk.core.connections.rows()].count(False) == 1)
        off = next(row for row in desk.core.connections.rows() if not row.enabled)
        assert off.name == "Alpha"

    desk.run(scene())


def test_a_search_typed_before_the_list_is_there_narrows_it(desk: Desk) -> None:
    async def scene() -> None:
        await stored(desk, "Alpha", "Beta")
        page = await desk.open(ConnectionsPage, started=False)
        assert page.search.isEnabled()
        QTest.keyClicks(page.search, "bet")
        page.started()
        await desk.until(lambda: names(page) == ["Beta"])

    desk.run(scene())


def test_keys_pressed_on_the_empty_frame_act_once_it_is_filled(desk: Desk) -> None:
    async def scene() -> None:
        desk.bridge.detach()
        desk.messages.arrived.disconnect()
        await stored(desk, "Alpha", "Beta")
        frame = Frame("#ffffff")
        # It outlives this scene, as what is under way still speaks to what fills it.
        desk.on_close.append(frame.hide)
        frame.show()
        frame.activateWindow()
        await desk.until(frame.isActiveWindow)
        control = Qt.KeyboardModifier.ControlModifier
        QTest.keyClick(frame, Qt.Key.Key_F, control)
        QTest.keyClicks(frame, "bet")
        window = MainWindow(desk.theme, desk.messages, desk.tasks, pages())
        desk.on_close.append(window.bridge.detach)
        window.open_first()
        frame.fill(window)
        press(frame.early, window)
        page = window.page("connections")
        assert isinstance(page, ConnectionsPage)
        assert page.search.text() == "bet"
        window.attach(desk.core)
        window.settle()
        await desk.until(lambda: names(page) == ["Beta"])
        taken = len(frame.early)
        later = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_X, Qt.KeyboardModifier.NoModifier, "x")
        QApplication.sendEvent(frame, later)
        assert len(frame.early) == taken

    desk.run(scene())
