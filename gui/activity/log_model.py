"""The live log as a table: a ring of lines and the index of those that the filter shows."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

if TYPE_CHECKING:
    from services.log import LogLine

LIMIT: Final = 100_000
"""Lines kept in memory; the oldest go first, the files in data/logs keep more."""
TONE_ROLE: Final = Qt.ItemDataRole.UserRole + 2
MARK_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""The mark before the word of a level, and its tone; None where there is none."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_RANK = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 4}
_MARKS = {"DEBUG": "·", "INFO": "i", "WARNING": "!", "ERROR": "✕", "CRITICAL": "✕"}
_TONES = {"DEBUG": "muted", "WARNING": "warning", "ERROR": "error", "CRITICAL": "error"}

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    TIME = 0
    LEVEL = 1
    SOURCE = 2
    TEXT = 3


HEADERS = {Column.TIME: "Time", Column.LEVEL: "Level", Column.SOURCE: "Source", Column.TEXT: "Message"}


class LogModel(QAbstractTableModel):
    """Holds the newest `limit` lines and shows those that pass the filter. Lines come in batches, oldest first."""

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT) -> None:
        super().__init__(parent)
        self._limit = limit
        self._lines: list[LogLine] = []
        self._shown: list[LogLine] = []
        self._rank = _RANK["INFO"]
        self._search = ""
        self._newest = 0

    @property
    def held(self) -> int:
        """How many lines are in memory, shown or not."""
        return len(self._lines)

    @property
    def newest(self) -> int:
        """The number of the newest line that ever came, or 0."""
        return self._newest

    def line_at(self, row: int) -> "LogLine":
        return self._shown[row]

    def append(self, lines: Iterable["LogLine"]) -> None:
        """Take a batch in one insertion; lines that are here already are left out."""
        fresh = [line for line in lines if line.number > self._newest][-self._limit :]
        if not fresh:
            return
        self._newest = fresh[-1].number
        self._drop_oldest(len(self._lines) + len(fresh) - self._limit)
        self._lines += fresh
        passing = [line for line in fresh if self._passes(line)]
        if passing:
            first = len(self._shown)
            self.beginInsertRows(QModelIndex(), first, first + len(passing) - 1)
            self._shown += passing
            self.endInsertRows()

    def set_filter(self, level: str, search: str) -> None:
        """Show the lines of `level` and above whose source or text contains `search`, whatever its case."""
        rank, wanted = _RANK.get(level, 0), search.casefold().strip()
        if (rank, wanted) == (self._rank, self._search):
            return
        # Typing on only narrows: what is hidden already need not be looked at again.
        narrower = rank == self._rank and self._search in wanted
        self.beginResetModel()
        self._rank, self._search = rank, wanted
        self._shown = [line for line in (self._shown if narrower else self._lines) if self._passes(line)]
        self.endResetModel()

    def clear(self) -> None:
        """Forget the lines here; the log files keep them."""
        self.beginResetModel()
        self._lines, self._shown = [], []
        self.endResetModel()

    def text_of(self, rows: Iterable[int]) -> str:
        """Return rows as lines of text, for the clipboard."""
        lines = (self._shown[row] for row in sorted(set(rows)) if row < len(self._shown))
        return "\n".join(f"{line.stamp} {line.level} {line.source}: {line.text}" for line in lines)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        line = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(line, Column(index.column()))
        if role == TONE_ROLE:
            return _tone(line, Column(index.column()))
        if role == MARK_ROLE and index.column() == Column.LEVEL:
            return _MARKS.get(line.level, "·"), _TONES.get(line.level, "muted")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{line.level}: {line.text}"
        return None

    def _drop_oldest(self, surplus: int) -> None:
        if surplus <= 0:
            return
        first_kept = self._lines[surplus].number if surplus < len(self._lines) else self._newest
        del self._lines[:surplus]
        gone = bisect_left(self._shown, first_kept, key=lambda line: line.number)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()

    def _passes(self, line: "LogLine") -> bool:
        if _RANK.get(line.level, 1) < self._rank:
            return False
        return not self._search or self._search in f"{line.source}\n{line.text}".casefold()


def _text(line: "LogLine", column: Column) -> str:
    if column is Column.TIME:
        return clock_text(line.stamp)
    if column is Column.LEVEL:
        return line.level.lower()
    if column is Column.SOURCE:
        return line.source
    # A table cell is one line; the pane below shows the whole text of the selected one.
    return line.text.partition("\n")[0]


def _tone(line: "LogLine", column: Column) -> str:
    if column is Column.TEXT:
        return _TONES.get(line.level, "")
    return _TONES.get(line.level, "muted") if column is Column.LEVEL else "muted"


def clock_text(stamp: str) -> str:
    """Return the time of day of a stamp, to the millisecond; what is no stamp stays as it is."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{moment.astimezone():%H:%M:%S}.{moment.microsecond // 1000:03d}"
