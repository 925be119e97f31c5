"""Search, filters and order: what of the list is shown, and where the keyboard is in it."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from gui.connections.controller import ConnectionsController
from gui.connections.filters import FilterRow
from gui.connections.table import ConnectionTable
from gui.connections.table_model import ConnectionTableModel
from gui.widgets.fields import SearchField


class ListControl(QObject):
    """`narrowed` comes after other rows are shown."""

    narrowed = Signal()

    def __init__(
        self,
        page: QWidget,
        search: SearchField,
        filters: FilterRow,
        table: ConnectionTable,
        model: ConnectionTableModel,
        controller: ConnectionsController,
    ) -> None:
        super().__init__(page)
        self._search, self._filters, self._table = search, filters, table
        self._model, self._controller = model, controller
        search.textChanged.connect(lambda _text: self._narrow())
        search.leave.connect(self._go_to_list)
        filters.changed.connect(self._narrow)
        filters.cleared.connect(self.clear)
        controller.arranged.connect(self._take_order)
        controller.stored.connect(self._select_stored)
        table.columns.sort_wanted.connect(self._arrange)
        QShortcut(QKeySequence("Ctrl+F"), page, self._go_to_search)
        escape = QShortcut(QKeySequence("Escape"), page, self.clear)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def clear(self) -> None:
        """Show every connection."""
        self._search.clear()
        self._filters.reset()

    def _narrow(self) -> None:
        self._model.narrow(self._filters.filters(self._search.text()))
        self.narrowed.emit()

    def _arrange(self, column: str, descending: bool) -> None:
        self._controller.arrange(self._model.index_of, column, descending=descending)

    def _take_order(self, column: str, descending: bool, order: object, version: int) -> None:
        if version != self._model.index_of.version:
            # The list changed while a thread arranged it.
            self._arrange(column, descending)
        elif isinstance(order, list):
            self._model.take_order(column, order, descending=descending)

    def select(self, connection_id: str) -> None:
        """Select a connection, also where a filter would hide it."""
        self._select_stored([connection_id])

    def _select_stored(self, ids: Sequence[str]) -> None:
        """Select what was just stored, also where a filter would hide it."""
        if not any(self._model.index_of.place(connection_id) is not None for connection_id in ids):
            self.clear()
        self._table.select_ids(ids)

    def _go_to_search(self) -> None:
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def _go_to_list(self) -> None:
        self._table.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self._table.currentIndex().isValid() and self._model.rowCount():
            self._table.select_ids([self._model.row_at(0).id])
