"""The Database page over a real store: what it shows, what it does, and why it cannot."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from gui.database.baseline_dialog import BaselineDialog
from gui.database.page import DatabasePage
from gui.database.rehearsal_dialog import RehearsalDialog, headline, row_lines
from gui.widgets.dialogs import ConfirmDialog
from models.problem import Category, Problem
from models.status import MigrationState, Rehearsal
from tests.window_kit import Desk, desk, desk_on  # noqa: F401 - desk is a fixture


def forget_migrations(data: Path, *numbers: int) -> None:
    """Take migrations out of the ledger, as if an older program had made this folder."""
    with closing(sqlite3.connect(data / "cts.db")) as connection, connection:
        marks = ", ".join("?" * len(numbers))
        connection.execute(f"DELETE FROM migrations WHERE number IN ({marks})", numbers)


def test_before_and_after_the_start(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage, started=False)
        await desk.idle()
        assert page.card.pill.text == "… Opening"
        assert not page.migrations.apply.isEnabled()
        assert page.migrations.reason.text() == "The store is still opening."
        assert page.backups.reason.text() == "The store is still opening."
        badges: list[str] = []
        page.badge.connect(badges.append)
        await desk.start()
        page.started()
        await desk.until(lambda: page.migrations.model.rowCount() and page.card.pill.text == "✓ Online")
        count = page.migrations.model.rowCount()
        assert badges[-1] == f"{count}/{count}"
        assert page.migrations.summary.text() == f"{count} of {count} applied"
        assert page.card.value("Integrity") == "✓ No damage found"
        assert page.card.value("Journal") == "DELETE"
        assert str(desk.core.data_folder / "cts.db") == page.card.path.label.text()
        assert page.take_over.isHidden()
        await desk.until(lambda: page.backups.empty.text().startswith("No backup yet."))

    desk.run(scene())


def test_the_sql_of_the_selected_migration(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.migrations.model.rowCount)
        page.migrations.table.selectRow(page.migrations.model.row_of(36))
        await desk.until(lambda: "base_pseudo_positions" in page.migrations.sql.toPlainText())
        assert page.migrations.sql.isReadOnly()
        assert page.migrations.sentence.text().startswith("036 create_optimal_indication_tables: It is applied.")
        page.migrations.table.selectRow(page.migrations.model.row_of(71))
        await desk.until(lambda: "symbol_processing_queue" in page.migrations.sql.toPlainText())

    desk.run(scene())


def test_a_backup_by_hand_is_listed_and_restored(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.backups.make.isEnabled)
        page.backups.make.click()
        await desk.until(lambda: len(desk.core.backups.list()) == 1 and page.backups.empty.isHidden())
        kept = desk.core.connections.add({"name": "Later", "exchange": "mexc"}).row
        assert [row.id for row in desk.core.connections.rows()] == [kept.id]
        # While another action ends, the buttons are disabled, and a wish would be dropped.
        await desk.until(lambda: not page.controller.busy)
        page.backups.restore_wanted.emit(desk.core.backups.list()[0])
        question = await desk.dialog(ConfirmDialog)
        assert question.focusWidget() is question.cancel
        question.confirm.click()
        await desk.until(lambda: not page.controller.busy)
        assert desk.core.connections.rows() == []
        assert any((desk.core.data_folder / "quarantine").iterdir())

    desk.run(scene())


def test_records_that_were_kept_aside_are_brought_back_with_one_button(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.backups.make.isEnabled)
        lost = desk.core.connections.add({"name": "Lost", "exchange": "mexc"}).row
        data = desk.core.data_folder
        kept = data / "quarantine" / "20260101T000000Z-connections"
        kept.mkdir()
        shutil.copy(data / "connections" / f"{lost.id}.json", kept)
        with closing(sqlite3.connect(data / "cts.db")) as database, database:
            database.execute("DELETE FROM exchange_connections")
        page.reload()
        await desk.until(lambda: "Bring back…" in [each.text() for each in page.backups.findChildren(QPushButton)])
        assert desk.core.connections.rows() == []
        (button,) = [each for each in page.backups.findChildren(QPushButton) if each.text() == "Bring back…"]
        button.click()
        question = await desk.dialog(ConfirmDialog)
        question.confirm.click()
        await desk.until(lambda: [row.name for row in desk.core.connections.rows()] == ["Lost"])
        await desk.until(lambda: "Bring back…" not in [each.text() for each in page.backups.findChildren(QPushButton)])

    desk.run(scene())


def test_check_now_reads_the_file_and_says_so(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.card.check.isEnabled)
        page.card.check.click()
        assert page.migrations.reason.text() == "The database is being checked for damage."
        assert not page.card.check.isEnabled()
        await desk.until(lambda: not page.controller.busy)
        await desk.until(lambda: any("no damage found" in message.text for message in desk.said))

    desk.run(scene())


def test_rehearse_baseline_and_apply_what_is_pending(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.migrations.model.rowCount)
        forget_migrations(desk.core.data_folder, 82, 83)
        page.reload()
        await desk.until(page.migrations.rehearse.isEnabled)
        last = page.migrations.model.row_of(83)
        # Newer ones are applied, so these two wait for a person.
        waits = {MigrationState.PENDING, MigrationState.OUT_OF_ORDER}
        assert page.migrations.model.items[last].state in waits
        page.migrations.rehearse.click()
        rehearsal = await desk.dialog(RehearsalDialog)
        assert rehearsal.list.count() == 2
        assert "Nothing was written." in rehearsal.text.text()
        rehearsal.close_button.click()
        await desk.until(page.migrations.baseline.isEnabled)

        page.migrations.baseline.click()
        question = await desk.dialog(BaselineDialog)
        assert question.number == 82
        await desk.until(question.confirm.isEnabled)
        assert question.lines.toPlainText().startswith("082 ")
        question.confirm.click()
        row = page.migrations.model.row_of(82)
        await desk.until(lambda: page.migrations.model.items[row].state is MigrationState.BASELINE)

        await desk.until(page.migrations.apply.isEnabled)
        page.migrations.apply.click()
        await desk.until(lambda: page.migrations.model.items[last].state is MigrationState.APPLIED)
        await desk.until(lambda: not page.controller.busy)
        assert not page.migrations.apply.isEnabled()

    desk.run(scene())


def test_repair_shows_what_changes_before_it_changes(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(DatabasePage)
        await desk.until(page.migrations.model.rowCount)
        with closing(sqlite3.connect(desk.core.data_folder / "cts.db")) as connection, connection:
            connection.execute("UPDATE migrations SET checksum = 'other' WHERE number = 51")
        page.reload()
        await desk.until(page.migrations.repair.isEnabled)
        page.migrations.repair.click()
        question = await desk.dialog(ConfirmDialog)
        assert question.lines.toPlainText().startswith("051 add_performance_indexes: ")
        question.cancel.click()
        await desk.idle()
        assert "1 changed" in page.migrations.summary.text()
        page.migrations.repair.click()
        (await desk.dialog(ConfirmDialog)).confirm.click()
        await desk.until(lambda: "changed" not in page.migrations.summary.text())

    desk.run(scene())


def test_what_came_over_and_the_scrub(qapp: QApplication, tmp_path: Path) -> None:
    from tests.fixtures.cts31 import Canaries, shape_b

    data, canaries = tmp_path / "data", Canaries()
    data.mkdir()
    shape_b(data / "cts.db", canaries)
    with desk_on(qapp, data) as desk:  # noqa: F811

        async def scene() -> None:
            page = await desk.open(DatabasePage)
            await desk.until(page.take_over.isVisible)
            texts = [label.text() for label in page.take_over.findChildren(QLabel)]
            assert any(text.endswith("still hold secrets in clear.") for text in texts)
            assert page.take_over.pill.text == "! Secrets in clear"
            await desk.until(page.take_over.scrub.isEnabled)
            page.take_over.scrub.click()
            question = await desk.dialog(ConfirmDialog)
            assert "cts.db" in question.lines.toPlainText()
            question.confirm.click()
            await desk.until(page.take_over.result.text)
            await desk.until(lambda: page.take_over.pill.text == "✓ Taken over")
            assert page.take_over.scrub.isHidden()
            shown = "\n".join(label.text() for label in page.findChildren(QLabel))
            assert not [secret for secret in canaries.made if secret in shown]

        desk.run(scene())


def test_a_folder_in_use_says_who_and_disables_what_writes(qapp: QApplication, tmp_path: Path) -> None:
    with desk_on(qapp, tmp_path / "data") as first:
        first.core.startup.run()
        with desk_on(qapp, tmp_path / "data") as second:

            async def scene() -> None:
                page = await second.open(DatabasePage)
                await second.until(lambda: page.card.pill.text == "! Read-only")
                assert "in use by" in page.card.cause.text()
                await second.until(page.migrations.model.rowCount)
                assert not page.migrations.apply.isEnabled()
                why = "The database is read-only now; the card above says why."
                assert page.migrations.reason.text().startswith(why)
                assert "read-only" in page.migrations.apply.toolTip()
                assert page.card.retry.isHidden()

            second.run(scene())


def test_an_emptied_database_offers_its_backup_or_a_new_beginning(qapp: QApplication, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with desk_on(qapp, data) as before:
        before.core.startup.run()
        before.core.connections.add({"name": "Kept in the backup", "exchange": "mexc"})
        before.core.backups.make()
    (data / "cts.db").unlink()
    with desk_on(qapp, data) as desk:  # noqa: F811

        async def scene() -> None:
            page = await desk.open(DatabasePage)
            await desk.until(page.card.start_empty.isVisible)
            assert page.migrations.model.rowCount() == 0
            assert page.migrations.empty.isVisible()
            assert not page.backups.make.isEnabled()
            page.backups.restore_wanted.emit(desk.core.backups.list()[0])
            (await desk.dialog(ConfirmDialog)).confirm.click()
            await desk.until(lambda: page.card.pill.text == "✓ Online")
            assert [row.name for row in desk.core.connections.rows()] == ["Kept in the backup"]
            await desk.until(page.card.start_empty.isHidden)

        desk.run(scene())


def test_a_lost_database_can_be_made_from_the_records(qapp: QApplication, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with desk_on(qapp, data) as before:
        before.core.startup.run()
        before.core.connections.add({"name": "Kept in the records", "exchange": "mexc"})
    for lost in (data / "cts.db", *(data / "backups").iterdir()):
        lost.unlink()
    with desk_on(qapp, data) as desk:  # noqa: F811

        async def scene() -> None:
            page = await desk.open(DatabasePage)
            await desk.until(page.card.use_records.isVisible)
            assert page.card.start_empty.isVisible()
            assert page.card.use_records.text().rstrip("…") in page.card.cause.text()
            page.card.use_records.click()
            (await desk.dialog(ConfirmDialog)).confirm.click()
            await desk.until(lambda: page.card.pill.text == "✓ Online")
            assert [row.name for row in desk.core.connections.rows()] == ["Kept in the records"]
            await desk.until(page.card.use_records.isHidden)

        desk.run(scene())


def test_the_words_of_a_rehearsal() -> None:
    good = Rehearsal(36, "one", "CREATE TABLE a (b);", 4, {"a": 1, "gone": 2, "same": 3}, {"a": 5, "new": 0, "same": 3})
    assert row_lines(good) == ["a: 1 → 5 rows", "gone: gone, had 2 rows", "new: new, 0 rows"]
    assert row_lines(good._replace(rows_before={}, rows_after={})) == ["No row count changes."]
    assert headline([good]) == "1 migration would run, in 4 ms. Nothing was written."
    bad = good._replace(problem=Problem(Category.MIGRATION, "No such table.", "Mend it."))
    assert headline([good, bad]) == "036 one would fail. Nothing was written."
    assert headline([]) == "Nothing is pending, so nothing was tried."


def test_texts_from_outside_are_plain_text(qapp: QApplication) -> None:
    from gui.activity.startup_panel import StartupPanel
    from gui.database.store_card import StoreCard
    from gui.database.take_over_panel import TakeOverPanel
    from gui.theme import Theme
    from models.status import Backend, Skipped, StartupStep, StoreState, StoreStatus, TakeOver

    hostile = "<h1>&amp; <img src='file:///etc/hostname'></h1> & so on"
    problem = Problem(Category.CORRUPT, hostile, hostile, hostile)
    theme = Theme(qapp)
    card, take_over, startup = StoreCard(theme), TakeOverPanel(theme), StartupPanel()
    card.show_store(StoreStatus(Backend.SQLITE, StoreState.READ_ONLY, hostile, problem=problem, integrity=hostile))
    pair, left_out = ((hostile, hostile),), (Skipped(hostile, hostile),)
    take_over.show_report(TakeOver("now", hostile, 1, {hostile: 2}, pair, left_out, (hostile,), hostile))
    startup.show_steps([StartupStep(hostile, ok=False, milliseconds=1, detail=hostile, problem=problem)])
    for widget in (card, take_over, startup):
        labels = widget.findChildren(QLabel)
        assert any(hostile in label.text() for label in labels)
        assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)
