"""Paints the rows of the list: calm rows, words before colours, and as few calls as there are words.

A delegate would be called for every cell, and while a thread is busy, Python may go to that thread at each of those
calls: the list would be painted for a tenth of a second. Texts are laid out once and kept, since most repeat.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QStaticText, QTextOption

from gui.connections.order_index import lacking, state_of
from gui.connections.table_model import ConnectionTableModel, cell_text
from gui.theme import Theme, scaled_font
from gui.widgets.pill import PADDING, paint_ground, pill_text
from models.connection_row import ConnectionRow

_REMEMBERED = 2_000
_TONES = {"enabled": "ok", "disabled": "muted", "incomplete": "warning"}
_GAP = 6
_MARKS = {
    "waiting": ("↑", "waiting", "accent"),
    "conflict": ("≠", "conflict", "error"),
    "refused": ("✕", "refused", "error"),
}
_MARK_WIDTH = 20
_MARK_HEIGHT = 16
# What plain SQL may have put into a name: a cell is one line.
_ONE_LINE = str.maketrans(dict.fromkeys("\n\r\t\u2028\u2029", " "))


class Band(NamedTuple):
    """Rows that follow each other, with where the first begins and how high each is."""

    rows: Sequence[ConnectionRow]
    top: int
    height: int

    def placed(self) -> Iterator[tuple[int, ConnectionRow]]:
        """Yield every row with its upper edge."""
        return zip(range(self.top, self.top + len(self.rows) * self.height, self.height), self.rows, strict=True)


class _Text(NamedTuple):
    """Words that are laid out for one font, and the size they take."""

    static: QStaticText
    width: float
    height: float


class _Pill(NamedTuple):
    """A short word in a rounded field."""

    field: QRectF
    words: str
    tone: str


class ListPainter:
    """Paints one column after the other: a column's cells have their font in common, and often their colour."""

    def __init__(self, theme: Theme, font: QFont, model: ConnectionTableModel) -> None:
        self._theme, self._model = theme, model
        self._plain = font
        self._bold = scaled_font(self._plain, bold=True)
        self._small = scaled_font(self._plain, 0.86, bold=True)
        self._texts: dict[tuple[str, int, int], _Text] = {}
        self._widths: dict[tuple[str, int], int] = {}
        self._metrics = {id(font): QFontMetrics(font) for font in (self._plain, self._bold, self._small)}
        self._pill_height = self._metrics[id(self._small)].height() + 5
        # As a widget draws text: a name that begins with an Arabic letter stays at the left, too.
        self._option = QTextOption()
        self._option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self._option.setWrapMode(QTextOption.WrapMode.NoWrap)
        self._columns: dict[str, Callable[[QPainter, int, int, Band], None]] = {
            "state": self._paint_states,
            "name": self._paint_names,
            "environment": self._paint_environments,
            "tags": self._paint_tags,
        }

    def paint_focus(self, painter: QPainter, field: QRect) -> None:
        """Paint two lines over a whole row: where the keyboard is, also without a selection."""
        accent = self._theme.color("accent")
        painter.fillRect(field.x(), field.y(), field.width(), 1, accent)
        painter.fillRect(field.x(), field.bottom(), field.width(), 1, accent)

    def paint_column(self, painter: QPainter, key: str, left: int, width: int, band: Band) -> None:
        paint = self._columns.get(key)
        if paint is not None:
            paint(painter, left + _GAP, width - 2 * _GAP, band)
        else:
            self._paint_words(painter, key, left + _GAP, width - 2 * _GAP, band)

    def _paint_words(self, painter: QPainter, key: str, left: int, width: int, band: Band) -> None:
        loud = key in {"account_type", "exchange"}
        for top, row in band.placed():
            tone = "live" if key == "live_trade" and row.live_trade else "text" if loud and row.enabled else "muted"
            font = self._bold if tone == "live" else self._plain
            self._write(painter, QRect(left, top, width, band.height), cell_text(row, key), font, tone)

    def _paint_states(self, painter: QPainter, left: int, width: int, band: Band) -> None:
        painter.setFont(self._bold)
        for top, row in band.placed():
            painter.setPen(self._theme.color(_TONES[state_of(row)]))
            text = self._text(cell_text(row, "state"), self._bold, width)
            self._centre(painter, QRectF(left, top, width, band.height), text)

    def _paint_names(self, painter: QPainter, left: int, width: int, band: Band) -> None:
        pills: list[_Pill] = []
        names: list[tuple[QRect, ConnectionRow]] = []
        for top, row in band.placed():
            inner = QRect(left, top, width, band.height)
            if row.color:
                self._paint_color(painter, inner, row.color)
                inner.setLeft(inner.left() + 18)
            if mark := self._model.index_of.marks.get(row.id):
                sign, word, tone = _MARKS[mark[0]]
                inner = self._mark(pills, inner, row.name, sign, f"{sign} {word}", tone)
            elif row.enabled and (missing := lacking(row)):
                inner = self._mark(pills, inner, row.name, "", f"! {missing} not set", "warning")
            names.append((inner, row))
        self._paint_pills(painter, pills)
        for inner, row in names:
            self._write(painter, inner, row.name, self._bold, "text" if row.enabled else "muted")

    def _paint_color(self, painter: QPainter, inner: QRect, color: str) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.color("border"))
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(inner.x() + 0.5, inner.center().y() - 4.5, 10, 10), 3, 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _mark(self, pills: list[_Pill], inner: QRect, name: str, sign: str, words: str, tone: str) -> QRect:
        """Put a mark at the name's end, where the eye is, in words where there is room; returns the name's room."""
        after = inner.x() + self._width(name, self._bold) + 8
        width = self._pill_width(words)
        if after + width > inner.right():
            # The tooltip and the detail pane say the rest.
            words, width = sign, _MARK_WIDTH
            if not sign:
                return inner
        left = min(after, inner.right() - width + 1)
        pills.append(_Pill(QRectF(left, inner.center().y() - 7.5, width, _MARK_HEIGHT), words, tone))
        return inner.adjusted(0, 0, -(inner.right() - left + 4), 0)

    def _paint_environments(self, painter: QPainter, left: int, width: int, band: Band) -> None:
        pills: list[_Pill] = []
        for top, row in band.placed():
            tone = "live" if row.environment == "live" else "neutral"
            self._pill(pills, QRect(left, top, width, band.height), cell_text(row, "environment"), tone)
        self._paint_pills(painter, pills)

    def _paint_tags(self, painter: QPainter, left: int, width: int, band: Band) -> None:
        """Paint as many tags as fit, the last place says how many do not."""
        pills: list[_Pill] = []
        right = left + width - 1
        for top, row in band.placed():
            place = left
            for number, tag in enumerate(row.tags):
                rest = len(row.tags) - number
                free = right - place
                needed = self._pill_width(tag) + (30 if rest > 1 else 0)
                if free < needed and number > 0:
                    more = QRect(place, top, max(0, free), band.height)
                    self._write(painter, more, f"+{rest}", self._plain, "muted")
                    break
                place += self._pill(pills, QRect(place, top, min(free, needed), band.height), tag, "neutral") + 5
        self._paint_pills(painter, pills)

    def _pill(self, pills: list[_Pill], inner: QRect, text: str, tone: str) -> int:
        height = self._pill_height
        width = min(self._pill_width(text), inner.width())
        top = inner.y() + (inner.height() - height) / 2
        pills.append(_Pill(QRectF(inner.x(), top, width, height), text, tone))
        return width

    def _paint_pills(self, painter: QPainter, pills: list[_Pill]) -> None:
        """Paint the fields of all, then the words of all: what they share is set once."""
        if not pills:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for field, _words, tone in pills:
            paint_ground(painter, field, self._theme.color(tone + "_soft"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setFont(self._small)
        for field, words, tone in pills:
            painter.setPen(self._theme.color(tone))
            self._centre(painter, field, self._pill_text(words, field.width()))

    def _pill_width(self, text: str) -> int:
        return self._width(text, self._small) + 2 * PADDING

    def _width(self, text: str, font: QFont) -> int:
        key = (text, id(font))
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) >= _REMEMBERED:
                self._widths.clear()
            width = self._widths[key] = self._metrics[id(font)].horizontalAdvance(text.translate(_ONE_LINE))
        return width

    def _write(self, painter: QPainter, field: QRect, words: str, font: QFont, tone: str) -> None:
        painter.setFont(font)
        painter.setPen(self._theme.color(tone))
        text = self._text(words, font, field.width())
        painter.drawStaticText(QPointF(field.x(), field.y() + (field.height() - text.height) / 2), text.static)

    @staticmethod
    def _centre(painter: QPainter, field: QRectF, text: _Text) -> None:
        x, y = field.x() + (field.width() - text.width) / 2, field.y() + (field.height() - text.height) / 2
        painter.drawStaticText(QPointF(x, y), text.static)

    def _text(self, words: str, font: QFont, width: int) -> _Text:
        """Lay out what of a text fits into a width."""
        key = (words, id(font), width)
        text = self._texts.get(key)
        if text is None:
            fitting = self._metrics[id(font)].elidedText(words.translate(_ONE_LINE), Qt.TextElideMode.ElideRight, width)
            text = self._lay_out(key, fitting, font)
        return text

    def _pill_text(self, words: str, width: float) -> _Text:
        key = (words, -1, int(width))
        text = self._texts.get(key)
        if text is None:
            fitting = pill_text(words.translate(_ONE_LINE), self._metrics[id(self._small)], width)
            text = self._lay_out(key, fitting, self._small)
        return text

    def _lay_out(self, key: tuple[str, int, int], words: str, font: QFont) -> _Text:
        static = QStaticText(words)
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.setTextOption(self._option)
        static.prepare(font=font)
        size = static.size()
        if len(self._texts) >= _REMEMBERED:
            self._texts.clear()
        text = self._texts[key] = _Text(static, size.width(), size.height())
        return text
