"""The list's view and model: the selection is kept by id, cells change in place, the keyboard does everything."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.connections.order_index import Filters, OrderIndex
from gui.connections.table import ConnectionTable
from gui.connections.table_model import COLUMNS, ConnectionTableModel
from gui.theme import Theme
from tests.unit.gui.test_order_index import PLAIN, make_row


@pytest.fixture
def table(qtbot: QtBot, qapp: QApplication) -> ConnectionTable:
    model = ConnectionTableModel()
    view = ConnectionTable(Theme(qapp), model)
    qtbot.addWidget(view)
    view.resize(900, 400)
    view.show()
    model.set_index(OrderIndex([make_row(number, {**PLAIN, "name": f"n{number:03}"}) for number in range(40)]))
    return view


def model_of(table: ConnectionTable) -> ConnectionTableModel:
    model = table.model()
    assert isinstance(model, ConnectionTableModel)
    return model


def test_the_selection_is_kept_by_id_over_sort_filter_and_refresh(table: ConnectionTable) -> None:
    model = model_of(table)
    table.select_ids(["0003", "0007"])
    model.order_by("name", descending=True)
    assert set(table.selected_ids()) == {"0003", "0007"}
    assert table.current_id() == "0003"
    model.narrow(Filters("n007"))
    assert table.selected_ids() == ("0007",)
    model.narrow(Filters())
    model.set_index(OrderIndex(list(model.index_of.rows)))
    assert table.selected_ids() == ("0007",)


def test_a_changed_row_changes_in_place(table: ConnectionTable, qtbot: QtBot) -> None:
    model = model_of(table)
    table.select_ids(["0005"])
    resets: list[None] = []
    model.modelReset.connect(lambda: resets.append(None))
    with qtbot.waitSignal(model.dataChanged) as caught:
        model.apply([model.row_at(5)._replace(revision=9)], [])
    assert (caught.args[0].row(), caught.args[1].column()) == (5, len(COLUMNS) - 1)
    assert resets == []
    assert table.selected_ids() == ("0005",)


def test_a_removed_row_leaves_the_selection(table: ConnectionTable) -> None:
    table.select_ids(["0001", "0002"])
    picked: list[None] = []
    table.picked.connect(lambda: picked.append(None))
    model_of(table).apply([], ["0001"])
    assert table.selected_ids() == ("0002",)
    assert len(picked) == 1


def test_selecting_all_of_a_long_list_is_one_range(table: ConnectionTable) -> None:
    table.selectAll()
    assert table.selectionModel().selection().count() == 1
    assert len(table.selected_ids()) == 40


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2])
def test_keys_that_edit(table: ConnectionTable, qtbot: QtBot, key: Qt.Key) -> None:
    table.select_ids(["0000"])
    with qtbot.waitSignal(table.edit_wanted):
        QTest.keyClick(table, key)


def test_ctrl_c_copies_the_selected_rows_with_words_for_signs(table: ConnectionTable) -> None:
    table.select_ids(["0007", "0002"])
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = [line.split("\t") for line in QApplication.clipboard().text().split("\n")]
    assert [line[:2] for line in lines] == [["Enabled", "n002"], ["Enabled", "n007"]]
    assert {len(line) for line in lines} == {len(COLUMNS)}
    table.clearSelection()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "n002" in QApplication.clipboard().text()


def test_home_and_end_go_to_the_first_and_last_row(table: ConnectionTable, qtbot: QtBot) -> None:
    table.select_ids(["0005"])
    QTest.keyClick(table, Qt.Key.Key_End)
    assert table.current_id() == "0039"
    QTest.keyClick(table, Qt.Key.Key_Home)
    assert table.current_id() == "0000"


def test_a_click_on_a_header_asks_for_an_order(table: ConnectionTable, qtbot: QtBot) -> None:
    header = table.horizontalHeader()
    asked: list[tuple[str, bool]] = []
    table.columns.sort_wanted.connect(lambda column, descending: asked.append((column, descending)))
    header.sectionClicked.emit(2)
    header.sectionClicked.emit(1)
    assert asked == [("exchange", False), ("name", True)]


def test_what_ascends_has_an_arrow_that_points_up(table: ConnectionTable) -> None:
    header = table.horizontalHeader()

    def tip() -> float:
        """Return where the arrow's narrow end is: below 0 at its top."""
        left = header.sectionPosition(1) + header.sectionSize(1) - 24
        picture = header.grab().toImage()
        ground = picture.pixelColor(left - 10, header.height() // 2).lightness()
        widths = [
            sum(abs(picture.pixelColor(x, y).lightness() - ground) > 60 for x in range(left, left + 22))
            for y in range(4, header.height() - 4)
        ]
        rows = [number for number, width in enumerate(widths) if width]
        return widths[rows[0]] - widths[rows[-1]]

    assert tip() < 0
    header.sectionClicked.emit(1)
    assert tip() > 0


def shown(table: ConnectionTable) -> list[str]:
    return [column.key for number, column in enumerate(COLUMNS) if not table.isColumnHidden(number)]


def test_on_a_small_screen_the_least_needed_columns_give_way_and_come_back(table: ConnectionTable) -> None:
    table.resize(430, 400)
    QApplication.processEvents()
    assert shown(table) == ["state", "name", "exchange", "environment", "live_trade"]
    assert table.horizontalScrollBar().maximum() == 0
    # A message bar comes and goes above it: nobody set a width by that.
    for height in (200, 400):
        table.resize(430, height)
        QApplication.processEvents()
    assert table.columns.state()["widths"] == {}
    for width in range(420, 1_000, 7):
        table.resize(width, 400)
        QApplication.processEvents()
        assert table.horizontalScrollBar().maximum() == 0, width
    table.resize(1000, 400)
    QApplication.processEvents()
    assert shown(table) == [column.key for column in COLUMNS]
    assert sum(map(table.columnWidth, range(len(COLUMNS)))) == table.viewport().width()


def test_a_person_who_sets_a_width_has_every_column(table: ConnectionTable) -> None:
    table.resize(430, 400)
    QApplication.processEvents()
    table.horizontalHeader().resizeSection(1, 250)
    assert shown(table) == [column.key for column in COLUMNS]
    assert table.columns.state()["widths"]["name"] == 250


def test_columns_are_kept_and_nonsense_is_passed_over(table: ConnectionTable) -> None:
    table.horizontalHeader().resizeSection(1, 333)
    kept = table.columns.state()
    assert kept["widths"]["name"] == 333
    nonsense: dict[str, Any] = {"widths": {"name": "wide", "exchange": -4}, "sort": "secret", "descending": "no"}
    table.columns.restore(nonsense)
    assert table.horizontalHeader().sectionSize(1) == 333
    table.columns.restore({"widths": {"name": 200}, "sort": "updated_at", "descending": True})
    assert table.horizontalHeader().sectionSize(1) == 200
    assert (model_of(table).index_of.column, model_of(table).index_of.descending) == ("updated_at", True)


@pytest.mark.parametrize(
    ("exchange", "given", "words"),
    [
        ("bybit", (True, True, False), "Enabled"),
        ("bybit", (True, False, False), "Enabled, but its API secret is not set"),
        ("okx", (True, True, False), "Enabled, but its API passphrase is not set"),
        ("okx", (True, True, True), "Enabled"),
        ("okx", (False, True, True), "Enabled, but its API key is not set"),
    ],
)
def test_a_row_names_the_credential_that_its_exchange_asks_for(
    table: ConnectionTable, exchange: str, given: tuple[bool, bool, bool], words: str
) -> None:
    model = model_of(table)
    row = make_row(0, {**PLAIN, "exchange": exchange})
    row = row._replace(api_key_set=given[0], api_secret_set=given[1], api_passphrase_set=given[2])
    model.set_index(OrderIndex([row]))
    first = model.index(0, 0)
    assert model.data(first, Qt.ItemDataRole.AccessibleTextRole) == words
    assert words in str(model.data(first, Qt.ItemDataRole.ToolTipRole))
    model.narrow(Filters(state="incomplete"))
    assert model.rowCount() == (words != "Enabled")


def test_hostile_names_are_painted(table: ConnectionTable) -> None:
    names = ["<b>bold</b><img src=x>", "x" * 200, "مرحبا", "🚀" * 60, "a\u0301" * 100]
    model_of(table).set_index(
        OrderIndex(
            [
                make_row(number, {**PLAIN, "name": name, "tags": (name[:50],) * 3, "color": "#ff0000"})
                for number, name in enumerate(names)
            ]
        )
    )
    assert not table.grab().isNull()


def test_a_row_shows_the_selection_the_mouse_and_the_keyboard_from_end_to_end(
    table: ConnectionTable, qapp: QApplication
) -> None:
    tokens = Theme(qapp).tokens
    table.select_ids(["0003"])
    table.setCurrentIndex(model_of(table).index(5, 1))
    table.select_ids(["0003"])
    table.setFocus()
    QTest.mouseMove(table.viewport(), table.visualRect(model_of(table).index(7, 1)).center())
    QTest.qWait(50)
    ends = [(_pixels(table, place, 0), _pixels(table, place, len(COLUMNS) - 1)) for place in (3, 4, 7)]
    wanted: tuple[set[str], ...] = ({tokens.accent_soft, tokens.accent}, set(), {tokens.hover})
    for told, colors in zip(ends, wanted, strict=True):
        for cell in told:
            assert colors <= cell
            assert cell & {tokens.accent_soft, tokens.hover} == colors - {tokens.accent}


def test_a_name_from_plain_sql_stays_in_its_line(table: ConnectionTable) -> None:
    row = make_row(0, {**PLAIN, "name": "one\ntwo\r\u2028three", "tags": ("a\nb\nc\nd\ne",)})
    model_of(table).set_index(OrderIndex([row, make_row(1, {**PLAIN, "name": "", "exchange": ""})]))
    plain = table.grab().toImage()
    model_of(table).apply([row._replace(name="one two  three", tags=("a b c d e",))], [])
    assert table.grab().toImage() == plain


def _pixels(table: ConnectionTable, place: int, column: int) -> set[str]:
    picture = table.viewport().grab().toImage()
    cell = table.visualRect(model_of(table).index(place, column))
    return {
        picture.pixelColor(x, y).name()
        for x in range(cell.left(), cell.right() + 1)
        for y in range(cell.top(), cell.bottom() + 1)
    }


def test_every_cell_says_something_to_a_screen_reader(table: ConnectionTable) -> None:
    model = model_of(table)
    role = Qt.ItemDataRole.AccessibleTextRole
    assert model.data(model.index(0, 0), role) == "Enabled"
    assert all(model.headerData(section, Qt.Orientation.Horizontal, role) for section in range(len(COLUMNS)))
