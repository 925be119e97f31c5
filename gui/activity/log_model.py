"""The live log as a table: a ring of lines and the index of those that the filter shows.

What searching and painting need of a line is made once, when it arrives.
"""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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


class _Entry(NamedTuple):
    """A line, the rank of its level, and its words without case."""

    line: "LogLine"
    rank: int
    words: str


class LogModel(QAbstractTableModel):
    """Holds the newest `limit` lines and shows those that pass the filter. Lines come in batches, oldest first."""

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT) -> None:
        super().__init__(parent)
        self._limit = limit
        self._lines: list[_Entry] = []
        self._shown: list[_Entry] = []
        self._clock = _Clock()
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
        return self._shown[row].line

    def append(self, lines: Iterable["LogLine"]) -> None:
        """Take a batch in one insertion; lines that are here already are left out."""
        fresh = [_entry(line) for line in lines if line.number > self._newest][-self._limit :]
        if not fresh:
            return
        self._newest = fresh[-1].line.number
        self._drop_oldest(len(self._lines) + len(fresh) - self._limit)
        self._lines += fresh
        passing = self._passing(fresh)
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
        self._shown = self._passing(self._shown if narrower else self._lines)
        self.endResetModel()

    def clear(self) -> None:
        """Forget the lines here; the log files keep them."""
        self.beginResetModel()
        self._lines, self._shown = [], []
        self.endResetModel()

    def text_of(self, rows: Iterable[int]) -> str:
        """Return rows as lines of text, for the clipboard."""
        lines = (self._shown[row].line for row in sorted(set(rows)) if row < len(self._shown))
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
        text, tone, mark = self.cell(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == TONE_ROLE:
            return tone
        if role == MARK_ROLE and mark:
            return mark, tone
        if role == Qt.ItemDataRole.AccessibleTextRole:
            line = self._shown[index.row()].line
            return f"{line.level}: {line.text}"
        return None

    def cell(self, row: int, column: int) -> tuple[str, str, str]:
        """Return text, tone and mark of a cell; a cell is one line, the pane below shows the whole text."""
        line = self._shown[row].line
        level = line.level
        if column == Column.TEXT:
            return line.text.partition("\n")[0], _TONES.get(level, ""), ""
        if column == Column.TIME:
            return self._clock.text(line.stamp), "muted", ""
        if column == Column.LEVEL:
            return level.lower(), _TONES.get(level, "muted"), _MARKS.get(level, "·")
        return line.source, "muted", ""

    def _drop_oldest(self, surplus: int) -> None:
        if surplus <= 0:
            return
        first_kept = self._lines[surplus].line.number if surplus < len(self._lines) else self._newest
        del self._lines[:surplus]
        gone = bisect_left(self._shown, first_kept, key=lambda entry: entry.line.number)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()

    def _passing(self, entries: list[_Entry]) -> list[_Entry]:
        least, wanted = self._rank, self._search
        if wanted:
            return [entry for entry in entries if entry[1] >= least and wanted in entry[2]]
        return [entry for entry in entries if entry[1] >= least] if least else list(entries)


class _Clock:
    """Times of day as text; lines of one second share their hour, minute and second."""

    def __init__(self) -> None:
        self._second, self._text = "", ""

    def text(self, stamp: str) -> str:
        second, dot, rest = stamp.partition(".")
        if not dot or not rest[:3].isdigit():
            return clock_text(stamp)
        if second != self._second:
            self._second, self._text = second, clock_text(stamp).partition(".")[0]
        return f"{self._text}.{rest[:3]}"


def _entry(line: "LogLine") -> _Entry:
    return _Entry(line, _RANK.get(line.level, 1), f"{line.source}\n{line.text}".casefold())


def clock_text(stamp: str) -> str:
    """Return the time of day of a stamp, to the millisecond; what is no stamp stays as it is."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{moment.astimezone():%H:%M:%S}.{moment.microsecond // 1000:03d}"
