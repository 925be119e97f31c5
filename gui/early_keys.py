"""Keys that were pressed while the window was still empty: they act once it is filled."""

from collections.abc import Sequence

from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

from gui.widgets.keyboard import keyboard_in


def press(keys: Sequence[QKeyEvent], window: QWidget) -> None:
    """Give each to its shortcut, or to what has the keyboard. Qt itself looks for shortcuts in new events only."""
    for event in keys:
        wanted = QKeySequence(event.keyCombination())
        shortcut = next((each for each in window.findChildren(QShortcut) if each.key() == wanted), None)
        focus = keyboard_in(window)
        if shortcut is not None:
            shortcut.activated.emit()
        elif focus is not None:
            QApplication.sendEvent(focus, event)
