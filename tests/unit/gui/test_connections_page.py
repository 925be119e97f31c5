"""The Connections page on the real program: what a person does, from the key press to the row in the database."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.connections.dialog import ConnectionDialog
from gui.connections.import_dialog import ImportDialog
from gui.connections.order_index import OrderIndex
from gui.connections.page import ConnectionsPage
from gui.widgets.dialogs import ConfirmDialog
from models.connection_row import ConnectionRow
from models.problem import Category, Problem
from tests.canary import make_canary
from tests.window_kit import Desk, desk

__all__ = ["desk"]

KEY, SECRET = "k" * 18, make_canary()[:36]


def names(page: ConnectionsPage) -> list[str]:
    return [page.model.row_at(place).name for place in range(page.model.rowCount())]


async def filled(desk: Desk, *wanted: str) -> ConnectionsPage:
    page = await desk.open(ConnectionsPage)
    for name in wanted:
        desk.core.connections.add({"name": name, "exchange": "bybit", "api_key": KEY, "api_secret": SECRET})
    await desk.until(lambda: len(names(page)) == len(wanted))
    return page


def shows(page: ConnectionsPage, word: str) -> bool:
    return page.detail._pills[0].text == word


async def new_form(desk: Desk, page: ConnectionsPage) -> ConnectionDialog:
    page.commands.new()
    return await desk.dialog(ConnectionDialog)


def test_an_empty_folder_says_how_to_begin(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(ConnectionsPage)
        await desk.until(lambda: page.empty.heading.text() == "No connections yet")
        assert str(desk.core.data_folder) in page.empty.text.text()
        assert page.empty.isVisible()

    desk.run(scene())


def test_a_new_connection_is_stored_listed_and_selected(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Gamma")
        form = await new_form(desk, page)
        form._account.name.setText("Beta")
        form._credentials._edits["api_key"].input.setText(f"  {KEY}\n")
        form._credentials._edits["api_secret"].input.setText(SECRET)
        form._notes.tags.setText("grid, main ,")
        form.activateWindow()
        await desk.until(form.isActiveWindow)
        QTest.keyClick(form, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await desk.until(lambda: names(page) == ["Alpha", "Beta", "Gamma"])
        stored = desk.core.connections.find("Beta")
        await desk.until(lambda: page.table.selected_ids() == (stored.id,))
        assert stored.tags == ("grid", "main")
        assert desk.core.connections.key_ending(stored.id) == KEY[-4:]

    desk.run(scene())


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk)
        form = await new_form(desk, page)
        form._account.name.setText("left\u202eright")
        form._notes.color.input.setText("reddish")
        form._credentials._edits["api_secret"].input.setText(SECRET)
        form._submit()
        await desk.until(lambda: form._account.fields["name"].error)
        assert "U+202E" in form._account.fields["name"].error
        assert form._notes.fields["color"].error
        assert form.isVisible()
        assert form._credentials._edits["api_secret"].input.text() == SECRET
        form._account.name.setText("fine")
        form._notes.color.input.setText("")
        await desk.until(form._save.isEnabled)
        form._submit()
        await desk.until(lambda: form._credentials.fields["api_key"].error)
        assert not form._account.fields["name"].error
        form._may_go = True
        form.reject()

    desk.run(scene())


def test_a_failing_store_keeps_the_form_open(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk)
        form = await new_form(desk, page)
        form._account.name.setText("Kept")
        desk.core.startup.close()
        form._submit()
        await desk.until(form._problem.isVisible)
        assert form._problem.text().startswith("Not saved.")
        assert form._account.name.text() == "Kept"
        assert form._save.isEnabled()
        form._may_go = True
        form.reject()

    desk.run(scene())


def test_an_edit_stores_what_was_changed_and_keeps_the_secrets(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        page.table.select_ids([page.model.row_at(0).id])
        page.table.edit_wanted.emit()
        form = await desk.dialog(ConnectionDialog)
        assert form.fields() == {}
        assert form._credentials._edits["api_key"]._state.text() == f"set, ends in {KEY[-4:]}"
        assert not form._credentials._edits["api_secret"].input.isVisible()
        form._trading.leverage.setValue(20)
        assert form.fields() == {"leverage_limit": 20}
        form._submit()
        await desk.until(lambda: page.model.row_at(0).revision == 2)
        stored = desk.core.connections.find("Alpha")
        assert (stored.leverage_limit, stored.api_secret_set) == (20, True)
        assert desk.core.connections.key_ending(stored.id) == KEY[-4:]

    desk.run(scene())


def test_swapped_credentials_are_pointed_out_before_saving(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk)
        form = await new_form(desk, page)
        form._credentials._edits["api_key"].input.setText(SECRET)
        form._credentials._edits["api_secret"].input.setText(KEY)
        await desk.until(form._credentials.advice.isVisible)
        assert "swapped" in form._credentials.advice.text()
        form._may_go = True
        form.reject()

    desk.run(scene())


def test_the_passphrase_is_asked_for_where_the_exchange_asks_for_it(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk)
        form = await new_form(desk, page)
        passphrase = form._credentials.fields["api_passphrase"]
        assert not passphrase.isVisible()
        form._account.exchange.setCurrentIndex(form._account.exchange.findData("okx"))
        form._account.exchange.chosen.emit("okx")
        assert passphrase.isVisible()
        assert form._account.environment.findData("testnet") < 0
        form._may_go = True
        form.reject()

    desk.run(scene())


def test_a_value_that_the_exchange_does_not_know_stays(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(ConnectionsPage)
        desk.core.connections.add({"name": "Odd", "exchange": "mexc", "environment": "demo"})
        await desk.until(lambda: page.model.rowCount() == 1)
        page.controller.edit(page.model.row_at(0).id)
        form = await desk.dialog(ConnectionDialog)
        assert form._account.environment.value() == "demo"
        assert form.fields() == {}
        form.reject()

    desk.run(scene())


def test_escape_asks_before_anything_typed_is_lost(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk)
        form = await new_form(desk, page)
        form._account.name.setText("x")
        assert "New connection" in page.unsaved()
        form.reject()
        question = await desk.dialog(ConfirmDialog)
        question.reject()
        assert form.isVisible()
        form.reject()
        (await desk.dialog(ConfirmDialog)).accept()
        await desk.until(lambda: not form.isVisible())
        assert page.unsaved() == ""

    desk.run(scene())


def test_delete_and_undo(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta", "Gamma")
        page.table.select_ids([page.model.row_at(1).id])
        page.activateWindow()
        page.table.setFocus()
        await desk.until(page.table.hasFocus)
        QTest.keyClick(page.table, Qt.Key.Key_Delete)
        await desk.until(lambda: names(page) == ["Alpha", "Gamma"])
        assert [page.model.row_at(1).id] == list(page.table.selected_ids())
        await desk.until(lambda: desk.said)
        action = desk.said[-1].action
        assert action is not None
        assert action[0] == "Undo"
        action[1]()
        await desk.until(lambda: names(page) == ["Alpha", "Beta", "Gamma"])

    desk.run(scene())


def test_several_at_once(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        page.table.selectAll()
        page.commands.toggle()
        await desk.until(lambda: not any(page.model.row_at(place).enabled for place in range(2)))
        page.commands.duplicate()
        await desk.until(lambda: names(page) == ["Alpha", "Alpha copy", "Beta", "Beta copy"])
        copies = {page.model.row_at(place).id for place in (1, 3)}
        await desk.until(lambda: set(page.table.selected_ids()) == copies)
        page.commands.delete()
        await desk.until(lambda: names(page) == ["Alpha", "Beta"])
        await desk.until(lambda: desk.said[-1].text == "Deleted 2 connections.")
        page.controller.actions.undo()
        await desk.until(lambda: len(names(page)) == 4)

    desk.run(scene())


def test_search_and_filters_narrow_and_are_cleared(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        QTest.keyClicks(page.search, "alp")
        assert names(page) == ["Alpha"]
        assert page.filters.count.text() == "1 of 2 connections"
        page.search.setText("nothing like it")
        assert page.empty.heading.text() == "No connection matches"
        page.filters.clear_button.click()
        assert names(page) == ["Alpha", "Beta"]
        page.filters.state.choose("disabled")
        assert names(page) == []
        page.control.clear()
        assert page.filters.count.text() == "2 connections"

    desk.run(scene())


def test_filters_are_kept_over_a_restart_but_not_the_search_nor_what_is_over_by_then(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        page.commands.enable(on=False)
        page.filters.state.choose("enabled")
        page.filters.exchange.choose("bybit")
        page.search.setText("alp")
        kept = page.state()
        again = ConnectionsPage(desk.shell)
        again.restore(kept)
        again.show_preview(OrderIndex(desk.core.connections.rows()))
        assert (again.filters.state.value, again.filters.exchange.value) == ("enabled", "bybit")
        assert (again.search.text(), names(again)) == ("", ["Alpha", "Beta"])
        assert again.filters.clear_button.isVisibleTo(again)
        page.filters.state.choose("conflict")
        assert page.state()["filters"] == {"exchange": "bybit"}
        odd: object
        for odd in ([], {"state": "no such", "exchange": 5, "tag": "x" * 10_000}, "text"):
            again = ConnectionsPage(desk.shell)
            again.restore({"filters": odd})
            assert again.filters.choices() == {"filters": {}}

    desk.run(scene())


def test_what_is_stored_shows_through_a_filter(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        page.search.setText("alpha")
        form = await new_form(desk, page)
        form._account.name.setText("Beta")
        form._submit()
        await desk.until(lambda: names(page) == ["Alpha", "Beta"])
        assert page.search.text() == ""

    desk.run(scene())


def test_the_preview_shows_before_the_store_and_gives_way_to_it(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        rows = list(page.model.index_of.rows)
        early = await desk.open(ConnectionsPage, started=False)
        early.show_preview(OrderIndex([rows[0]._replace(name="from the preview")]))
        assert names(early) == ["from the preview"]
        early.started()
        await desk.until(lambda: names(early) == ["Alpha"])

    desk.run(scene())


def test_what_is_wrong_has_the_keyboard(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        form = await new_form(desk, page)
        form.activateWindow()
        await desk.until(form.isActiveWindow)
        form._notes.tags.setFocus()
        QTest.keyClick(form, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        await desk.until(lambda: form._fields["name"].error and form._account.name.isEnabled())
        await desk.until(form._account.name.hasFocus)

    desk.run(scene())


def test_a_name_that_is_taken_is_said_at_the_name(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        form = await new_form(desk, page)
        form.activateWindow()
        await desk.until(form.isActiveWindow)
        form._account.name.setText("Alpha")
        form._notes.tags.setFocus()
        form._submit()
        await desk.until(lambda: "already named “Alpha”" in form._fields["name"].error)
        await desk.until(form._account.name.hasFocus)
        form.saved()

    desk.run(scene())


def test_after_a_refusal_without_a_field_the_keyboard_is_where_it_was(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        form = await new_form(desk, page)
        form.activateWindow()
        await desk.until(form.isActiveWindow)
        form._notes.tags.setFocus()
        form.set_busy(True)
        form.set_busy(False)
        assert form._notes.tags.hasFocus()

    desk.run(scene())


def test_the_list_has_the_keyboard_as_soon_as_there_is_one(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(ConnectionsPage)
        page.activateWindow()
        await desk.until(page.isActiveWindow)
        page.tools.new.setFocus()
        desk.core.connections.add({"name": "Alpha", "exchange": "bybit"})
        await desk.until(page.table.hasFocus)

    desk.run(scene())


def test_a_problem_stands_where_the_list_would(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(ConnectionsPage)
        await desk.until(page.empty.heading.text)
        page.show_problem(Problem(Category.CANT_OPEN, "cts.db is a folder.", "Move it away and start again."))
        assert page.empty.heading.text() == "cts.db is a folder."
        assert "Move it away" in page.empty.text.text()

    desk.run(scene())


def test_import_shows_what_it_would_do_first(desk: Desk, tmp_path: Path) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        source = tmp_path / "more.json"
        source.write_text('[{"name": "<b>Beta</b>", "exchange": "okx"}, {"name": "Odd", "exchange": "nowhere"}]')
        page.controller.transfers.preview_import([str(source)])
        dialog = await desk.dialog(ImportDialog)
        assert names(page) == ["Alpha"]
        assert dialog.model.rowCount() == 2
        # A sentence that does not fit its cell is read below the list.
        dialog.table.selectRow(1)
        assert dialog.whole.text() == dialog.model.items[1].sentence
        dialog.confirm.click()
        await desk.until(lambda: "<b>Beta</b>" in names(page))

    desk.run(scene())


def test_export_holds_no_secret(desk: Desk, tmp_path: Path) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        target = tmp_path / "out.json"
        page.controller.transfers.export(str(target), None)
        await desk.until(lambda: desk.said)
        text = target.read_text(encoding="utf-8")
        assert "Alpha" in text
        assert SECRET not in text

    desk.run(scene())


def test_the_detail_pane_shows_the_record_but_no_secret(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        page.table.select_ids([page.model.row_at(0).id])
        await desk.until(lambda: page.detail._values.value("API key") == f"set, ends in {KEY[-4:]}")
        assert page.detail._values.value("Secret") == "set, sealed"
        assert page.detail._values.value("Margin") == "cross, one-way mode"
        page.table.selectAll()
        assert page.detail._heading.text == "2 connections"

    desk.run(scene())


def test_what_is_selected_is_known_as_it_is_now(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        await desk.quiet()
        page.table.select_ids([page.model.row_at(0).id])
        for word in ("Disabled", "Enabled", "Disabled"):
            page.commands.toggle()
            await desk.until(partial(shows, page, word))
            assert desk.core.connections.find("Alpha").enabled is (word == "Enabled")
            assert page.detail._enable.isVisible() is (word == "Disabled")

    desk.run(scene())


def test_the_detail_pane_follows_a_list_that_is_read_anew(desk: Desk) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha", "Beta")
        page.table.select_ids([page.model.row_at(0).id])
        await desk.until(lambda: page.detail._values.value("Margin") == "cross, one-way mode")
        with closing(sqlite3.connect(desk.core.data_folder / "cts.db")) as database:
            # Not a column of the list, and not a higher revision: as after a conflict that was lost.
            database.execute("UPDATE exchange_connections SET margin_type = 'isolated' WHERE name = 'Alpha'")
            database.commit()
        page.reload()
        await desk.until(lambda: page.detail._values.value("Margin") == "isolated, one-way mode")
        assert page.table.selected_rows()[0].name == "Alpha"

    desk.run(scene())


def test_a_change_during_a_read_is_not_lost_to_the_older_list(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        page = await filled(desk, "Alpha")
        service, row_id = desk.core.connections, page.model.row_at(0).id
        read = service.rows

        def read_and_be_overtaken() -> list[ConnectionRow]:
            rows = read()
            service.edit(row_id, {"color": "#112233"})
            return rows

        monkeypatch.setattr(service, "rows", read_and_be_overtaken)
        page.reload()
        await desk.until(lambda: not desk.tasks.is_running("connections: list"))
        assert page.model.row_at(0).color == "#112233"

    desk.run(scene())
