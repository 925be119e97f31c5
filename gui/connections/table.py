"""The list's view: keyboard first, the selection is kept by id whatever happens to the order."""

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui.connections.delegate import ConnectionDelegate
from gui.connections.table_model import COLUMNS, ConnectionTableModel, Index
from gui.theme import Theme
from models.connection_row import ConnectionRow

_FLEXIBLE = {"name": (150, 0.58), "tags": (76, 0.42)}
"""Columns that share the free width: the least that they need, and their share."""

_SELECT = QItemSelectionModel.SelectionFlag


class ConnectionTable(QTableView):
    """`picked` comes after the selection changed, `edit_wanted` on Enter and double click, `menu_wanted` with the
    place for the menu, `sort_wanted` with a column and whether it descends.
    """

    picked = Signal()
    edit_wanted = Signal()
    menu_wanted = Signal(QPoint)
    sort_wanted = Signal(str, bool)

    def __init__(self, theme: Theme, model: ConnectionTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._model = theme, model
        self._current_id = ""
        self._selected: tuple[str, ...] = ()
        self._restoring = False
        self._fitting = True
        self.setModel(model)
        self._delegate = ConnectionDelegate(theme, self, model)
        self.setItemDelegate(self._delegate)
        self._set_up_view()
        self._set_up_header()
        self._follow_theme()
        theme.changed.connect(self._follow_theme)
        model.reordered.connect(self._select_again)
        self.selectionModel().selectionChanged.connect(self._selection_changed)
        self.doubleClicked.connect(lambda _index: self.edit_wanted.emit())

    def selected_ids(self) -> tuple[str, ...]:
        """Return the ids of the selected rows, from top to bottom."""
        return self._selected

    def selected_rows(self) -> list[ConnectionRow]:
        """Return the selected rows, from top to bottom."""
        # Ranges, not indexes: Ctrl+A over 100,000 rows is one range.
        selection = self.selectionModel().selection()
        parts = sorted((part.top(), part.bottom()) for part in map(selection.at, range(selection.count())))
        index, rows = self._model.index_of, []
        below = 0
        for top, bottom in parts:
            numbers = index.visible[max(top, below) : bottom + 1]
            rows += [index.rows[number] for number in numbers]
            below = max(below, bottom + 1)
        return rows

    def current_id(self) -> str:
        index = self.currentIndex()
        return self._model.row_at(index.row()).id if index.isValid() else ""

    def select_ids(self, ids: Iterable[str], *, scroll: bool = True) -> None:
        """Select these and nothing else; the first becomes the current row."""
        places = self._model.places(ids)
        self._select_places(places, places[0] if places else -1)
        if scroll and places:
            self.scrollTo(self._model.index(places[0], 1))
        self._selection_changed()

    def column_state(self) -> dict[str, Any]:
        header = self.horizontalHeader()
        order = self._model.index_of
        # Columns that nobody moved go on fitting the window.
        numbered = () if self._fitting else enumerate(COLUMNS[:-1])
        widths = {column.key: header.sectionSize(number) for number, column in numbered}
        return {"widths": widths, "sort": order.column, "descending": order.descending}

    def restore_columns(self, kept: Mapping[str, Any]) -> None:
        header = self.horizontalHeader()
        widths = kept.get("widths")
        self._fitting = not widths
        for number, column in enumerate(COLUMNS[:-1]):
            width = widths.get(column.key) if isinstance(widths, dict) else None
            if isinstance(width, int) and 30 <= width <= 2_000:
                header.resizeSection(number, width)
        keys = [column.key for column in COLUMNS]
        if kept.get("sort") in keys:
            descending = kept.get("descending") is True
            self._model.order_by(str(kept["sort"]), descending=descending)
            self._show_sort(keys.index(str(kept["sort"])), descending=descending)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2}:
            self.edit_wanted.emit()
        elif event.key() in {Qt.Key.Key_Home, Qt.Key.Key_End} and not event.modifiers():
            # In a list of whole rows these mean the first and the last row, not the first and the last cell.
            place = 0 if event.key() == Qt.Key.Key_Home else self._model.rowCount() - 1
            self.setCurrentIndex(self._model.index(place, 1))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        self.menu_wanted.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitting:
            self._fit(event.size().width())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._repaint_row(self.currentIndex().row())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._repaint_row(self.currentIndex().row())

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802 - Qt calls this name
        super().currentChanged(current, previous)
        self._repaint_row(previous.row())
        self._repaint_row(current.row())

    def repaint_cells(self) -> None:
        """Paint what is visible again, for what changes with the time."""
        # Never before the first paint: asking for the viewport makes PySide set up every class of widgets.
        self.viewport().update()

    def _fit(self, width: int) -> None:
        """Share the free width between name and tags, until a person sets a width."""
        header = self.horizontalHeader()
        fixed = sum(column.width for column in COLUMNS if column.key not in _FLEXIBLE)
        free = width - fixed
        header.sectionResized.disconnect(self._width_set)
        for number, column in enumerate(COLUMNS):
            least, share = _FLEXIBLE.get(column.key, (0, 0.0))
            if least:
                header.resizeSection(number, max(least, int(free * share)))
        header.sectionResized.connect(self._width_set)

    def _width_set(self, section: int, _before: int, _now: int) -> None:
        # The last section follows the window by itself.
        if section != len(COLUMNS) - 1:
            self._fitting = False

    def _set_up_view(self) -> None:
        self.setAccessibleName("Connections")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(16)

    def _set_up_header(self) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        # The view's own would be asked, at every paint, whether all of a column's rows are selected: 8 s for 100,000.
        header.setSelectionModel(QItemSelectionModel(self._model, header))
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(30)
        header.setSectionsMovable(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(COLUMNS):
            header.resizeSection(number, column.width)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(1, Qt.SortOrder.AscendingOrder)
        header.sectionResized.connect(self._width_set)
        header.sectionClicked.connect(self._header_clicked)

    def _header_clicked(self, section: int) -> None:
        order = self._model.index_of
        key = COLUMNS[section].key
        descending = key == order.column and not order.descending
        self._show_sort(section, descending=descending)
        self.sort_wanted.emit(key, descending)

    def _show_sort(self, section: int, *, descending: bool) -> None:
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(section, order)

    def _follow_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._theme.row_height)

    def _hover(self, place: int) -> None:
        before, self._delegate.hovered = self._delegate.hovered, place
        if place != before:
            self._repaint_row(before)
            self._repaint_row(place)

    def _repaint_row(self, place: int) -> None:
        if 0 <= place < self._model.rowCount():
            for column in range(len(COLUMNS)):
                self.update(self._model.index(place, column))

    def _selection_changed(self) -> None:
        if self._restoring:
            return
        self._take_selection()
        self._current_id = self.current_id()
        self.picked.emit()

    def _select_again(self) -> None:
        """After a reset: select by id what was selected; what is not listed any more is let go."""
        bar = self.verticalScrollBar()
        value = bar.value()
        places = self._model.places(self._selected)
        current = self._model.index_of.place(self._current_id)
        self._select_places(places, -1 if current is None else current)
        bar.setValue(value)
        before = self._selected
        self._take_selection()
        if set(self._selected) != set(before):
            self.picked.emit()

    def _take_selection(self) -> None:
        self._selected = tuple([row.id for row in self.selected_rows()])

    def _select_places(self, places: list[int], current: int) -> None:
        self._restoring = True
        model, last = self._model, len(COLUMNS) - 1
        selection = QItemSelection()
        for top, bottom in _runs(places):
            selection.select(model.index(top, 0), model.index(bottom, last))
        chooser = self.selectionModel()
        chooser.setCurrentIndex(model.index(current, 1) if current >= 0 else QModelIndex(), _SELECT.NoUpdate)
        chooser.select(selection, _SELECT.ClearAndSelect)
        self._restoring = False


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Join sorted places that follow each other into (first, last)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs
