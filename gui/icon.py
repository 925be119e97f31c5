"""The program's icon, painted: no file to find, sharp at every size (resources/ has the same drawing as SVG)."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

_SIDE = 64
_LINES = ((22, 36), (32, 46), (42, 30))
_DOTS = ((46, 22, "#7ee2a0"), (42, 42, "#d6e6ff"))
SIZES = (16, 24, 32, 48, 64, 128, 256)


def program_icon() -> QIcon:
    """Return the icon in every size that a desktop asks for."""
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(_draw(size))
    return icon


def _draw(size: int) -> QPixmap:
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / _SIDE, size / _SIDE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#1f6feb"))
    painter.drawRoundedRect(QRectF(2, 2, 60, 60), 14, 14)
    painter.setPen(QPen(QColor("#ffffff"), 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for y, end in _LINES:
        painter.drawLine(QPointF(18, y), QPointF(end, y))
    painter.setPen(Qt.PenStyle.NoPen)
    for x, y, color in _DOTS:
        painter.setBrush(QColor(color))
        painter.drawEllipse(QPointF(x, y), 5, 5)
    painter.end()
    return picture
