"""The window over a real server that goes away and comes back: nothing blocks, nothing is lost, all of it is said."""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from gui.connections.dialog import ConnectionDialog
from gui.connections.order_index import Filters
from gui.connections.page import ConnectionsPage
from gui.connections.table_model import COLUMNS
from gui.database.page import DatabasePage
from gui.main_window import MainWindow
from models.change import Choice
from models.status import StoreState
from tests.bare_postgres import BareServer
from tests.cheap_passphrases import make_cheap
from tests.window_kit import Desk, desk_on, open_window

NAME_COLUMN = [column.key for column in COLUMNS].index("name")
SLOWEST_TURN = 1.5
"""Seconds. A blocked loop would stand for the connect deadline, four seconds; a busy machine may take a moment."""


@pytest.fixture
def server() -> Iterator[BareServer]:
    made = BareServer()
    try:
        made.start()
        yield made
    finally:
        made.destroy()


@pytest.fixture(autouse=True)
def _shared(monkeypatch: pytest.MonkeyPatch, server: BareServer, tmp_path: Path) -> None:
    make_cheap(monkeypatch)
    words = tmp_path / "passphrase"
    words.write_text("four words are better", encoding="utf-8")
    words.chmod(0o600)
    monkeypatch.setenv("CTS_PASSPHRASE_FILE", str(words))
    monkeypatch.setenv("DATABASE_URL", server.url())


def list_page(window: MainWindow) -> ConnectionsPage:
    page = window.page("connections")
    assert isinstance(page, ConnectionsPage)
    return page


def database_page(window: MainWindow) -> DatabasePage:
    page = window.page("database")
    assert isinstance(page, DatabasePage)
    return page


def change_by_others(server: BareServer, name: str, **values: object) -> None:
    told = ", ".join(f"{field} = '{value}'" for field, value in values.items())
    server.sql(f"UPDATE exchange_connections SET {told}, revision = revision + 1 WHERE name = '{name}'")


async def in_background(desk: Desk, call: Callable[[], object]) -> None:
    await asyncio.wrap_future(desk.core.workers.write(call))


async def come_back_in_conflict(desk: Desk, window: MainWindow, server: BareServer, alpha: str) -> None:
    core, page, shown, bar = desk.core, list_page(window), database_page(window), window.status
    server.start()
    change_by_others(server, "Alpha", note="theirs", color="#445566")
    bar.store.retry_wanted.emit()
    await desk.until(lambda: bar.store.text().startswith("●  PostgreSQL"), "online again")
    await desk.until(lambda: bar.counts["conflicts"].text() == "2 conflicts")
    await desk.until(lambda: window._bar.current is not None and "is back" in window._bar.current.text)
    said = window._bar.current
    assert said is not None
    assert "2 conflicts wait for your choice." in said.text
    bar.counts["conflicts"].click()
    await desk.until(lambda: shown.changes.conflicts.view.model.rowCount() == 2)
    for row, one in enumerate(shown.changes.conflicts.view.model.items):
        shown.changes.conflicts.view._choose(row, Choice.MINE if one.fields == ("note",) else Choice.THEIRS)
    shown.changes.conflicts.apply.click()
    await desk.until(lambda: not bar.counts["conflicts"].isVisible())
    # What is settled needs no dismissing.
    asked = [message for message in (window._bar.current, *window._bar._queue) if message is not None]
    assert not any("for your choice" in message.text for message in asked)
    await desk.until(lambda: not page.model.index_of.marks)
    found = core.connections.get(alpha)
    assert (found.note, found.color) == ("mine", "#445566")


def test_a_server_goes_and_comes_back_with_another_change(
    qapp: QApplication, tmp_path: Path, server: BareServer
) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            core, page, bar = desk.core, list_page(window), window.status
            await desk.until(lambda: core.status.store().state is StoreState.ONLINE)
            for name in ("Alpha", "Beta"):
                await in_background(desk, partial(core.connections.add, {"name": name, "exchange": "okx"}))
            await desk.until(lambda: page.model.rowCount() == 2)
            assert bar.store.text().startswith("●  PostgreSQL · postgres@127.0.0.1")
            server.stop("immediate")

            alpha = core.connections.find("Alpha").id
            await in_background(desk, lambda: core.connections.edit(alpha, {"note": "mine", "color": "#112233"}))
            await desk.until(lambda: "next try in" in bar.store.text() or "trying now" in bar.store.text())
            assert bar.store.text().startswith("▲  JSON files, database away")
            await desk.until(lambda: bar.counts["waiting"].text() == "1 waiting")
            await desk.until(lambda: page.model.index_of.marks)
            cell = page.model.index(page.model.places([alpha])[0], NAME_COLUMN)
            assert cell.data(Qt.ItemDataRole.AccessibleTextRole).startswith("Alpha. Waits for the database.")
            assert "Changed: " in cell.data(Qt.ItemDataRole.ToolTipRole)
            page.grab()
            page.table.select_ids([alpha])
            assert page.detail._mark.text().startswith("Waits for the database. Changed: ")
            page.model.narrow(Filters(state="waiting"))
            assert [page.model.row_at(row).name for row in range(page.model.rowCount())] == ["Alpha"]
            page.model.narrow(Filters())

            page.detail._look.click()
            shown = database_page(window)
            assert shown.tabs.current == "waiting"
            await desk.until(lambda: shown.changes.waiting.model.rowCount() == 1)
            # Another thread reads it: it may come behind the list.
            await desk.until(lambda: shown.card.pill.text == "! Fallback")
            message = window._bar.current
            assert message is not None
            assert "Work goes on" in message.text

            await come_back_in_conflict(desk, window, server, alpha)

        desk.run(scene())


def test_a_save_that_comes_too_late_asks_inside_its_form(
    qapp: QApplication, tmp_path: Path, server: BareServer
) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await desk.open(ConnectionsPage)
            core = desk.core
            await desk.until(lambda: core.status.store().state is StoreState.ONLINE)
            row = core.connections.add({"name": "Alpha", "exchange": "bybit"}).row
            await desk.until(lambda: page.model.rowCount() == 1)
            page.table.select_ids([row.id])
            page.table.edit_wanted.emit()
            form = await desk.dialog(ConnectionDialog)
            form._notes.note.setPlainText("typed here")
            form._trading.leverage.setValue(7)
            form._notes.tags.setText("one, two")
            change_by_others(server, "Alpha", note="typed there", leverage_limit=20, color="#445566")
            form._submit()
            await desk.until(lambda: form._conflicts is not None)
            panel = form._conflicts
            assert panel is not None
            assert form._notes.note.toPlainText() == "typed here"
            assert not form._save.isEnabled()
            fields = [one.fields for one in panel.view.model.items]
            assert sorted(fields) == [("leverage_limit",), ("note",)]
            form.grab()
            panel.view._choose(fields.index(("note",)), Choice.MINE)
            panel.view._choose(fields.index(("leverage_limit",)), Choice.THEIRS)
            await desk.until(form._save.isEnabled)
            closed: list[int] = []
            form.finished.connect(closed.append)
            form._submit()
            await desk.until(lambda: closed)
            stored = core.connections.get(row.id)
            assert (stored.note, stored.leverage_limit, stored.color) == ("typed here", 20, "#445566")
            assert stored.tags == ("one", "two")

        desk.run(scene())


def test_a_frozen_server_blocks_nothing(qapp: QApplication, tmp_path: Path, server: BareServer) -> None:
    """The list is there from the files, the loop goes on turning, and closing takes less than three seconds."""
    with desk_on(qapp, tmp_path / "data") as before:
        before.core.startup.run()
        before.core.connections.add({"name": "Alpha", "exchange": "bybit"})
    server.freeze()
    try:
        with desk_on(qapp, tmp_path / "data") as desk:

            async def scene() -> None:
                turns = asyncio.ensure_future(longest_turn())
                window = await open_window(desk)
                page = list_page(window)
                await desk.until(lambda: page.model.rowCount() == 1)
                row = page.model.row_at(0).id
                await in_background(desk, lambda: desk.core.connections.edit(row, {"note": "meanwhile"}))
                await desk.until(lambda: "database away" in window.status.store.text())
                window.go_to("database/health")
                window.go_to("settings")
                window.go_to("connections")
                await desk.until(lambda: page.model.index_of.marks)
                await desk.until(lambda: "does not answer" in window.status.store.toolTip(), "the cause")
                turns.cancel()
                assert await turns < SLOWEST_TURN
                begun = time.monotonic()
                await asyncio.wrap_future(desk.core.workers.write(desk.core.startup.close))
                assert time.monotonic() - begun < 3.0

            desk.run(scene())
    finally:
        server.thaw()


def test_another_database_is_asked_about_and_both_answers_hold(
    qapp: QApplication, tmp_path: Path, server: BareServer
) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            core, page = desk.core, database_page(window)
            await desk.until(lambda: core.status.store().state is StoreState.ONLINE)
            row = core.connections.add({"name": "Alpha", "exchange": "bybit"}).row
            await asyncio.sleep(0.5)
            server.stop("immediate")
            await in_background(desk, lambda: core.connections.edit(row.id, {"note": "waits"}))
            server.start()
            server.sql("UPDATE store_identity SET database_id = gen_random_uuid()::text")
            window.go_to("database")
            window.status.store.retry_wanted.emit()
            await desk.until(page.changes.fence.isVisible, "the question")
            assert "another database" in page.changes.fence.text.text()
            assert core.status.store().waiting == 1
            page.grab()
            page.changes.fence.keep.click()
            await desk.until(lambda: window.page("settings").isVisible())
            assert core.status.store().waiting == 1
            page.changes.fence.send.click()
            await desk.until(lambda: core.status.store().state is StoreState.ONLINE, "sent")
            await desk.until(page.changes.fence.isHidden)
            assert core.connections.get(row.id).note == "waits"

        desk.run(scene())


def test_the_health_of_a_server(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            window.go_to("database/health")
            health = database_page(window).changes.health
            await desk.until(lambda: health.value("Role") == "Primary")
            assert health.value("Connections").endswith("of 40 used by everybody")
            assert health.value("Mirror") == "✓ Up to date"
            await desk.until(lambda: len(health.plot._samples) > 1, "a second look")
            health.grab()

        desk.run(scene())


async def longest_turn() -> float:
    """Return the longest time between two turns of the loop, once cancelled."""
    longest, last = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest
