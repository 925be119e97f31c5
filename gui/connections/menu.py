"""The menu of the selection: by mouse, or by the menu key."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QMenu, QWidget

from models.connection_row import ConnectionRow


def selection_menu(
    parent: QWidget,
    rows: Sequence[ConnectionRow],
    *,
    edit: Callable[[], object],
    duplicate: Callable[[], object],
    enable: Callable[[bool], object],
    delete: Callable[[], object],
    new: Callable[[], object],
    reason: str = "",
) -> QMenu:
    """Return a menu of what can be done with the rows; popup() shows it, and it deletes itself when it closes.

    Where there is a `reason`, nothing in it may be chosen; the line above the list says why.
    """
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    if len(rows) == 1:
        _add(menu, "Edit\tCtrl+E", edit)
    if rows:
        _add(menu, "Duplicate\tCtrl+D", duplicate)
        if not all(row.enabled for row in rows):
            _add(menu, "Enable\tCtrl+T", lambda: enable(True))  # noqa: FBT003
        if any(row.enabled for row in rows):
            _add(menu, "Disable\tCtrl+T", lambda: enable(False))  # noqa: FBT003
        menu.addSeparator()
        _add(menu, "Delete\tDel", delete)
        menu.addSeparator()
    _add(menu, "New connection\tCtrl+N", new)
    if reason:
        for action in menu.actions():
            action.setEnabled(False)
    return menu


def _add(menu: QMenu, text: str, call: Callable[[], object]) -> None:
    menu.addAction(text).triggered.connect(lambda _checked: call())
