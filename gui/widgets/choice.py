"""Fields that save as soon as they are changed, and are never changed by scrolling past them."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from gui.widgets.spin_box import SpinBox

_PADDING, _ARROW = 8, 22
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class RoundedCombo(QComboBox):
    """A closed list that looks like the other fields; never changed by scrolling past it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width() + _PADDING, self.fontMetrics().height() + 12)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, _event: QPaintEvent) -> None:
        palette, focus = self.palette(), self.hasFocus()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QPalette.ColorRole.Accent if focus else QPalette.ColorRole.Mid
        width = 2 if focus else 1
        painter.setPen(QPen(palette.color(frame), width))
        painter.setBrush(
            palette.color(QPalette.ColorRole.Base if self.isEnabled() else QPalette.ColorRole.AlternateBase)
        )
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 6, 6)
        words = self.rect().adjusted(_PADDING, 0, -_ARROW, 0)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        shown = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, int(_MIDDLE | Qt.AlignmentFlag.AlignLeft), shown)
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(self.rect().adjusted(0, 0, -_PADDING, 0), int(_MIDDLE | Qt.AlignmentFlag.AlignRight), "▾")
        painter.end()


class Choice(RoundedCombo):
    """One of a few words. `picked` carries the value when a person chooses; `set_value` says nothing."""

    picked = Signal(str)

    def __init__(self, name: str, choices: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        for value, text in choices:
            self.addItem(text, value)
        self.activated.connect(lambda _index: self.picked.emit(self.value))

    @property
    def value(self) -> str:
        return str(self.currentData())

    def set_value(self, value: str) -> None:
        self.setCurrentIndex(max(0, self.findData(value)))


class Number(SpinBox):
    """A small number. `picked` carries it when a person is done with it; `set_value` says nothing."""

    picked = Signal(int)

    def __init__(self, name: str, least: int, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known = least
        self.setAccessibleName(name)
        self.setRange(least, most)
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self._say)

    def set_value(self, value: int) -> None:
        self._known = value
        self.setValue(value)

    def _say(self, value: int) -> None:
        if value != self._known:
            self._known = value
            self.picked.emit(value)
