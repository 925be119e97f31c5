"""The live log's table: a ring, a filter, batches."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from gui.activity.log_model import LIMIT, MARK_ROLE, TONE_ROLE, Column, LogModel, clock_text
from services.log import LogLine

STAMP = "2026-11-22T10:11:12.345+00:00"


def line(number: int, level: str = "INFO", text: str = "Opened.") -> LogLine:
    return LogLine(number, STAMP, level, "storage.store", text)


def shown(model: LogModel) -> list[int]:
    return [model.line_at(row).number for row in range(model.rowCount())]


def test_batches_come_in_once_and_the_oldest_go() -> None:
    model = LogModel(limit=5)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.append([line(1), line(2), line(3)])
    model.append([line(2), line(3), line(4)])
    assert shown(model) == [1, 2, 3, 4]
    model.append([line(n) for n in range(5, 8)])
    assert shown(model) == [3, 4, 5, 6, 7]
    model.append([line(n) for n in range(8, 30)])
    assert shown(model) == [25, 26, 27, 28, 29]
    assert model.held == 5
    assert tester is not None


def test_level_and_search_choose_the_lines_and_new_ones_follow() -> None:
    model = LogModel()
    model.append([line(1, "DEBUG"), line(2), line(3, "WARNING", "Disk is full"), line(4, "CRITICAL")])
    assert shown(model) == [2, 3, 4]
    model.set_filter("DEBUG", "")
    assert shown(model) == [1, 2, 3, 4]
    model.set_filter("WARNING", "")
    model.append([line(5), line(6, "ERROR")])
    assert shown(model) == [3, 4, 6]
    model.set_filter("DEBUG", "  DISK ")
    assert shown(model) == [3]
    model.set_filter("DEBUG", "STORE")
    assert shown(model) == [1, 2, 3, 4, 5, 6]


def test_a_filter_that_shows_nothing_still_drops_the_oldest() -> None:
    model = LogModel(limit=3)
    model.set_filter("ERROR", "")
    model.append([line(1, "ERROR"), line(2), line(3)])
    model.append([line(4)])
    assert shown(model) == []
    assert model.held == 3


def test_cleared_lines_do_not_come_back() -> None:
    model = LogModel()
    model.append([line(1), line(2)])
    model.clear()
    model.append([line(2), line(3)])
    assert shown(model) == [3]


def test_a_cell_is_one_line_of_plain_text_and_the_copy_is_whole() -> None:
    model = LogModel()
    model.append([line(1, "ERROR", "<b>Boom</b>\nTraceback"), line(2)])
    assert model.index(0, Column.TEXT).data() == "<b>Boom</b>"
    assert model.index(0, Column.LEVEL).data() == "error"
    assert model.index(0, Column.LEVEL).data(TONE_ROLE) == "error"
    assert model.index(0, Column.LEVEL).data(MARK_ROLE) == ("✕", "error")
    assert model.index(0, Column.TEXT).data(Qt.ItemDataRole.AccessibleTextRole).startswith("ERROR: <b>Boom</b>")
    assert model.text_of([1, 0, 0]) == (
        f"{STAMP} ERROR storage.store: <b>Boom</b>\nTraceback\n{STAMP} INFO storage.store: Opened."
    )
    assert clock_text("no stamp") == "no stamp"


def test_a_hundred_thousand_lines_are_one_insertion_a_batch() -> None:
    model = LogModel()
    inserted = QSignalSpy(model.rowsInserted)
    for first in range(1, LIMIT + 20_001, 10_000):
        model.append([line(n) for n in range(first, first + 10_000)])
    assert inserted.count() == 12
    assert (model.rowCount(), model.line_at(0).number) == (LIMIT, 20_001)
    model.set_filter("INFO", "opened")
    assert model.rowCount() == LIMIT
