"""Paints the cells of the list: calm rows, words before colours, one drawing call or two for each cell."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTableView

from gui.connections.order_index import lacking, state_of
from gui.connections.table_model import COLUMNS, ConnectionTableModel, cell_text
from gui.theme import Theme, scaled_font
from gui.widgets.pill import PADDING, paint_field, pill_text
from models.connection_row import ConnectionRow

_ONE_LINE = int(Qt.TextFlag.TextSingleLine)
_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft) | _ONE_LINE
_CENTRE = int(Qt.AlignmentFlag.AlignCenter) | _ONE_LINE
_REMEMBERED = 2_000
_TONES = {"enabled": "ok", "disabled": "muted", "incomplete": "warning"}
_GAP = 6
_MARKS = {
    "waiting": ("↑", "waiting", "accent"),
    "conflict": ("≠", "conflict", "error"),
    "refused": ("✕", "refused", "error"),
}
_MARK_WIDTH = 20


class ConnectionDelegate(QStyledItemDelegate):
    """One row is one band: the selection, the line under the mouse and the focus run over all of its cells."""

    def __init__(self, theme: Theme, view: QTableView, model: ConnectionTableModel) -> None:
        super().__init__(view)
        self._theme, self._view, self._model = theme, view, model
        self.hovered = -1
        self._plain = view.font()
        self._bold = scaled_font(self._plain, bold=True)
        self._small = scaled_font(self._plain, 0.86, bold=True)
        self._shortened: dict[tuple[str, int, int], str] = {}
        self._widths: dict[tuple[str, int], int] = {}
        self._metrics = {id(font): QFontMetrics(font) for font in (self._plain, self._bold, self._small)}
        self._pill_height = self._metrics[id(self._small)].height() + 5

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(60, self._theme.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = self._theme
        cell: QRect = option.rect
        place = index.row()
        row = self._model.row_at(place)
        key = COLUMNS[index.column()].key
        # The option's own state would bring in all of QStyle's enumerations before the first row is painted.
        if self._view.selectionModel().isSelected(index):
            painter.fillRect(cell, theme.color("accent_soft"))
        elif place == self.hovered:
            painter.fillRect(cell, theme.color("hover"))
        if self._view.hasFocus() and place == self._view.currentIndex().row():
            # Two lines over the whole row: where the keyboard is, also without a selection.
            painter.fillRect(cell.x(), cell.y(), cell.width(), 1, theme.color("accent"))
            painter.fillRect(cell.x(), cell.bottom(), cell.width(), 1, theme.color("accent"))
        inner = cell.adjusted(_GAP, 0, -_GAP, 0)
        if key == "environment":
            self._paint_environment(painter, inner, row)
        elif key == "tags":
            self._paint_tags(painter, inner, row)
        elif key == "name":
            self._paint_name(painter, inner, row)
        else:
            self._paint_text(painter, inner, row, key)

    def _paint_text(self, painter: QPainter, inner: QRect, row: ConnectionRow, key: str) -> None:
        if key == "state":
            sign = state_of(row)
            self._write(painter, inner, cell_text(row, key), self._bold, self._theme.color(_TONES[sign]), _CENTRE)
            return
        quiet = not row.enabled or key not in {"account_type", "exchange"}
        tone = "live" if key == "live_trade" and row.live_trade else "muted" if quiet else "text"
        font = self._bold if tone == "live" else self._plain
        self._write(painter, inner, cell_text(row, key), font, self._theme.color(tone), _LEFT)

    def _paint_name(self, painter: QPainter, inner: QRect, row: ConnectionRow) -> None:
        if row.color:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(self._theme.color("border"))
            painter.setBrush(QColor(row.color))
            painter.drawRoundedRect(QRectF(inner.x() + 0.5, inner.center().y() - 4.5, 10, 10), 3, 3)
            painter.restore()
            inner = inner.adjusted(18, 0, 0, 0)
        if mark := self._model.index_of.marks.get(row.id):
            sign, word, tone = _MARKS[mark[0]]
            inner = self._paint_mark(painter, inner, row.name, sign, f"{sign} {word}", tone)
        elif row.enabled and (missing := lacking(row)):
            inner = self._paint_mark(painter, inner, row.name, "", f"! {missing} not set", "warning")
        color = self._theme.color("text" if row.enabled else "muted")
        self._write(painter, inner, row.name, self._bold, color, _LEFT)

    def _paint_mark(self, painter: QPainter, inner: QRect, name: str, sign: str, words: str, tone: str) -> QRect:
        """Paint a mark at the name's end, where the eye is, in words where there is room; returns the name's room."""
        after = inner.x() + self._width(name, self._bold) + 8
        width = self._pill_width(words)
        if after + width > inner.right():
            # The tooltip and the detail pane say the rest.
            words, width = sign, _MARK_WIDTH
            if not sign:
                return inner
        left = min(after, inner.right() - width + 1)
        place = QRectF(left, inner.center().y() - 7.5, width, 16)
        self._field(painter, place, words, tone)
        return inner.adjusted(0, 0, -(inner.right() - left + 4), 0)

    def _paint_environment(self, painter: QPainter, inner: QRect, row: ConnectionRow) -> None:
        tone = "live" if row.environment == "live" else "neutral"
        self._pill(painter, inner, cell_text(row, "environment"), tone)

    def _paint_tags(self, painter: QPainter, inner: QRect, row: ConnectionRow) -> None:
        """Paint as many tags as fit, the last place says how many do not."""
        left = inner.x()
        for number, tag in enumerate(row.tags):
            rest = len(row.tags) - number
            free = inner.right() - left
            needed = self._pill_width(tag) + (30 if rest > 1 else 0)
            if free < needed and number > 0:
                more = QRect(left, inner.y(), max(0, free), inner.height())
                self._write(painter, more, f"+{rest}", self._plain, self._theme.color("muted"), _LEFT)
                return
            width = self._pill(painter, QRect(left, inner.y(), min(free, needed), inner.height()), tag, "neutral")
            left += width + 5

    def _pill(self, painter: QPainter, inner: QRect, text: str, tone: str) -> int:
        height = self._pill_height
        width = min(self._pill_width(text), inner.width())
        self._field(painter, QRectF(inner.x(), inner.y() + (inner.height() - height) / 2, width, height), text, tone)
        return width

    def _field(self, painter: QPainter, field: QRectF, text: str, tone: str) -> None:
        key = (text, -1, int(field.width()))
        fitting = self._shortened.get(key)
        if fitting is None:
            fitting = self._remember(key, pill_text(text, self._metrics[id(self._small)], field.width()))
        painter.setFont(self._small)
        paint_field(painter, field, fitting, self._theme.color(tone), self._theme.color(tone + "_soft"))

    def _pill_width(self, text: str) -> int:
        return self._width(text, self._small) + 2 * PADDING

    def _width(self, text: str, font: QFont) -> int:
        key = (text, id(font))
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) >= _REMEMBERED:
                self._widths.clear()
            width = self._widths[key] = self._metrics[id(font)].horizontalAdvance(text)
        return width

    def _write(self, painter: QPainter, field: QRect, text: str, font: QFont, color: QColor, flags: int) -> None:
        painter.setFont(font)
        painter.setPen(color)
        painter.drawText(field, flags, self._elided(text, font, field.width()))

    def _elided(self, text: str, font: QFont, width: int) -> str:
        """Shorten text to a width. Most cells say what others said: measuring is a quarter of what a cell costs."""
        key = (text, id(font), width)
        elided = self._shortened.get(key)
        if elided is None:
            metrics = self._metrics[id(font)]
            elided = self._remember(key, metrics.elidedText(text, Qt.TextElideMode.ElideRight, width))
        return elided

    def _remember(self, key: tuple[str, int, int], text: str) -> str:
        if len(self._shortened) >= _REMEMBERED:
            self._shortened.clear()
        self._shortened[key] = text
        return text
