"""Everything by keyboard: each control can be reached, has a name to be read out, and shows that it has the focus."""

import asyncio
import importlib
import pkgutil
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QDialog, QFileDialog, QWidget

import gui
from gui.app import pages
from gui.connections.dialog import ConnectionDialog
from gui.connections.import_dialog import ImportDialog
from gui.connections.page import ConnectionsPage
from gui.database.baseline_dialog import BaselineDialog
from gui.database.rehearsal_dialog import RehearsalDialog
from gui.main_window import MainWindow
from gui.settings.move_dialog import MoveDialog
from gui.settings.vault_dialogs import (
    FirstSecretDialog,
    PassphraseDialog,
    RecoveryKeyDialog,
    RotationDialog,
    UnlockDialog,
)
from gui.shortcuts import ShortcutsDialog
from gui.widgets.dialogs import ConfirmDialog
from models.connection import AccountType, Connection, Environment
from models.database_form import DatabaseForm
from models.secret import Secret
from models.status import ImportItem
from tests.window_kit import Desk, desk

__all__ = ["desk"]

PAGES = ("connections", "database", "activity", "settings")
Making = Callable[[Desk, MainWindow], QDialog]
DIALOGS: dict[type[QDialog], Making] = {
    ConnectionDialog: lambda _desk, window: ConnectionDialog(
        Connection(
            id="x",
            name="One",
            exchange="okx",
            account_type=AccountType.SPOT,
            environment=Environment.LIVE,
            api_key=Secret("k"),
        ),
        "5678",
        window,
    ),
    ImportDialog: lambda desk, window: ImportDialog(
        desk.theme, [ImportItem("a.json", "One", "okx", "add", "It is new.")], window
    ),
    BaselineDialog: lambda desk, window: BaselineDialog(desk.core.migrations.items(), window),
    RehearsalDialog: lambda desk, window: RehearsalDialog(desk.theme, desk.core.migrations.rehearse(), window),
    MoveDialog: lambda desk, window: MoveDialog(window.shell, desk.core, DatabaseForm(), window),
    PassphraseDialog: lambda _desk, window: PassphraseDialog(window),
    FirstSecretDialog: lambda _desk, window: FirstSecretDialog(window),
    UnlockDialog: lambda _desk, window: UnlockDialog(window),
    RotationDialog: lambda _desk, window: RotationDialog(needs_passphrase=True, parent=window),
    RecoveryKeyDialog: lambda _desk, window: RecoveryKeyDialog(Secret("abcd-efgh"), window),
    ShortcutsDialog: lambda _desk, window: ShortcutsDialog(window),
    ConfirmDialog: lambda _desk, window: ConfirmDialog("Sure?", "It cannot be undone.", confirm="Yes", parent=window),
}


@pytest.fixture
def window(desk: Desk) -> Iterator[MainWindow]:
    made = MainWindow(desk.theme, desk.messages, desk.tasks, pages())
    made.resize(1280, 800)
    made.show()
    yield made
    made.bridge.detach()


async def start(desk: Desk, window: MainWindow) -> None:
    desk.bridge.detach()
    window.open_first()
    window.attach(desk.core)
    await desk.start()
    for number in range(40):
        desk.core.connections.add({"name": f"Key {number:02}", "exchange": "bybit", "tags": ["one", "two"]})
    for key in reversed(PAGES):
        window.go_to(key)
    window.settle()
    window.activateWindow()
    await desk.until(window.isActiveWindow)
    page = window.page("connections")
    assert isinstance(page, ConnectionsPage)
    await desk.until(lambda: page.model.rowCount() == 40)
    await desk.idle()


def reachable(top: QWidget) -> list[QWidget]:
    """Return what Tab comes to, as Qt goes there."""
    found = []
    for widget in top.findChildren(QWidget):
        wanted = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
        if wanted and widget.isVisible() and widget.isEnabled() and widget.window() is top.window():
            found.append(widget)
    return found


def name_of(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.accessibleName()!r} in {type(widget.parent()).__name__}"


def is_passive(widget: QWidget) -> bool:
    """Tell whether there is nothing to mark: a list without rows."""
    return isinstance(widget, QAbstractItemView) and not widget.model().rowCount()


async def is_marked(widget: QWidget) -> bool:
    """Tell whether a person sees that this widget has the focus: it is painted otherwise."""

    async def picture() -> QImage:
        # The loop's own turn: a nested one would wake tasks in the middle of this one, which they do not survive.
        await asyncio.sleep(0)
        return widget.grab().toImage()

    widget.clearFocus()
    before = await picture()
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.sendEvent(widget, QFocusEvent(QFocusEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    return await picture() != before


def all_dialogs() -> set[type[QDialog]]:
    """Return every dialog that the window's package defines, and that is no mere base of others."""
    for module in pkgutil.walk_packages(gui.__path__, "gui."):
        importlib.import_module(module.name)
    found, open_ = set(), [QDialog]
    while open_:
        for kind in open_.pop().__subclasses__():
            open_.append(kind)
            if kind.__module__.startswith("gui.") and not kind.__subclasses__():
                found.add(kind)
    return found


async def check(top: QWidget) -> None:
    nameless = [name_of(widget) for widget in reachable(top) if not widget.accessibleName()]
    unmarked = [
        name_of(widget)
        for widget in reachable(top)
        if not is_passive(widget) and widget.isVisible() and not await is_marked(widget)
    ]
    assert (nameless, unmarked) == ([], [])


def test_every_control_of_every_page_has_a_name_and_shows_the_focus(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        await start(desk, window)
        seen = 0
        for key in PAGES:
            window.go_to(key)
            await desk.quiet()
            seen += len(reachable(window))
            await check(window)
        assert seen > 60

    desk.run(scene())


def test_every_dialog_is_known_here() -> None:
    assert all_dialogs() - set(DIALOGS) == set()


@pytest.mark.parametrize("kind", DIALOGS)
def test_every_control_of_every_dialog_has_a_name_and_shows_the_focus(
    desk: Desk, window: MainWindow, kind: type[QDialog]
) -> None:
    async def scene() -> None:
        await start(desk, window)
        dialog = DIALOGS[kind](desk, window)
        dialog.open()
        await desk.quiet()
        assert dialog.accessibleName() or dialog.windowTitle()
        assert reachable(dialog)
        await check(dialog)
        dialog.done(0)

    desk.run(scene())


def test_the_shortcuts_of_a_page_hold_wherever_the_focus_is_in_the_window(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        await start(desk, window)
        page = window.page("connections")
        assert isinstance(page, ConnectionsPage)
        window.go_to("connections")
        outside = [widget for widget in reachable(window) if not page.isAncestorOf(widget)]
        assert len(outside) >= 4
        for widget in outside:
            widget.setFocus()
            QTest.keyClick(widget, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
            assert window.focusWidget() is page.search, name_of(widget)
        outside[0].setFocus()
        QTest.keyClick(outside[0], Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        (await desk.dialog(ConnectionDialog)).done(0)
        window.go_to("settings")
        QTest.keyClick(outside[0], Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        await desk.idle()
        assert not [
            top for top in QApplication.topLevelWidgets() if isinstance(top, ConnectionDialog) and top.isVisible()
        ]

    desk.run(scene())


def test_a_page_that_is_gone_to_by_key_takes_the_focus(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        await start(desk, window)
        for number, key in enumerate(PAGES, 1):
            QTest.keyClick(window, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
            await desk.idle()
            focus = window.focusWidget()
            assert focus is not None
            assert window.page(key).isAncestorOf(focus), name_of(focus)
        QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
        page = window.page("connections")
        assert isinstance(page, ConnectionsPage)
        assert page.table.hasFocus()

    desk.run(scene())


def test_the_list_fits_the_usual_widths_and_keeps_its_row_in_sight(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        await start(desk, window)
        page = window.page("connections")
        assert isinstance(page, ConnectionsPage)
        window.go_to("connections")
        for width in (1008, 1280, 1366, 1440, 1920):
            window.resize(width, 800)
            await asyncio.sleep(0.05)
            assert page.table.verticalScrollBar().maximum() > 0
            assert page.table.horizontalScrollBar().maximum() == 0, width
        page.table.select_ids([page.model.row_at(39).id])
        for _ in range(2):
            desk.messages.say("A line that takes room from the list.")
            await desk.idle()
            place = page.table.visualRect(page.table.currentIndex())
            assert page.table.viewport().rect().contains(place.center())

    desk.run(scene())


def test_no_file_dialog_of_qt_is_left_open() -> None:
    assert not [top for top in QApplication.topLevelWidgets() if isinstance(top, QFileDialog) and top.isVisible()]
