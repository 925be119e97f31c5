"""Fields that narrow a list: the search field and the chips with a choice each."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence, Qt
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from gui.widgets.buttons import Button
from gui.widgets.labels import plain_caption, repolish


class SearchField(QLineEdit):
    """Emits textChanged as one types; Escape clears, arrow down and Enter go to the list (`leave`)."""

    leave = Signal()

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName("Search")
        self.setAccessibleDescription(placeholder)
        self.setMaxLength(200)
        self.textChanged.connect(self._offer_to_clear)

    def _offer_to_clear(self, text: str) -> None:
        # Its icon takes longer to load than the rest of the page; nobody needs it before there is a text.
        if text and not self.isClearButtonEnabled():
            self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Cancel) and self.text():
            self.clear()
        elif event.key() in {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.leave.emit()
        else:
            super().keyPressEvent(event)


class FilterChip(Button):
    """A chip that shows one choice and offers the others in a menu. `chosen` carries the value, "" for all."""

    chosen = Signal(str)

    def __init__(self, name: str, everything: str, parent: QWidget | None = None) -> None:
        super().__init__(everything, tone="chip", parent=parent)
        self._name, self._everything = name, everything
        self.value = ""
        self._choices: list[tuple[str, str]] = []
        self._menu: QMenu | None = None
        self.clicked.connect(self._open)
        self._show()

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer (value, text) pairs; the choice made stays, also where it is not offered any more."""
        self._choices = list(choices)
        self._show()

    def choose(self, value: str) -> None:
        if value != self.value:
            self.value = value
            self._show()
            self.chosen.emit(value)

    def _show(self) -> None:
        text = dict(self._choices).get(self.value, self.value) if self.value else self._everything
        short = text if len(text) <= 24 else text[:23] + "…"
        self.setText(f"{plain_caption(short)}  ▾")
        self.setAccessibleName(f"{self._name}: {text}")
        active = "true" if self.value else "false"
        if self.property("active") != active:
            self.setProperty("active", active)
            repolish(self)

    def _open(self) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = menu = QMenu(self)
        group = QActionGroup(menu)
        for value, text in [("", self._everything), *self._choices]:
            action = QAction(plain_caption(text), menu)
            action.setCheckable(True)
            action.setChecked(value == self.value)
            action.triggered.connect(lambda _checked, value=value: self.choose(value))
            group.addAction(action)
            menu.addAction(action)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))
