"""A change that the database refused is tried again by its form, and forgotten once that is stored."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from gui.connections.dialog import ConnectionDialog
from gui.connections.page import ConnectionsPage
from gui.database.page import DatabasePage
from gui.main_window import MainWindow
from models.problem import Category, Problem
from tests.window_kit import Desk, desk_on, open_window

REFUSED = Problem(Category.CONSTRAINT, "The database does not take this note.", "Write another one.")


def refuse_what_waits(desk: Desk) -> None:
    records = desk.core.startup._store._journal.records
    for operation in records.waiting():
        records.reject(operation, REFUSED)


def pages_of(window: MainWindow) -> tuple[ConnectionsPage, DatabasePage]:
    list_page, database_page = window.page("connections"), window.page("database")
    assert isinstance(list_page, ConnectionsPage)
    assert isinstance(database_page, DatabasePage)
    return list_page, database_page


async def form_of_refused(desk: Desk, window: MainWindow) -> ConnectionDialog:
    _list, database = pages_of(window)
    window.go_to("database/rejected")
    window._reload()
    await desk.until(database.changes.rejected.model.rowCount)
    assert database.changes.rejected.edit.isVisibleTo(database.changes.rejected)
    database.changes.rejected.edit.click()
    return await desk.dialog(ConnectionDialog)


@pytest.fixture(autouse=True)
def _on_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_FILE_STORAGE", "true")


def test_a_refused_new_connection_comes_back_as_a_form(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            fields = {"name": "Lost", "exchange": "okx", "environment": "demo", "note": "bad", "tags": ["a", "b"]}
            secrets = {"api_key": "k" * 18, "api_secret": "s" * 36, "api_passphrase": "p" * 9}
            desk.core.connections.add({**fields, **secrets, "color": "#2b9348", "leverage_limit": 7})
            refuse_what_waits(desk)
            (refused,) = desk.core.changes.all().rejected
            assert [refused.values[name] for name in secrets] == ["set"] * 3
            form = await form_of_refused(desk, window)
            assert form.windowTitle() == "New connection"
            values = form.fields()
            assert {name: values[name] for name in fields} == fields
            assert (values["color"], values["leverage_limit"]) == ("#2b9348", 7)
            assert not secrets.keys() & values.keys()
            assert "Type it again" in form._credentials._edits["api_secret"].input.accessibleDescription()
            assert form._problem.text().startswith("Refused before: The database does not take this note.")
            form._notes.note.setPlainText("good")
            form._submit()
            await desk.until(lambda: not desk.core.changes.all().rejected)
            assert desk.core.connections.find("Lost").note == "good"

        desk.run(scene())


def test_a_refused_edit_is_filled_in_and_stays_until_it_is_saved(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            window = await open_window(desk)
            kept = desk.core.connections.add({"name": "Kept", "exchange": "bybit"}).row.id
            records = desk.core.startup._store._journal.records
            (first,) = records.waiting()
            records.settle(first, desk.core.connections.get(kept))
            desk.core.connections.edit(kept, {"note": "bad", "live_trade": True})
            refuse_what_waits(desk)
            form = await form_of_refused(desk, window)
            assert form.windowTitle() == "Edit Kept"
            assert form.fields() == {"note": "bad", "live_trade": True}
            form._may_go = True
            form.reject()
            assert len(desk.core.changes.all().rejected) == 1
            form = await form_of_refused(desk, window)
            form._notes.note.setPlainText("good")
            form._submit()
            await desk.until(lambda: not desk.core.changes.all().rejected)
            assert desk.core.connections.get(kept).note == "good"
            assert desk.core.connections.get(kept).live_trade

        desk.run(scene())
