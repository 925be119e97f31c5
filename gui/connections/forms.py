"""The dialogs of the Connections page: which are open, what they answer. Built when the first one is wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.connections.controller import ConnectionsController
from gui.connections.dialog import ConnectionDialog
from gui.connections.import_dialog import ImportDialog
from gui.theme import Theme

if TYPE_CHECKING:
    from models.change import RejectedChange
    from models.connection import Connection
    from models.status import ImportItem

_JSON = "JSON files (*.json)"
_ALL = "All files (*)"


class Forms:
    """Opens forms and file dialogs over `parent`; none of them stops the window."""

    def __init__(self, parent: QWidget, controller: ConnectionsController, theme: Theme) -> None:
        self._parent, self._controller, self._theme = parent, controller, theme
        self._open: list[ConnectionDialog] = []

    def open_form(
        self, connection: "Connection | None", key_ending: str | None, refused: "RejectedChange | None" = None
    ) -> ConnectionDialog:
        """Open the form of a connection, or of a new one; with what the database refused where that is given."""
        form = ConnectionDialog(connection, key_ending, self._parent)
        if refused is not None:
            form.try_again(refused)
        form.submitted.connect(lambda: self._controller.save(form))
        form.finished.connect(lambda _result: self._close(form))
        self._open.append(form)
        form.open()
        return form

    def unsaved(self) -> str:
        """Return what closing the window would lose."""
        names = [form.windowTitle() for form in self._open if form.is_changed()]
        return f"What was typed in “{names[0]}” is not saved yet." if names else ""

    def choose_import(self) -> QFileDialog:
        dialog = self._file_dialog("Import connections", "Import")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._controller.transfers.preview_import)
        dialog.open()
        return dialog

    def choose_export(self, ids: Sequence[str]) -> None:
        """Ask for a file; several selected connections are exported alone, else all of them."""
        chosen = list(ids) if len(ids) > 1 else None
        what = f"{len(chosen):,} selected connections" if chosen else "all connections"
        dialog = self._file_dialog(f"Export {what}, without secrets", "Export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile("connections.json")
        dialog.fileSelected.connect(lambda path: self._controller.transfers.export(path, chosen))
        dialog.open()

    def show_import(self, paths: Sequence[Path], items: "Sequence[ImportItem]") -> ImportDialog:
        """Show what an import would do; it is done when the person agrees."""
        dialog = ImportDialog(self._theme, items, self._parent)
        secrets = any(item.credentials and item.action == "add" for item in items)
        dialog.accepted.connect(lambda: self._controller.transfers.apply_import(paths, self._parent, secrets=secrets))
        dialog.open()
        return dialog

    def _file_dialog(self, title: str, accept: str) -> QFileDialog:
        dialog = QFileDialog(self._parent, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters([_JSON, _ALL])
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, accept)
        return dialog

    def _close(self, form: ConnectionDialog) -> None:
        if form in self._open:
            self._open.remove(form)
        form.deleteLater()
