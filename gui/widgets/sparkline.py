"""A small plot of recent values, painted by hand: the line, its last value, the middle and the worst."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme, scaled_font

_HEIGHT, _INSET, _AXIS = 120, 10, 58
_FLOOR = 1.0
_FEWEST = 2


class Sparkline(QWidget):
    """Milliseconds, oldest first. `p50` and `p95` are drawn as lines with their names; None where not known."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name = theme, name
        self._samples: tuple[float, ...] = ()
        self._p50: float | None = None
        self._p95: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(scaled_font(self.font(), 0.86))
        self.setAccessibleName(f"{name}: no values yet")
        theme.changed.connect(self.update)

    def show_samples(self, samples: Sequence[float], p50: float | None, p95: float | None) -> None:
        self._samples, self._p50, self._p95 = tuple(samples), p50, p95
        last = f"last {self._samples[-1]:.1f} ms" if self._samples else "no values yet"
        lines = [f"{word} {value:.1f} ms" for word, value in (("p50", p50), ("p95", p95)) if value is not None]
        self.setAccessibleName(f"{self._name}: {', '.join([last, *lines])}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(360, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        ground = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.color("line"))
        painter.setBrush(theme.color("window"))
        painter.drawRoundedRect(ground, 6, 6)
        field = ground.adjusted(_INSET, _INSET, -_INSET - _AXIS, -_INSET)
        if len(self._samples) < _FEWEST:
            painter.setPen(theme.color("muted"))
            painter.drawText(ground, int(Qt.AlignmentFlag.AlignCenter), "Measured once the database answers.")
        else:
            top = max(*self._samples, self._p95 or 0.0, _FLOOR) * 1.08
            self._paint_levels(painter, field, top)
            self._paint_line(painter, field, top)
        painter.end()

    def _paint_levels(self, painter: QPainter, field: QRectF, top: float) -> None:
        places: list[float] = []
        for word, value in (("p95", self._p95), ("p50", self._p50)):
            if value is None:
                continue
            y = field.bottom() - value / top * field.height()
            painter.setPen(QPen(self._theme.color("border"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(field.left(), y), QPointF(field.right(), y))
            # Two levels that lie close together keep their words apart.
            line = painter.fontMetrics().height()
            written = max([y, *(place + line for place in places)])
            places.append(written)
            painter.setPen(self._theme.color("muted"))
            words = QRectF(field.right() + 8, min(written, field.bottom()) - line / 2, _AXIS + 2, line)
            painter.drawText(
                words, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), f"{word} {value:.1f}"
            )

    def _paint_line(self, painter: QPainter, field: QRectF, top: float) -> None:
        step = field.width() / (len(self._samples) - 1)
        points = [
            QPointF(field.left() + number * step, field.bottom() - value / top * field.height())
            for number, value in enumerate(self._samples)
        ]
        accent = self._theme.color("accent")
        below = QPolygonF([QPointF(field.left(), field.bottom()), *points, QPointF(field.right(), field.bottom())])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent_soft"))
        painter.drawPolygon(below)
        painter.setPen(QPen(accent, 1.6))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(points[-1], 3, 3)
