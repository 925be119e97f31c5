"""The table of the log: paints its lines itself, in as few calls as there are words.

A delegate takes a dozen calls for a cell, and while a thread logs, Python may go to it at each of them.
"""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent

from gui.activity.log_model import MARK_ROLE, TONE_ROLE, Column, LogModel
from gui.theme import Theme, scaled_font
from gui.widgets.toned_table import TonedTable

_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextSingleLine)
_INSET, _MARK_WIDTH = 3, 18
_LONGEST = 1_000
"""Letters of a message that are laid out; nobody's screen shows more of one line."""


class LogTable(TonedTable):
    """A mark stands before the word of a level: its colour is never alone."""

    def __init__(self, theme: Theme, model: LogModel) -> None:
        super().__init__(theme, TONE_ROLE, MARK_ROLE, name="Log", dense=True)
        self._lines = model
        self._bold = scaled_font(self.font(), bold=True)
        self._metrics = QFontMetrics(self.font())
        self._widest = max(1, self._metrics.maxWidth())
        self.setModel(model)

    def paintEvent(self, event: QPaintEvent) -> None:
        area = event.rect()
        first, last = self.rowAt(area.top()), self.rowAt(area.bottom())
        if first < 0:
            return
        last = last if last >= 0 else self._lines.rowCount() - 1
        height, top = self.rowHeight(first), self.rowViewportPosition(first)
        width = self.viewport().width()
        painter = QPainter(self.viewport())
        painter.setFont(self.font())
        self._paint_ground(painter, QRect(0, top, width, height), first, last)
        for column in Column:
            left, wide = self.columnViewportPosition(column), self.columnWidth(column)
            if column is Column.LEVEL:
                self._paint_marks(painter, QRect(left + _INSET, top, _MARK_WIDTH, height), first, last)
                left, wide = left + _MARK_WIDTH - _INSET, wide - _MARK_WIDTH + _INSET
            self._paint_words(painter, QRect(left + _INSET, top, wide - 2 * _INSET, height), (first, last), column)
        painter.end()

    def _paint_ground(self, painter: QPainter, field: QRect, first: int, last: int) -> None:
        """Paint the selection, and two lines where the keyboard is."""
        top, height = field.top(), field.height()
        selection = self.selectionModel().selection()
        for number in range(selection.size()):
            chosen = selection.at(number)
            begin, end = max(first, chosen.top()), min(last, chosen.bottom())
            if begin <= end:
                y = top + (begin - first) * height
                painter.fillRect(0, y, field.width(), (end - begin + 1) * height, self._theme.color("accent_soft"))
        row = self.currentIndex().row()
        if self.hasFocus() and first <= row <= last:
            y, accent = top + (row - first) * height, self._theme.color("accent")
            painter.fillRect(0, y, field.width(), 1, accent)
            painter.fillRect(0, y + height - 1, field.width(), 1, accent)

    def _paint_marks(self, painter: QPainter, field: QRect, first: int, last: int) -> None:
        painter.setFont(self._bold)
        y = field.top()
        for row in range(first, last + 1):
            _text, tone, mark = self._lines.cell(row, Column.LEVEL)
            painter.setPen(self._color(tone))
            painter.drawText(field.left(), y, field.width(), field.height(), _LEFT, mark)
            y += field.height()
        painter.setFont(self.font())

    def _paint_words(self, painter: QPainter, field: QRect, rows: tuple[int, int], column: Column) -> None:
        left, y, width, height = field.left(), field.top(), field.width(), field.height()
        cell, pen, surely = self._lines.cell, None, width // self._widest
        for row in range(rows[0], rows[1] + 1):
            text, tone, _mark = cell(row, column)
            if tone != pen:
                painter.setPen(self._color(tone))
                pen = tone
            if len(text) > surely:
                text = self._metrics.elidedText(text[:_LONGEST], Qt.TextElideMode.ElideRight, width)
            painter.drawText(left, y, width, height, _LEFT, text)
            y += height

    def _color(self, tone: str) -> QColor:
        return self._theme.color(tone or "text")
