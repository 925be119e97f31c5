"""Number fields with arrows that are seen in the light and in the dark; the style sheet has no picture for them."""

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox, QWidget

BUTTON_WIDTH = 22
"""The style sheet gives the two buttons this width."""
_PADDING = 8


class SpinBox(QSpinBox):
    """A whole number. Scrolling past it does not change it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _prepare(self)

    def sizeHint(self) -> QSize:
        return _size(self, super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return _size(self, super().minimumSizeHint())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        _paint_arrows(self)


class DecimalBox(QDoubleSpinBox):
    """A number with a fraction. Scrolling past it does not change it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _prepare(self)

    def sizeHint(self) -> QSize:
        return _size(self, super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return _size(self, super().minimumSizeHint())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        _paint_arrows(self)


def _prepare(spin: QAbstractSpinBox) -> None:
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    # The style sheet cannot give its text a margin.
    spin.lineEdit().setTextMargins(_PADDING - 2, 0, 0, 0)


def _size(spin: QAbstractSpinBox, hint: QSize) -> QSize:
    """Return the size of a field that is as high as the others."""
    return QSize(hint.width(), spin.fontMetrics().height() + 12)


def _paint_arrows(spin: QAbstractSpinBox) -> None:
    """Draw the two arrows over the buttons; one that leads nowhere is fainter."""
    painter = QPainter(spin)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    enabled = spin.stepEnabled() if spin.isEnabled() else QAbstractSpinBox.StepEnabledFlag.StepNone
    half = spin.height() // 2
    for flag, top, direction in (
        (QAbstractSpinBox.StepEnabledFlag.StepUpEnabled, 1, -1),
        (QAbstractSpinBox.StepEnabledFlag.StepDownEnabled, half, 1),
    ):
        field = QRect(spin.width() - BUTTON_WIDTH, top, BUTTON_WIDTH - 2, half - 1)
        role = QPalette.ColorRole.WindowText if flag & enabled else QPalette.ColorRole.Mid
        painter.setPen(QPen(spin.palette().color(QPalette.ColorGroup.Active, role), 1.4))
        middle = QPointF(field.center()) + QPointF(0.5, 0.5 - direction)
        painter.drawPolyline(
            [
                middle + QPointF(-3.5, -1.5 * direction),
                middle + QPointF(0, 2 * direction),
                middle + QPointF(3.5, -1.5 * direction),
            ]
        )
    painter.end()
