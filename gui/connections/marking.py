"""Marks the connections whose changes are not simply stored, in the list and in the detail pane."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.changes_reader import ChangesReader
from gui.connections.detail_pane import DetailPane
from gui.connections.table import ConnectionTable
from gui.connections.table_model import ConnectionTableModel
from gui.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.change import Changes
    from services.core import Core


class Marking(QObject):
    """`narrowed` comes where other rows are shown because of it."""

    narrowed = Signal()

    def __init__(self, shell: Shell, table: ConnectionTable, model: ConnectionTableModel, detail: DetailPane) -> None:
        super().__init__(table)
        self._shell, self._table, self._model, self._detail = shell, table, model, detail
        self._changes = ChangesReader(shell, "list", self, of=_marks)
        self._changes.read.connect(self._mark)
        detail.changes_wanted.connect(self._explain)

    def attach(self, core: "Core") -> None:
        self._changes.attach(core)

    def ask(self) -> None:
        self._changes.ask()

    def show_selected(self) -> None:
        """Say in the detail pane what is marked about the one that is selected."""
        ids = self._table.selected_ids()
        self._detail.show_mark(self._model.index_of.marks.get(ids[0]) if len(ids) == 1 else None)

    def _explain(self, mark: str) -> None:
        from gui.change_words import PARTS

        self._shell.go_to(f"database/{PARTS[mark]}")

    def _mark(self, found: "Mapping[str, tuple[str, str]]") -> None:
        if self._model.set_marks(found):
            self.narrowed.emit()
        self.show_selected()


def _marks(changes: "Changes") -> "Mapping[str, tuple[str, str]]":
    """Make the marks of all that are marked: a thread does, since there may be 10,000."""
    # Not needed for the first paint, and it brings the whole entity in.
    from gui.change_words import marks

    return marks(changes)
