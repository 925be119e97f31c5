"""Buttons: one look, told apart by tone; every one has a name for a screen reader."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QWidget

from gui.widgets.keyboard import keyboard_in
from gui.widgets.labels import plain_caption, plain_tooltip


class Button(QPushButton):
    """A push button with plain text. `tone` is "", primary, danger, link, chip or status."""

    def __init__(
        self,
        text: str,
        clicked: Callable[[], object] | None = None,
        *,
        tone: str = "",
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        if tone:
            self.setProperty("tone", tone)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoDefault(False)
        self.set_text(text)
        self._hint = hint
        self._lent_to: QWidget | None = None
        self._describe(hint)
        if clicked is not None:
            self.clicked.connect(lambda: clicked())  # noqa: PLW0108 - keeps the signal's `checked` from the call

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Qt lets Enter press automatic default buttons only, and those would answer from any other field, too.
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def setEnabled(self, enabled: bool) -> None:  # noqa: N802 - Qt calls it so
        """What is disabled while something runs gets the keyboard back after it, unless a person took it elsewhere."""
        # Also where a dialog has the keyboard now: it comes back to this when that closes.
        held = not enabled and keyboard_in(self) is self
        super().setEnabled(enabled)
        if held:
            self._lent_to = keyboard_in(self)
        elif enabled and self._lent_to is not None:
            unmoved, self._lent_to = self._lent_to is keyboard_in(self), None
            if unmoved and self.isVisible():
                self.setFocus()

    def set_reason(self, reason: str) -> None:
        """Enable it, or disable it and say why; the hint comes back with ""."""
        self.setEnabled(not reason)
        self._describe(reason or self._hint)

    def _describe(self, text: str) -> None:
        if text != self.accessibleDescription():
            self.setToolTip(plain_tooltip(text))
            self.setAccessibleDescription(text)

    def set_text(self, text: str) -> None:
        self.setText(plain_caption(text))
        self.setAccessibleName(text)
