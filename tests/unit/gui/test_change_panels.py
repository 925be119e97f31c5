"""Waiting, refused and conflicting changes on screen: what they say, by mouse and by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from gui.change_words import fields_text, marks, unit_name, value_text
from gui.conflict_view import ConflictView
from gui.database.changes_panels import ConflictsPanel, RejectedPanel, WaitingPanel
from gui.database.fence_panel import FencePanel
from gui.database.health_panel import HealthPanel
from gui.theme import Theme
from models.change import Changes, Choice, Conflict, RejectedChange, WaitingChange
from models.connection import CREDENTIALS
from models.health import HealthReport
from models.problem import Category, Problem
from models.status import Backend, StoreState, StoreStatus

EVIL = "<h1>big</h1> &amp; <a href='x'>go</a>"
REFUSED = Problem(Category.CONSTRAINT, "The name is too long.", "Shorten it.")


def conflict(number: int, fields: tuple[str, ...], *values: Any, record: str = "a") -> Conflict:
    base, mine, theirs = (dict.fromkeys(fields, value) for value in values)
    return Conflict(
        f"c{number}", record, f"Name {record}", fields, base, mine, theirs, "desk 2", "2026-01-02T03:04:05Z"
    )


NOTE = conflict(1, ("note",), "", "mine", EVIL)
LIMIT = conflict(2, ("leverage_limit",), None, 5, 10)
SECRET = conflict(3, CREDENTIALS, "set", "another value", "not set")
PAIR = Conflict(
    "c4", "a", "Name a", ("exchange", "environment"), {"exchange": "okx", "environment": "live"},
    {"exchange": "okx", "environment": "demo"}, {"exchange": "bybit", "environment": "live"}, "desk 2", "",
)  # fmt: skip


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    yield Theme(qapp)
    for widget in QApplication.topLevelWidgets():
        widget.close()


def cells(model: Any, row: int) -> list[str]:
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def test_the_keyboard_settles_a_record(theme: Theme) -> None:
    view = ConflictView(theme)
    view.show_conflicts([NOTE, LIMIT, SECRET, PAIR])
    view.show()
    QTest.qWaitForWindowExposed(view)
    view.table.setFocus()
    view.table.selectRow(0)
    assert not view.is_settled()
    for key in (Qt.Key.Key_M, Qt.Key.Key_T, Qt.Key.Key_Right, Qt.Key.Key_Left):
        QTest.keyClick(view.table, key)
    assert view.choices() == {
        NOTE.fields: Choice.MINE,
        LIMIT.fields: Choice.THEIRS,
        SECRET.fields: Choice.THEIRS,
        PAIR.fields: Choice.MINE,
    }
    assert view.is_settled()
    assert view.hint.text() == "Everything is chosen."
    QTest.keyClick(view.table, Qt.Key.Key_Up)
    assert view.table.currentIndex().row() == 2
    QTest.mouseClick(view.all_theirs, Qt.MouseButton.LeftButton)
    assert set(view.choices().values()) == {Choice.THEIRS}


def test_units_are_one_line_and_credentials_only_words(theme: Theme) -> None:
    view = ConflictView(theme)
    view.show_conflicts([SECRET, PAIR, LIMIT])
    assert cells(view.model, 0)[:4] == [
        "Credentials",
        "key set, secret set, passphrase set",
        "key another value, secret another value, passphrase another value",
        "key not set, secret not set, passphrase not set",
    ]
    assert cells(view.model, 1)[:4] == ["Exchange and environment", "OKX, live", "OKX, demo", "Bybit, live"]
    assert cells(view.model, 2)[:4] == ["Leverage limit", "none", "5", "10"]


def test_a_choice_stays_until_its_values_change(theme: Theme) -> None:
    view = ConflictView(theme)
    view.show_conflicts([NOTE, LIMIT])
    view._choose(0, Choice.MINE)
    view.show_conflicts([NOTE, LIMIT])
    assert view.choices() == {NOTE.fields: Choice.MINE}
    view.show_conflicts([NOTE._replace(theirs={"note": "newer"}), LIMIT])
    assert view.choices() == {}
    # Credentials are shown as words only, and look the same when they are others.
    view._choose(1, Choice.MINE)
    view.show_conflicts([NOTE, LIMIT._replace(seen="others")])
    assert view.choices() == {}


def test_what_a_choice_was_made_of_goes_with_it(theme: Theme) -> None:
    panel = ConflictsPanel(theme)
    asked: list[object] = []
    panel.resolve_wanted.connect(lambda choices, seen: asked.append((choices, seen)))
    panel.show_conflicts([NOTE._replace(seen="first")])
    panel.view.all_mine.click()
    panel.apply.click()
    assert asked == [({"c1": Choice.MINE}, {"c1": "first"})]


def test_the_panel_sends_one_record_at_once(theme: Theme) -> None:
    panel = ConflictsPanel(theme)
    asked: list[dict[str, Choice]] = []
    panel.resolve_wanted.connect(lambda choices, _seen: asked.append(choices))
    other = conflict(9, ("color",), "", "#111111", "#222222", record="b")
    panel.show_conflicts([NOTE, LIMIT, other])
    assert panel.records.rowCount() == 2
    assert not panel.apply.isEnabled()
    assert panel.reason.text() == "Choose for every field first."
    panel.view.all_mine.click()
    panel.apply.click()
    assert asked == [{"c1": Choice.MINE, "c2": Choice.MINE}]
    panel.set_reason("Something runs.")
    assert not panel.apply.isEnabled()
    panel.set_reason("")
    panel.list.selectRow(1)
    panel.view.all_theirs.click()
    panel.apply.click()
    assert asked[1:] == [{"c9": Choice.THEIRS}]
    panel.show_conflicts([])
    assert panel._pages.currentIndex() == 0


def test_enter_applies_and_the_keyboard_stays_in_reach(theme: Theme) -> None:
    panel = ConflictsPanel(theme)
    asked: list[object] = []
    emptied: list[bool] = []
    panel.resolve_wanted.connect(lambda choices, _seen: asked.append(choices))
    panel.resolve_wanted.connect(lambda _choices, _seen: panel.set_reason("Busy."))
    panel.emptied.connect(lambda: emptied.append(True))
    panel.show_conflicts([NOTE, LIMIT])
    panel.show()
    panel.activateWindow()
    QTest.qWaitForWindowActive(panel)
    panel.view.table.setFocus()
    QTest.keyClick(panel.view.table, Qt.Key.Key_Return)
    assert asked == []
    QTest.keyClicks(panel.view.table, "mt")
    panel.apply.setFocus()
    QTest.keyClick(panel.apply, Qt.Key.Key_Return)
    assert panel.view.table.hasFocus()
    panel.set_reason("")
    QTest.keyClick(panel.view.table, Qt.Key.Key_Return)
    assert asked == [{"c1": Choice.MINE, "c2": Choice.THEIRS}] * 2
    panel.show_conflicts([])
    panel.show_conflicts([])
    assert emptied == [True]


def test_on_a_small_screen_every_column_is_in_sight(theme: Theme) -> None:
    waiting, conflicts = WaitingPanel(theme), ConflictsPanel(theme)
    waiting.show_changes([WaitingChange("o1", "a", "A", "edit", ("note",), "2026-01-02T03:04:05Z", "desk", 1)])
    conflicts.show_conflicts([NOTE, LIMIT])
    for panel, tables in ((waiting, [waiting.table]), (conflicts, [conflicts.list, conflicts.view.table])):
        # What is left of 1024 pixels beside the rail and the backups.
        panel.resize(494, 420)
        panel.show()
        QTest.qWaitForWindowExposed(panel)
        for table in tables:
            assert table.horizontalScrollBar().maximum() == 0
            assert min(map(table.columnWidth, range(table.model().columnCount()))) >= 50
        panel.resize(1000, 420)
        QApplication.processEvents()
        assert tables[0].columnWidth(0) in {190, 200}


def test_ctrl_c_copies_the_selected_line_of_a_table(theme: Theme) -> None:
    panel = ConflictsPanel(theme)
    panel.show_conflicts([NOTE, LIMIT])
    panel.list.selectRow(0)
    QTest.keyClick(panel.list, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().split("\t")[:2] == ["Name a", "Note, Leverage limit"]


LOCKED = Problem(Category.LOCKED, "The vault is locked.", "Type the passphrase.")


def test_after_the_last_refused_change_the_keyboard_is_in_reach(theme: Theme) -> None:
    panel = RejectedPanel(theme)
    emptied: list[bool] = []
    panel.emptied.connect(lambda: emptied.append(True))
    panel.dismiss_wanted.connect(lambda _change: panel.set_reason("Busy."))
    panel.show_changes([RejectedChange("o2", "b", "Name b", "edit", ("name",), "", REFUSED)])
    panel.show()
    panel.activateWindow()
    QTest.qWaitForWindowActive(panel)
    panel.dismiss.setFocus()
    QTest.keyClick(panel.dismiss, Qt.Key.Key_Return)
    assert panel.table.hasFocus()
    panel.show_changes([])
    panel.show_changes([])
    assert emptied == [True]


def test_what_waits_and_what_was_refused(theme: Theme) -> None:
    waiting, rejected = WaitingPanel(theme), RejectedPanel(theme)
    assert waiting._pages.currentIndex() == rejected._pages.currentIndex() == 0
    waiting.show_changes([WaitingChange("o1", "a", EVIL, "edit", ("note", *CREDENTIALS), "", "desk", 1)])
    assert cells(waiting.model, 0)[:4] == [EVIL, "Changed", "Note, Credentials", "The database"]
    waiting.show_changes([WaitingChange("o1", "a", "A", "add", (), "", "desk", 1, LOCKED)])
    assert cells(waiting.model, 0)[3] == "The vault"
    assert LOCKED.text in waiting.text.text()
    assert LOCKED.solution in waiting.text.text()
    asked: list[Any] = []
    rejected.edit_wanted.connect(asked.append)
    rejected.dismiss_wanted.connect(asked.append)
    edit = RejectedChange("o2", "b", "Name b", "edit", ("name",), "", REFUSED)
    removal = RejectedChange("o3", "c", "Name c", "remove", (), "", REFUSED._replace(text=EVIL))
    rejected.show_changes([edit, removal])
    assert (rejected.problem.text(), rejected.solution.text()) == (REFUSED.text, REFUSED.solution)
    rejected.edit.click()
    rejected.table.selectRow(1)
    assert rejected.edit.isHidden()
    assert rejected.problem.text() == EVIL
    rejected.dismiss.click()
    assert asked == [edit, removal]
    for panel in (waiting, rejected):
        labels = panel.findChildren(QLabel)
        assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)


def test_the_fence_explains_both_answers(theme: Theme) -> None:
    panel = FencePanel()
    status = StoreStatus(Backend.JSON, StoreState.FALLBACK, "", waiting=3)
    panel.show_store(status)
    assert panel.isHidden()
    panel.show_store(status._replace(problem=Problem(Category.FENCE, EVIL, "")))
    assert not panel.isHidden()
    assert panel.text.text() == EVIL
    assert panel.sending.text().startswith("3 waiting changes go into this database")
    assert "Nothing is sent and nothing is lost" in panel.keeping.text()
    asked: list[str] = []
    panel.accepted.connect(lambda: asked.append("send"))
    panel.settings_wanted.connect(lambda: asked.append("settings"))
    panel.send.click()
    panel.keep.click()
    assert asked == ["send", "settings"]
    assert theme is not None


def test_the_health_asks_only_while_it_is_seen(theme: Theme) -> None:
    panel = HealthPanel(theme)
    asked: list[int] = []
    panel.wanted.connect(lambda: asked.append(1))
    assert not panel._timer.isActive()
    panel.show()
    assert panel._timer.isActive()
    assert asked == [1]
    report = HealthReport(1.25, 9.5, (1.0, 2.0, 1.5), 9_200_000, "16.14", 3, 4, 38, 40, "primary", "ok", 2, 1)
    panel.show_health(report)
    panel.grab()
    assert panel.value("Latency") == "last 1.5 ms, p50 1.2 ms, p95 9.5 ms"
    assert panel.plot.accessibleName() == "Latency: last 1.5 ms, p50 1.2 ms, p95 9.5 ms"
    assert panel.value("Connections") == "38 of 40 used by everybody"
    assert panel.value("Mirror") == "2 records behind"
    panel.show_health(HealthReport(None, None, (), None, "", 0, 0, None, None, "embedded", "row 3 missing"))
    panel.grab()
    assert panel.value("Integrity") == "✕ row 3 missing"
    panel.show_problem(Problem(Category.LOST, EVIL, ""))
    assert panel.problem.text() == EVIL
    panel.hide()
    assert not panel._timer.isActive()


def test_words_of_fields_and_marks() -> None:
    assert fields_text(("note", "api_key", "api_secret")) == "Note, Credentials"
    assert unit_name(CREDENTIALS) == "Credentials"
    assert value_text("tags", ["a", "b"]) == "a, b"
    assert value_text("enabled", False) == "no"
    assert value_text("extra", {}) == "none"
    waits = WaitingChange("o1", "a", "A", "edit", ("note",), "", "desk", 1)
    found = marks(Changes((waits, waits._replace(op_id="o2")), (), (NOTE._replace(connection_id="b"),)))
    assert found["a"] == ("waiting", "Waits for the database. Changed: note.")
    assert found["b"][0] == "conflict"
