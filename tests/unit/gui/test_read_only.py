"""The list over a store that can only be read: what is disabled, where it says why, and how it comes back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.connections.page import ConnectionsPage
from gui.connections.permission import Permission
from gui.widgets.buttons import Button
from main import Arguments, build_core
from models.event import StoreChanged
from models.problem import Category, Problem
from models.status import StoreState
from tests.window_kit import Desk, desk_on, open_window

OTHER = Problem(Category.DISK_FULL, "The disk is full.", "Free some space.")


def fill(folder: Path, *names: str) -> None:
    core = build_core(Arguments(str(folder)), patience=0.0)
    try:
        core.startup.run()
        for name in names:
            core.connections.add({"name": name, "exchange": "okx"})
    finally:
        core.startup.close()
        core.workers.close()
        core.log.close()


def make_newer(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "cts.db")) as database:
        database.execute(
            "INSERT INTO migrations (number, name, checksum, applied_at, milliseconds, program_version)"
            " VALUES (999, 'later', 'x', '2031-01-01T00:00:00Z', 1, '9.0.0')"
        )
        database.commit()


def changing(page: ConnectionsPage) -> list[Button]:
    detail = page.detail
    return [
        page.tools.new,
        page.tools.import_files,
        detail._edit,
        detail._duplicate,
        detail._enable,
        detail._disable,
        detail._delete,
    ]


async def blocked(desk: Desk) -> ConnectionsPage:
    page = await desk.open(ConnectionsPage)
    await desk.until(lambda: page.permission.reason, "read-only")
    assert desk.core.status.store().state is StoreState.READ_ONLY
    assert page.permission.line.isVisible()
    assert page.permission.line.text().startswith("Read-only: connections can be looked at, not changed. ")
    assert page.permission.line.text().endswith(page.permission.reason)
    for button in changing(page):
        assert not button.isEnabled()
        assert button.accessibleDescription() == page.permission.reason
    assert page.tools.export.isEnabled()
    return page


async def every_key_says_why(desk: Desk, page: ConnectionsPage) -> None:
    reason = page.permission.reason
    page.activateWindow()
    page.table.setFocus()
    keys = {shortcut.key().toString() for shortcut in page.findChildren(QShortcut)}
    wanted = {"Ctrl+N", "Ctrl+E", "Ctrl+D", "Ctrl+T", "Ctrl+Z", "Ctrl+O", "Del"}
    assert wanted <= keys
    for shortcut in page.findChildren(QShortcut):
        if shortcut.key().toString() in wanted:
            desk.said.clear()
            shortcut.activated.emit()
            await desk.until(lambda: desk.said, shortcut.key().toString())
            said = desk.said[-1]
            assert said.text.startswith("Read-only. ")
            assert f"{said.text} {said.solution}".endswith(reason)
    assert not page.commands._forms


def test_a_folder_of_a_newer_program_is_read_and_says_why(qapp: QApplication, tmp_path: Path) -> None:
    fill(tmp_path / "data", "Alpha", "Beta")
    make_newer(tmp_path / "data")
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await blocked(desk)
            assert "newer" in page.permission.reason
            await desk.until(lambda: page.model.rowCount() == 2)
            page.table.select_ids([page.model.row_at(0).id])
            await every_key_says_why(desk, page)
            QTest.keyClick(page.table, Qt.Key.Key_Return)
            await desk.idle()
            assert not page.commands._forms
            menu = page.commands.menu()
            assert not any(action.isEnabled() for action in menu.actions() if not action.isSeparator())
            menu.deleteLater()

        desk.run(scene())


def test_a_held_folder_comes_free_and_everything_is_enabled_at_once(qapp: QApplication, tmp_path: Path) -> None:
    fill(tmp_path / "data", "Alpha")
    holder = build_core(Arguments(str(tmp_path / "data")), patience=0.0)
    holder.startup.run()
    try:
        with desk_on(qapp, tmp_path / "data") as desk:

            async def scene() -> None:
                page = await blocked(desk)
                await desk.until(lambda: page.model.rowCount() == 1)
                page.table.select_ids([page.model.row_at(0).id])
                await every_key_says_why(desk, page)
                holder.startup.close()
                await desk.until(lambda: not page.permission.reason, "writable again")
                assert not page.permission.line.isVisible()
                assert all(button.isEnabled() for button in changing(page))
                assert page.tools.new.accessibleDescription() == "Ctrl+N"
                assert page.detail._reason.text() == ""
                page.commands.toggle()
                alpha = page.model.row_at(0).id
                await desk.until(lambda: not desk.core.connections.get(alpha).enabled)

            desk.run(scene())
    finally:
        holder.startup.close()
        holder.workers.close()
        holder.log.close()


def test_an_empty_list_offers_nothing_that_cannot_be_done(qapp: QApplication, tmp_path: Path) -> None:
    fill(tmp_path / "data")
    make_newer(tmp_path / "data")
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await blocked(desk)
            await desk.until(lambda: page.empty.heading.text() == "No connections yet")
            offered = page.empty.findChildren(Button)
            assert offered
            assert not any(button.isEnabled() for button in offered)

        desk.run(scene())


def test_why_nothing_can_be_changed_is_said_once(qapp: QApplication, tmp_path: Path) -> None:
    fill(tmp_path / "data", "Alpha")
    make_newer(tmp_path / "data")
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            page = window.page("connections")
            assert isinstance(page, ConnectionsPage)
            await desk.until(page.permission.line.isVisible)
            start = desk.core.startup
            assert start.store.problem in start.problems
            window.announcer.tell_all((*start.problems, OTHER), start.store)
            await desk.until(lambda: window._bar.current is not None)
            told = [message.text for message in (window._bar.current, *window._bar._queue) if message is not None]
            assert told == [OTHER.text]

        desk.run(scene())


def test_a_temporary_folder_is_recommended_to_nobody(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await desk.open(ConnectionsPage)
            await desk.until(lambda: "CTS v3.1" in page.empty.text.text())
            assert str(desk.core.data_folder) in page.empty.text.text()
            status = await desk.tasks.read(desk.core.status.store)
            desk.bridge.store_changed.emit(StoreChanged(status._replace(temporary=True)))
            await desk.until(lambda: "temporary" in page.empty.text.text())
            assert str(desk.core.data_folder) not in page.empty.text.text()
            assert "--data-dir" in page.empty.text.text()

        desk.run(scene())


def test_permission_is_given_where_the_store_takes_changes(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await desk.open(ConnectionsPage)
            await desk.until(lambda: not page.empty.loading)
            assert isinstance(page.permission, Permission)
            assert page.permission.allowed()
            assert page.tools.new.isEnabled()
            assert not desk.said

        desk.run(scene())
