"""A check box that is as plain in the dark as in the light: the tick says it, the colour only repeats it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QCheckBox

_SIDE = 16
_GAP = 8


class CheckBox(QCheckBox):
    """Paints its own box from the palette; Fusion's outline vanishes on a dark ground."""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        shown = self.text().replace("&&", "&")
        return QSize(_SIDE + _GAP + metrics.horizontalAdvance(shown) + 6, max(_SIDE, metrics.height()) + 6)

    def paintEvent(self, _event: QPaintEvent) -> None:
        palette, on = self.palette(), self.isChecked()
        accent = palette.color(QPalette.ColorRole.Accent if self.isEnabled() else QPalette.ColorRole.Mid)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1.5, (self.height() - _SIDE) / 2 + 0.5, _SIDE - 1, _SIDE - 1)
        focus = self.hasFocus()
        outline = accent if on or focus else palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(outline, 2 if focus else 1))
        painter.setBrush(accent if on else palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(box, 4, 4)
        if on:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.HighlightedText), 2))
            points = ((0.22, 0.52), (0.43, 0.72), (0.78, 0.30))
            painter.drawPolyline([QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in points])
        role = QPalette.ColorRole.WindowText
        group = QPalette.ColorGroup.Normal if self.isEnabled() else QPalette.ColorGroup.Disabled
        painter.setPen(palette.color(group, role))
        field = self.rect().adjusted(_SIDE + _GAP, 0, 0, 0)
        painter.drawText(
            field, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text().replace("&&", "&")
        )
        painter.end()
