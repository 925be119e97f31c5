"""One setting: its name, its field, what it means, and why a change was refused."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.widgets.labels import PlainLabel, show_part

NAME_WIDTH = 150


class SettingRow(QWidget):
    """Shows `field` beside `name`; `hint` stands under it, a refusal under that."""

    def __init__(self, name: str, field: QWidget, hint: str = "") -> None:
        super().__init__()
        self.refusal = PlainLabel(tone="error", wrap=True, selectable=True)
        self.refusal.hide()
        self.hint = PlainLabel(hint, tone="muted", wrap=True, selectable=True)
        show_part(self.hint, shown=bool(hint))
        label = PlainLabel(name)
        label.setBuddy(field)
        label.setMinimumWidth(NAME_WIDTH)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(field, 0, 1)
        grid.addWidget(self.hint, 1, 1)
        grid.addWidget(self.refusal, 2, 1)

    def refuse(self, text: str) -> None:
        """Say why the value stays as it was; "" takes it back."""
        self.refusal.setText(text)
        self.refusal.setVisible(bool(text))

    def set_hint(self, text: str, tone: str = "muted") -> None:
        self.hint.setText(text)
        self.hint.set_tone(tone)
        self.hint.setVisible(bool(text))
