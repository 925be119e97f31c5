"""A table of plain lines: rows of one height, no grid, cells that may carry a tone beside their words."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from gui.theme import Theme, scaled_font
from gui.widgets.copying import copy_rows

_INSET, _MARK_WIDTH = 3, 18
_LEAST, _NARROWEST = 96, 0.6
"""Pixels that the stretched column keeps, and the share of their width that the others keep at the least."""
_Index = QModelIndex | QPersistentModelIndex
_GROUPS = (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive)


class TonedTable(QTableView):
    """A read-only table. A model gives the tone of a cell (a colour token, or "") under `tone_role`.

    Under `mark_role` it gives a mark with its tone, painted before the words: colour is never alone.
    """

    def __init__(self, theme: Theme, tone_role: int, mark_role: int, *, name: str, dense: bool = False) -> None:
        super().__init__()
        self._theme, self._dense = theme, dense
        self._widths: dict[Any, int] = {}
        self._share = 0.0
        self.setAccessibleName(name)
        self.setItemDelegate(_ToneDelegate(theme, tone_role, mark_role, self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # Tab goes on to the next part of the page; the arrow keys move inside.
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        # The words of the header begin where those of the cells do.
        header.setStyleSheet(f"QHeaderView::section {{ padding: 4px {_INSET}px; }}")
        theme.changed.connect(self._follow)
        self._follow()

    def set_widths(self, widths: Mapping[Any, int], stretch: int) -> None:
        """Give columns their width in pixels; `stretch` takes what is left. In a narrow window all give way."""
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        self._widths, self._share = dict(widths), 0.0
        self._fit()
        header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Leave the stretched column its least; widths that a person set stay while the window has room for all."""
        wanted = sum(self._widths.values())
        share = max(_NARROWEST, min(1.0, (self.viewport().width() - _LEAST) / wanted)) if wanted else 1.0
        if share == self._share:
            return
        self._share = share
        for column, width in self._widths.items():
            self.horizontalHeader().resizeSection(column, int(width * share))

    def selected_rows(self) -> list[int]:
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            copy_rows(self)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if not self.viewport().rect().intersects(self.visualRect(self.currentIndex())):
            # The arrow keys begin where a person looks. Nothing is selected by that, and nothing scrolls.
            first = self.indexAt(QPoint(1, self.rowHeight(0) // 2))
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def _follow(self) -> None:
        height = self._theme.row_height
        self.verticalHeader().setDefaultSectionSize(max(22, height - 10) if self._dense else height - 6)
        self.viewport().update()


class _ToneDelegate(QStyledItemDelegate):
    """Paints a cell in the colour of its tone, selected or not; the focus is two lines along its whole row."""

    def __init__(self, theme: Theme, tone_role: int, mark_role: int, parent: QTableView) -> None:
        super().__init__(parent)
        self._view = parent
        self._theme, self._tone_role, self._mark_role = theme, tone_role, mark_role

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        self._paint_words(painter, option, index)
        if self._view.hasFocus() and index.row() == self._view.currentIndex().row():
            cell, accent = option.rect, self._theme.color("accent")
            painter.fillRect(cell.x(), cell.y(), cell.width(), 1, accent)
            painter.fillRect(cell.x(), cell.bottom(), cell.width(), 1, accent)

    def _paint_words(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        mark = index.data(self._mark_role)
        if mark is None:
            super().paint(painter, option, index)
            return
        sign, tone = mark
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(option.rect, self._theme.color("accent_soft"))
        field = option.rect.adjusted(_INSET, 0, 0, 0)
        words = QStyleOptionViewItem(option)
        words.rect = option.rect.adjusted(_MARK_WIDTH, 0, 0, 0)
        super().paint(painter, words, index)
        painter.save()
        painter.setFont(scaled_font(option.font, bold=True))
        painter.setPen(self._theme.color(tone))
        painter.drawText(field, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), sign)
        painter.restore()

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        token = index.data(self._tone_role) or "text"
        color = self._theme.color(token)
        palette = option.palette
        for group in _GROUPS:
            palette.setColor(group, QPalette.ColorRole.Text, color)
            palette.setColor(group, QPalette.ColorRole.HighlightedText, color)
        option.palette = palette
        option.state &= ~QStyle.StateFlag.State_HasFocus
