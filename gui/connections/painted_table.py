"""The list's view as far as it is looked at: rows as bands, the line under the mouse, the row that has the keyboard."""

from PySide6.QtCore import QEvent, QRect
from PySide6.QtGui import QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QTableView, QWidget

from gui.connections.list_painter import Band, ListPainter
from gui.connections.table_model import COLUMNS, ConnectionTableModel, Index
from gui.theme import Theme


class PaintedTable(QTableView):
    """Paints its rows itself, all that are asked for in one go."""

    def __init__(self, theme: Theme, model: ConnectionTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._model = theme, model
        self._hovered = -1
        self._ground = _ground()
        self.setViewport(self._ground)
        self.setModel(model)
        self._painter = ListPainter(theme, self.font(), model)
        self._follow_theme()
        theme.changed.connect(self._follow_theme)

    def paintEvent(self, event: QPaintEvent) -> None:
        area = event.rect()
        first, last = self.rowAt(area.top()), self.rowAt(area.bottom())
        if first < 0:
            return
        last = last if last >= 0 else self._model.rowCount() - 1
        band = Band(self._model.rows_at(first, last), self.rowViewportPosition(first), self.rowHeight(first))
        shown = [column for column in range(len(COLUMNS)) if not self.isColumnHidden(column)]
        edges = [(self.columnViewportPosition(column), self.columnWidth(column)) for column in shown]
        painter = QPainter(self._ground)
        self._paint_grounds(painter, first, band, (min(edges)[0], max(map(sum, edges))))
        for column, (left, width) in zip(shown, edges, strict=True):
            if left <= area.right() and left + width > area.left():
                self._painter.paint_column(painter, COLUMNS[column].key, left, width, band)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        _repaint_row(self, self.currentIndex().row())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        _repaint_row(self, self.currentIndex().row())

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802 - Qt calls this name
        super().currentChanged(current, previous)
        _repaint_row(self, previous.row())
        _repaint_row(self, current.row())

    def repaint_cells(self) -> None:
        """Paint what is visible again, for what changes with the time."""
        self._ground.update()

    def _paint_grounds(self, painter: QPainter, first: int, band: Band, ends: tuple[int, int]) -> None:
        """One row is one band: the selection, the line under the mouse and the focus run over all of its cells."""
        chooser = self.selectionModel()
        any_selected = chooser.hasSelection()
        focused = self.currentIndex().row() if self.hasFocus() else -1
        for place in range(first, first + len(band.rows)):
            row = QRect(ends[0], band.top + (place - first) * band.height, ends[1] - ends[0], band.height)
            if any_selected and chooser.isSelected(self._model.index(place, 0)):
                painter.fillRect(row, self._theme.color("accent_soft"))
            elif place == self._hovered:
                painter.fillRect(row, self._theme.color("hover"))
            if place == focused:
                self._painter.paint_focus(painter, row)

    def _follow_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self._theme.row_height)

    def _hover(self, place: int) -> None:
        before, self._hovered = self._hovered, place
        if place != before:
            _repaint_row(self, before)
            _repaint_row(self, place)


def _repaint_row(view: QTableView, place: int) -> None:
    model = view.model()
    if 0 <= place < model.rowCount():
        for column in range(len(COLUMNS)):
            view.update(model.index(place, column))


def _ground() -> QWidget:
    """Make what the rows are painted on as Qt does. To be asked for Qt's own, PySide sets up every class of widgets."""
    ground = QWidget()
    ground.setObjectName("qt_scrollarea_viewport")
    ground.setBackgroundRole(QPalette.ColorRole.Base)
    ground.setAutoFillBackground(True)
    return ground
