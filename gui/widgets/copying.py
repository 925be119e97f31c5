"""Ctrl+C in a table: its selected rows as text, a tab between the cells, as spreadsheets take them."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QTableView

_ROLE = Qt.ItemDataRole


def copy_rows(view: QTableView) -> None:
    """Copy what the columns that are shown say, from top to bottom; a sign is copied in its words."""
    model = view.model()
    columns = [column for column in range(model.columnCount()) if not view.isColumnHidden(column)]
    selection = view.selectionModel().selection()
    parts = map(selection.at, range(selection.count()))
    places = sorted({place for part in parts for place in range(part.top(), part.bottom() + 1)})
    if places:
        lines = ("\t".join(_words(view, place, column) for column in columns) for place in places)
        QGuiApplication.clipboard().setText("\n".join(lines))


def _words(view: QTableView, place: int, column: int) -> str:
    index = view.model().index(place, column)
    text = str(index.data(_ROLE.DisplayRole) or "")
    return text if any(map(str.isalnum, text)) else str(index.data(_ROLE.AccessibleTextRole) or text)
