"""The list as Qt's views see it: light rows behind an order index, addressed by id, changed in place."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from gui.connections.order_index import MARKS, Filters, OrderIndex, lacking, state_of
from gui.when import ago, exact
from gui.widgets.labels import plain_tooltip
from models.connection_row import ConnectionRow
from models.exchange import exchange_label

Index = QModelIndex | QPersistentModelIndex
_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()


class Column(NamedTuple):
    key: str
    title: str
    width: int


COLUMNS = (
    Column("state", "", 32),
    Column("name", "Name", 190),
    Column("exchange", "Exchange", 88),
    Column("account_type", "Type", 88),
    Column("environment", "Environment", 104),
    Column("enabled", "Enabled", 72),
    Column("live_trade", "Live", 56),
    Column("tags", "Tags", 120),
    Column("updated_at", "Updated", 100),
)
HEADER_HINTS = {"state": "State", "live_trade": "Whether it may trade with real orders"}


class ConnectionTableModel(QAbstractTableModel):
    """Rows are ConnectionRow values; `row_at` and `place` go between a view's rows and connections.

    `reordered` is emitted after every reset, so that the view can select again by id.
    """

    reordered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.index_of = OrderIndex()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.index_of.visible)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = _ROLE.DisplayRole) -> Any:
        if role == _ROLE.DisplayRole:
            return cell_text(self.index_of.at(index.row()), COLUMNS[index.column()].key)
        if role == _ROLE.ToolTipRole:
            row, key = self.index_of.at(index.row()), COLUMNS[index.column()].key
            mark = self.index_of.marks.get(row.id) if key in {"name", "state"} else None
            return plain_tooltip("\n".join(filter(None, (_tooltip(row, key), mark and mark[1]))))
        if role == _ROLE.AccessibleTextRole:
            row, key = self.index_of.at(index.row()), COLUMNS[index.column()].key
            text = state_words(row) if key == "state" else cell_text(row, key)
            mark = self.index_of.marks.get(row.id) if key == "name" else None
            return f"{text}. {mark[1]}" if mark else text
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _ROLE.DisplayRole:
            return COLUMNS[section].title
        if role == _ROLE.AccessibleTextRole:
            return COLUMNS[section].title or "State"
        if role == _ROLE.ToolTipRole:
            return HEADER_HINTS.get(COLUMNS[section].key)
        if role == _ROLE.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def row_at(self, place: int) -> ConnectionRow:
        return self.index_of.at(place)

    def rows_at(self, first: int, last: int) -> list[ConnectionRow]:
        """Return the rows that are shown from one place to another."""
        index = self.index_of
        return [index.rows[number] for number in index.visible[first : last + 1]]

    def row(self, connection_id: str) -> ConnectionRow | None:
        return self.index_of.row(connection_id)

    def places(self, ids: Iterable[str]) -> list[int]:
        """Return where these connections are shown, in order; those that are not shown are left out."""
        return self.index_of.places(tuple(ids))

    def set_index(self, index: OrderIndex) -> None:
        """Show another list; order and filters stay as they are here."""
        if (index.column, index.descending) != (self.index_of.column, self.index_of.descending):
            index.sort(self.index_of.column, descending=self.index_of.descending)
        self.beginResetModel()
        index.marks = self.index_of.marks
        index.narrow(self.index_of.filters)
        self.index_of = index
        self._end_reset()

    def apply(self, changed: Sequence[ConnectionRow], removed: Sequence[str]) -> None:
        """Change cells in place; the order is made again only where a row belongs elsewhere now."""
        change = self.index_of.apply(changed, removed)
        if change.order:
            self.beginResetModel()
            self._end_reset()
            return
        for place in change.cells:
            self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def set_marks(self, marks: Mapping[str, tuple[str, str]]) -> bool:
        """Mark connections whose changes are not simply stored; True if other rows are shown now."""
        if marks == self.index_of.marks:
            return False
        self.index_of.marks = marks
        if self.index_of.filters.state in MARKS:
            self.beginResetModel()
            self.index_of.narrow(self.index_of.filters)
            self._end_reset()
            return True
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, len(COLUMNS) - 1))
        return False

    def narrow(self, filters: Filters) -> None:
        if filters != self.index_of.filters:
            self.beginResetModel()
            self.index_of.narrow(filters)
            self._end_reset()

    def order_by(self, column: str, *, descending: bool) -> None:
        self.take_order(column, self.index_of.arrange(column, descending=descending), descending=descending)

    def take_order(self, column: str, order: list[int], *, descending: bool) -> None:
        """Show the rows in an order that the index arranged."""
        self.beginResetModel()
        self.index_of.take_order(column, order, descending=descending)
        self._end_reset()

    def _end_reset(self) -> None:
        self.endResetModel()
        self.reordered.emit()


def state_words(row: ConnectionRow) -> str:
    """Say what the sign of a connection's state means."""
    if not row.enabled:
        return "Disabled"
    missing = lacking(row)
    return f"Enabled, but its API {missing} is not set" if missing else "Enabled"


def cell_text(row: ConnectionRow, key: str) -> str:
    """Return what a cell says. The state's sign differs in form, so that its colour only repeats it."""
    if key == "state":
        return {"enabled": "●", "disabled": "\N{EN DASH}", "incomplete": "!"}[state_of(row)]
    if key == "exchange":
        return exchange_label(row.exchange)
    if key == "account_type":
        return row.account_type.capitalize()
    if key == "environment":
        return "LIVE" if row.environment == "live" else row.environment
    if key in {"enabled", "live_trade"}:
        return ("on" if row.live_trade else "\N{EN DASH}") if key == "live_trade" else ("yes" if row.enabled else "no")
    if key == "tags":
        return ", ".join(row.tags)
    return ago(row.updated_at) if key == "updated_at" else str(getattr(row, key))


def _tooltip(row: ConnectionRow, key: str) -> str:
    if key == "state":
        return state_words(row)
    if key == "updated_at":
        return f"Changed {exact(row.updated_at)}, revision {row.revision}"
    if key == "live_trade":
        return "May trade with real orders" if row.live_trade else "Does not trade"
    return row.name if key == "name" else cell_text(row, key) if key == "tags" else ""
