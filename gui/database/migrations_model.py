"""The migrations as a table: read-only, a row per migration, addressed by number."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gui.figures import duration_text, stamp_text
from models.status import MigrationItem, MigrationState

ITEM_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The whole MigrationItem."""
TONE_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""The tone of a cell's words (a colour token, or "")."""
MARK_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""The mark before the word of a state, and its tone; None where there is none."""

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    NUMBER = 0
    STATE = 1
    NAME = 2
    APPLIED = 3
    TOOK = 4


HEADERS = {
    Column.NUMBER: "No.",
    Column.STATE: "State",
    Column.NAME: "Name",
    Column.APPLIED: "Applied",
    Column.TOOK: "Took",
}

MARKS: dict[MigrationState, tuple[str, str]] = {
    MigrationState.APPLIED: ("✓", "ok"),
    MigrationState.BASELINE: ("✓", "muted"),
    MigrationState.PENDING: ("…", "muted"),
    MigrationState.CHANGED: ("!", "warning"),
    MigrationState.MISSING: ("?", "warning"),
    MigrationState.OUT_OF_ORDER: ("↕", "warning"),
    MigrationState.FUTURE: ("»", "warning"),
    MigrationState.FAILED: ("✕", "error"),
}
"""Mark and tone of each state. The word always stands beside them."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def number_text(number: int) -> str:
    """Return a migration's number as its file name writes it."""
    return f"{number:03d}"


class MigrationsModel(QAbstractTableModel):
    """Shows MigrationItems. A refresh with the same numbers changes rows in place, so that the selection stays."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[MigrationItem] = []

    @property
    def items(self) -> tuple[MigrationItem, ...]:
        return tuple(self._items)

    def set_items(self, items: Sequence[MigrationItem]) -> None:
        if [item.number for item in items] != [item.number for item in self._items]:
            self.beginResetModel()
            self._items = list(items)
            self.endResetModel()
            return
        for row, item in enumerate(items):
            if item != self._items[row]:
                self._items[row] = item
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def row_of(self, number: int) -> int:
        """Return the row of a migration, or -1."""
        return next((row for row, item in enumerate(self._items) if item.number == number), -1)

    def item_at(self, index: _Index) -> MigrationItem | None:
        return self._items[index.row()] if index.isValid() and index.row() < len(self._items) else None

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section == Column.TOOK else _LEFT
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.item_at(index)
        if item is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(item, column)
        if role == ITEM_ROLE:
            return item
        if role == TONE_ROLE:
            return _tone(item, column)
        if role == MARK_ROLE:
            return MARKS[item.state] if column is Column.STATE else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column is Column.TOOK else _LEFT
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _text(item, column)
        return None


def _text(item: MigrationItem, column: Column) -> str:
    if column is Column.NUMBER:
        return number_text(item.number)
    if column is Column.STATE:
        return item.state.value
    if column is Column.NAME:
        return item.name
    if column is Column.APPLIED:
        return stamp_text(item.applied_at)
    return duration_text(item.milliseconds)


def _tone(item: MigrationItem, column: Column) -> str:
    if column is Column.NAME:
        return ""
    tone = MARKS[item.state][1]
    # What is as it should be stays quiet.
    return tone if column is Column.STATE and tone != "ok" else "muted"
