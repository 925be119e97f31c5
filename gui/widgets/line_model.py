"""A read-only table of values: a line's cells are made when they are looked at, so that many lines cost little."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gui.widgets.labels import plain_tooltip

TONE_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""The tone of a cell's words (a colour token, or "")."""
MARK_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""The mark before a cell's words, and its tone; None where there is none."""
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
T = TypeVar("T")


class Cell(NamedTuple):
    """`spoken` is what a screen reader says where the words alone do not tell; the tooltip shows the words in full."""

    text: str
    tone: str = ""
    mark: tuple[str, str] | None = None
    spoken: str = ""


class LineModel(QAbstractTableModel, Generic[T]):
    """One line for each item. A refresh with the same keys keeps the selection."""

    def __init__(
        self,
        headers: Sequence[str],
        cells: Callable[[T], Sequence[Cell]],
        key: Callable[[T], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._headers, self._cells, self._key = tuple(headers), cells, key
        self.items: tuple[T, ...] = ()

    def set_items(self, items: Sequence[T]) -> None:
        before, self_items = [self._key(item) for item in self.items], tuple(items)
        if before != [self._key(item) for item in self_items]:
            self.beginResetModel()
            self.items = self_items
            self.endResetModel()
        else:
            self.items = self_items
            self.refresh()

    def refresh(self) -> None:
        """Make every cell anew."""
        if self.items:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.items) - 1, len(self._headers) - 1))

    def item_at(self, row: int) -> T | None:
        return self.items[row] if 0 <= row < len(self.items) else None

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._headers)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.item_at(index.row())
        if item is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return " ".join(self._cells(item)[index.column()].text.split())
        if role == TONE_ROLE:
            return self._cells(item)[index.column()].tone
        if role == MARK_ROLE:
            return self._cells(item)[index.column()].mark
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(self._cells(item)[index.column()].text)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            cell = self._cells(item)[index.column()]
            return cell.spoken or cell.text
        return None
