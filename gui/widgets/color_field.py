"""A colour: a few to choose from, by mouse or by arrow keys, and the number of any other."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLineEdit, QWidget

PALETTE = (
    ("", "No colour"),
    ("#d1373f", "Red"),
    ("#d9730d", "Orange"),
    ("#c9a400", "Yellow"),
    ("#2b9348", "Green"),
    ("#0f8f8f", "Teal"),
    ("#1f6feb", "Blue"),
    ("#7d4cdb", "Violet"),
    ("#c2427f", "Pink"),
)
"""Values and names; each can be told from its neighbours on a light and on a dark ground."""
_SIDE = 18
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


class ColorField(QWidget):
    """The text of `input` is the value; a swatch writes it there. `changed` comes with every edit."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.input = QLineEdit()
        self.input.setPlaceholderText("#1f6feb")
        self.input.setMaxLength(20)
        self.input.setMinimumWidth(74)
        self.swatches = tuple(_Swatch(value, name) for value, name in PALETTE)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for number, swatch in enumerate(self.swatches):
            swatch.clicked.connect(lambda _on, value=swatch.value: self._take(value))
            swatch.moved.connect(lambda step, number=number: self._go(number + step))
            row.addWidget(swatch)
        row.addSpacing(6)
        row.addWidget(self.input, 1)
        self.input.textChanged.connect(self._show)
        self.setFocusProxy(self.input)
        self._show()

    def value(self) -> str:
        return self.input.text().strip()

    def set_value(self, value: str) -> None:
        self.input.setText(value)

    def _take(self, value: str) -> None:
        self.set_value(value)
        # A second click on the same one has taken its tick away.
        self._show()

    def _go(self, number: int) -> None:
        swatch = self.swatches[number % len(self.swatches)]
        swatch.setFocus(Qt.FocusReason.TabFocusReason)
        self.set_value(swatch.value)

    def _show(self) -> None:
        """Mark the swatch of the value; a colour of one's own has none. Tab stops at one of them, as at a list."""
        value = self.value().lower()
        values = [swatch.value for swatch in self.swatches]
        stop = values.index(value) if value in values else 0
        for number, swatch in enumerate(self.swatches):
            swatch.setChecked(swatch.value == value)
            swatch.setFocusPolicy(Qt.FocusPolicy.StrongFocus if number == stop else Qt.FocusPolicy.ClickFocus)
        self.changed.emit()


class _Swatch(QAbstractButton):
    """One colour of the palette; a tick says that it is the one, an oblique line that it is none."""

    moved = Signal(int)

    def __init__(self, value: str, name: str) -> None:
        super().__init__()
        self.value = value
        self.setCheckable(True)
        self.setAccessibleName(f"Colour: {name.lower()}")
        self.setToolTip(f"{name} {value}".strip())

    def sizeHint(self) -> QSize:
        return QSize(_SIDE + 4, _SIDE + 4)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.moved.emit(step)

    def paintEvent(self, _event: QPaintEvent) -> None:
        palette = self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.hasFocus():
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Accent), 2))
            painter.drawRoundedRect(whole, 7, 7)
        disc = QRectF(0, 0, _SIDE - 4, _SIDE - 4)
        disc.moveCenter(whole.center())
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(QColor(self.value) if self.value else palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(disc, 5, 5)
        if self.isChecked():
            color = QColor("#ffffff") if self.value else palette.color(QPalette.ColorRole.Text)
            painter.setPen(QPen(color, 2))
            steps = ((0.22, 0.52), (0.43, 0.72), (0.78, 0.30))
            painter.drawPolyline([QPointF(disc.x() + x * disc.width(), disc.y() + y * disc.height()) for x, y in steps])
        elif not self.value:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.PlaceholderText), 1.4))
            painter.drawLine(disc.bottomLeft() + QPointF(3.5, -3.5), disc.topRight() + QPointF(-3.5, 3.5))
        painter.end()
