"""The list's view: keyboard first, the selection is kept by id whatever happens to the order."""

from collections.abc import Iterable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui.connections.columns import Columns
from gui.connections.painted_table import PaintedTable
from gui.connections.table_model import COLUMNS, ConnectionTableModel
from gui.theme import Theme
from models.connection_row import ConnectionRow

_SELECT = QItemSelectionModel.SelectionFlag


class ConnectionTable(PaintedTable):
    """`picked` comes after the selection changed, `edit_wanted` on Enter and double click, `menu_wanted` with the
    place for the menu. `columns` keeps the header and asks for an order.
    """

    picked = Signal()
    edit_wanted = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(self, theme: Theme, model: ConnectionTableModel, parent: QWidget | None = None) -> None:
        super().__init__(theme, model, parent)
        self._current_id = ""
        self._rows: list[ConnectionRow] = []
        self._reordered = False
        self._everything = -1
        self._index = model.index_of
        self._version = -1
        self._restoring = False
        _set_up(self)
        self.columns = Columns(self.horizontalHeader(), model)
        model.reordered.connect(self._select_again)
        self.selectionModel().selectionChanged.connect(self._selection_changed)
        self.doubleClicked.connect(lambda _index: self.edit_wanted.emit())

    def selected_ids(self) -> tuple[str, ...]:
        """Return the ids of the selected rows, from top to bottom."""
        return tuple([row.id for row in self.selected_rows()])

    def selected_rows(self) -> list[ConnectionRow]:
        """Return the selected rows, from top to bottom."""
        index = self._model.index_of
        if self._reordered:
            self._rows = self._find_selected()
        elif index.version != self._version:
            # Rows that changed in place are others now. By id: in the middle of a reset nothing is selected.
            self._rows = [index.row(row.id) or row for row in self._rows]
        self._version = index.version
        return self._rows

    def _find_selected(self) -> list[ConnectionRow]:
        # Ranges, not indexes: Ctrl+A over 100,000 rows is one range.
        selection = self.selectionModel().selection()
        parts = sorted((part.top(), part.bottom()) for part in map(selection.at, range(selection.count())))
        index = self._model.index_of
        rows: list[ConnectionRow] = []
        below = 0
        for top, bottom in parts:
            numbers = index.visible[max(top, below) : bottom + 1]
            rows += map(index.rows.__getitem__, numbers)
            below = max(below, bottom + 1)
        # Every row of the list as it is now: whatever order it is put in, it is still every row.
        self._everything = index.version if rows and len(rows) == len(index) else -1
        self._index = index
        self._reordered = False
        return rows

    def current_id(self) -> str:
        index = self.currentIndex()
        return self._model.row_at(index.row()).id if index.isValid() else ""

    def select_ids(self, ids: Iterable[str], *, scroll: bool = True) -> None:
        """Select these and nothing else; the first becomes the current row."""
        places = self._model.places(ids)
        self._select_runs(_runs(places), places[0] if places else -1)
        if scroll and places:
            self.scrollTo(self._model.index(places[0], 1))
        self._selection_changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2}:
            self.edit_wanted.emit()
        elif event.key() in {Qt.Key.Key_Home, Qt.Key.Key_End} and not event.modifiers():
            # In a list of whole rows these mean the first and the last row, not the first and the last cell.
            place = 0 if event.key() == Qt.Key.Key_Home else self._model.rowCount() - 1
            self.setCurrentIndex(self._model.index(place, 1))
        elif event.matches(QKeySequence.StandardKey.Copy):
            from gui.widgets.copying import copy_rows

            copy_rows(self)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        self.menu_wanted.emit(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.columns.fit(event.size().width())
        # The message bar takes a line of the page: the row that was just added must not go out of sight by that.
        current = self.visualRect(self.currentIndex())
        if event.size().height() <= current.bottom() < event.oldSize().height():
            self.scrollTo(self.currentIndex())

    def _selection_changed(self) -> None:
        if self._restoring:
            return
        self._rows = self._find_selected()
        self._current_id = self.current_id()
        self.picked.emit()

    def _select_again(self) -> None:
        """After a reset: select by id what was selected; what is not listed any more is let go."""
        bar = self.verticalScrollBar()
        value = bar.value()
        index = self._model.index_of
        if index is self._index and index.version == self._everything and len(index.visible) == len(index):
            self._select_runs([(0, len(index) - 1)], _place(self._model, self._current_id))
            bar.setValue(value)
            # Another order of the same rows: looked up when it is asked for.
            self._reordered = True
            return
        before = [row.id for row in self._rows]
        self._select_runs(_runs(self._model.places(before)), _place(self._model, self._current_id))
        bar.setValue(value)
        self._rows = self._find_selected() if before else []
        if {row.id for row in self._rows} != set(before):
            self.picked.emit()

    def _select_runs(self, runs: list[tuple[int, int]], current: int) -> None:
        self._restoring = True
        model, last = self._model, len(COLUMNS) - 1
        selection = QItemSelection()
        for top, bottom in runs:
            selection.select(model.index(top, 0), model.index(bottom, last))
        chooser = self.selectionModel()
        chooser.setCurrentIndex(model.index(current, 1) if current >= 0 else QModelIndex(), _SELECT.NoUpdate)
        chooser.select(selection, _SELECT.ClearAndSelect)
        self._restoring = False


def _place(model: ConnectionTableModel, connection_id: str) -> int:
    place = model.index_of.place(connection_id)
    return -1 if place is None else place


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Join sorted places that follow each other into (first, last)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def _set_up(view: QTableView) -> None:
    view.setAccessibleName("Connections")
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setCornerButtonEnabled(False)
    view.setTabKeyNavigation(False)
    view.setMouseTracking(True)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setMinimumSectionSize(16)
