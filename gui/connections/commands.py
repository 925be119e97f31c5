"""What a person can do on the Connections page, by button, key or menu, always to what is selected."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut

from gui.connections.controller import ConnectionsController
from gui.connections.permission import Permission
from gui.connections.table import ConnectionTable
from gui.connections.table_model import ConnectionTableModel
from gui.messages import Messages
from gui.shell import Page

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMenu

    from gui.connections.forms import Forms
    from models.change import RejectedChange
    from models.connection import Connection
    from models.status import ImportItem


class _Readiness:
    """Keeps what is asked for until the store is open: a key that is pressed before should not be lost."""

    def __init__(self, controller: ConnectionsController) -> None:
        self._controller = controller
        self._begun = False
        self._waiting: list[Callable[[], object]] = []

    def do(self, call: Callable[[], object]) -> None:
        """Do it now, or as soon as it can be done; never, where there is no program behind the window."""
        if not self._begun:
            self._waiting.append(call)
        elif self._controller.ready:
            call()

    def begin(self) -> None:
        self._begun = True
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self.do(call)


class Commands(QObject):
    """`readiness.begin` is called once the store is open. After a deletion, `place_after_removal` is where the next
    selection belongs; -1 otherwise.
    """

    def __init__(
        self,
        page: Page,
        table: ConnectionTable,
        model: ConnectionTableModel,
        controller: ConnectionsController,
        messages: Messages,
        permission: Permission,
    ) -> None:
        super().__init__(page)
        self._page, self._table, self._model = page, table, model
        self._controller, self._messages = controller, messages
        self._permission = permission
        self._forms: Forms | None = None
        self.readiness = _Readiness(controller)
        self.place_after_removal = -1

    @property
    def forms(self) -> "Forms":
        """The dialogs of the page, built when the first one is wanted."""
        if self._forms is None:
            from gui.connections.forms import Forms

            self._forms = Forms(self._page, self._controller, self._page.shell.theme)
        return self._forms

    def unsaved(self) -> str:
        return self._forms.unsaved() if self._forms is not None else ""

    def new(self) -> None:
        self.readiness.do(lambda: self._permission.allowed() and self.forms.open_form(None, None))

    def open_form(
        self, connection: "Connection | None", key_ending: str | None, refused: "RejectedChange | None" = None
    ) -> None:
        self.forms.open_form(connection, key_ending, refused)

    def try_again(self, op_id: str) -> None:
        """Open the form with what the database refused; once it is saved, the refused change is forgotten."""
        if self._controller.ready and self._permission.allowed():
            self._controller.try_again(op_id)

    def choose_import(self) -> None:
        self.readiness.do(lambda: self._permission.allowed() and self.forms.choose_import())

    def show_import(self, paths: Sequence[Path], items: "Sequence[ImportItem]") -> None:
        self.forms.show_import(paths, items)

    def choose_export(self) -> None:
        self.readiness.do(lambda: self.forms.choose_export(self._table.selected_ids()))

    def edit(self) -> None:
        ids = self._table.selected_ids()
        if len(ids) == 1:
            self._change(ids, lambda: self._controller.edit(ids[0]))
        elif len(ids) > 1:
            self._messages.say("Several connections are selected; a form edits one.", solution="Select one of them.")

    def duplicate(self) -> None:
        ids = self._table.selected_ids()
        self._change(ids, lambda: self._controller.actions.duplicate(ids))

    def enable(self, on: bool) -> None:
        ids = self._table.selected_ids()
        self._change(ids, lambda: self._controller.actions.set_enabled(ids, on=on))

    def toggle(self) -> None:
        """Enable the selected ones, or disable them where all of them are enabled."""
        self.enable(not all(row.enabled for row in self._table.selected_rows()))

    def delete(self) -> None:
        ids = self._table.selected_ids()

        def remove() -> None:
            # What waited for the store may be gone from the list by now.
            self.place_after_removal = next(iter(self._model.places(ids)), -1)
            self._controller.actions.remove(ids)

        self._change(ids, remove)

    def undo(self) -> None:
        if self._permission.allowed():
            self._controller.actions.undo()

    def _change(self, ids: Sequence[str], change: Callable[[], object]) -> None:
        """Change what is selected where it may be changed; else say why not."""
        if ids:
            self.readiness.do(lambda: self._permission.allowed() and change())

    def select_after_removal(self) -> None:
        """Select what is now where the removed rows were, if they were removed here."""
        wanted, self.place_after_removal = self.place_after_removal, -1
        if wanted >= 0 and not self._table.selected_ids() and self._model.rowCount():
            place = min(wanted, self._model.rowCount() - 1)
            self._table.select_ids([self._model.row_at(place).id])

    def open_menu(self, place: QPoint) -> None:
        self.menu().popup(place)

    def menu(self) -> "QMenu":
        """Return what can be done with the selection now."""
        from gui.connections.menu import selection_menu

        return selection_menu(
            self._table,
            self._table.selected_rows(),
            edit=self.edit,
            duplicate=self.duplicate,
            enable=self.enable,
            delete=self.delete,
            new=self.new,
            reason=self._permission.reason,
        )

    def add_shortcuts(self) -> None:
        for keys, call in (
            ("Ctrl+N", self.new),
            ("Ctrl+E", self.edit),
            ("Ctrl+D", self.duplicate),
            ("Ctrl+T", self.toggle),
            ("Ctrl+Z", self.undo),
            ("Ctrl+O", self.choose_import),
            ("Ctrl+Shift+S", self.choose_export),
        ):
            # They hold in the whole window while the page is shown, also with the focus on the rail.
            QShortcut(QKeySequence(keys), self._page, call)
        # Delete in the search field deletes letters.
        removal = QShortcut(QKeySequence(Qt.Key.Key_Delete), self._table, self.delete)
        removal.setContext(Qt.ShortcutContext.WidgetShortcut)
