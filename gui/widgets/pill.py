"""Pills: short words in a rounded field, painted the same in tables and in panes."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme, scaled_font
from gui.widgets.labels import show_part

PADDING = 10
_SHRINK = 0.86
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)


def pill_width(text: str, metrics: QFontMetrics) -> int:
    return metrics.horizontalAdvance(text) + 2 * PADDING


def paint_pill(painter: QPainter, field: QRectF, text: str, color: QColor, background: QColor) -> None:
    """Paint `text` centred in the rounded `field`, in the painter's font; shortens what does not fit."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    paint_ground(painter, field, background)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(color)
    painter.drawText(field, _CENTRE, pill_text(text, painter.fontMetrics(), field.width()))


def paint_ground(painter: QPainter, field: QRectF, background: QColor) -> None:
    """Paint the rounded field itself, smooth and without a pen if the painter is."""
    painter.setBrush(background)
    radius = min(8.0, field.height() / 2)
    painter.drawRoundedRect(field, radius, radius)


def pill_text(text: str, metrics: QFontMetrics, width: float) -> str:
    """Return what of a text fits into a pill of that width."""
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(width) - 8)


class Pill(QWidget):
    """A word with a tone: ok, warning, error, live, neutral or accent. The word says it all; colour only repeats it."""

    def __init__(self, theme: Theme, text: str = "", tone: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFont(scaled_font(self.font(), _SHRINK, bold=True))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.set(text, tone)

    def set(self, text: str, tone: str) -> None:
        self.text, self.tone = text, tone
        self.setAccessibleName(text)
        show_part(self, shown=bool(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(min(pill_width(self.text, metrics), 220), metrics.height() + 5)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        field = QRectF(self.rect())
        paint_pill(painter, field, self.text, theme.color(self.tone), theme.color(self.tone + "_soft"))
        painter.end()
