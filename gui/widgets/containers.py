"""Frames that hold other parts: cards, lists of key and value, what stands where there is nothing to show."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.widgets.labels import PlainLabel, section_title


class CardFrame(QFrame):
    """A quiet frame with an optional heading; put the content into `body`, buttons into `head`."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 12, 16, 14)
        self.body.setSpacing(8)
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        if title:
            self.setAccessibleName(title)
            self.head.addWidget(section_title(title))
            self.head.addStretch(1)
            self.body.addLayout(self.head)


class KeyValueList(QWidget):
    """Lines of a muted key and a selectable value; a value may be changed in place by its key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(7)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, PlainLabel] = {}

    def set(self, key: str, value: str, tone: str = "") -> None:
        """Show `value` for `key`; a new key goes to the end."""
        label = self._values.get(key)
        if label is None:
            label = self._add(key)
        label.setText(value)
        label.set_tone(tone)
        label.setAccessibleName(f"{key}: {value}")

    def fill(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show exactly these lines, in this order."""
        if list(self._values) != [key for key, _value in lines]:
            self.clear()
        for key, value in lines:
            self.set(key, value)

    def value(self, key: str) -> str:
        label = self._values.get(key)
        return label.text() if label is not None else ""

    def clear(self) -> None:
        clear_layout(self._grid)
        self._values.clear()

    def _add(self, key: str) -> PlainLabel:
        row = len(self._values)
        name = PlainLabel(key, tone="muted")
        value = PlainLabel(wrap=True, selectable=True)
        value.setMinimumWidth(40)
        value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._values[key] = value
        return value


class EmptyState(QWidget):
    """What stands where a list is empty: a sentence, what to do, and the buttons that do it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 24, 32, 48)
        column.setSpacing(10)
        self.heading = PlainLabel(role="title", wrap=True)
        self.text = PlainLabel(tone="muted", wrap=True, selectable=True)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        column.addStretch(2)
        for label in (self.heading, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setMaximumWidth(560)
            label.setMinimumWidth(120)
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(label, 20)
            row.addStretch(1)
            column.addLayout(row)
        column.addSpacing(6)
        column.addLayout(self._buttons)
        column.addStretch(3)

    def show_text(self, heading: str, text: str, buttons: Sequence[QWidget] = ()) -> None:
        """Show this and only this; the buttons given before are dropped."""
        self.heading.setText(heading)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.setAccessibleName(f"{heading} {text}".strip())
        clear_layout(self._buttons)
        self._buttons.addStretch(1)
        for button in buttons:
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)


def clear_layout(layout: QLayout) -> None:
    """Take everything out of a layout and delete the widgets in it."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
