"""Where the keyboard is in a window, or will be when the dialog over it closes."""

from PySide6.QtWidgets import QWidget


def keyboard_in(part: QWidget) -> QWidget | None:
    """Return what has the keyboard in the window of `part`."""
    return part.window().focusWidget()


def holds_keyboard(part: QWidget) -> bool:
    focus = keyboard_in(part)
    return focus is not None and part.isAncestorOf(focus)
