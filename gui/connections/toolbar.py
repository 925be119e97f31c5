"""The row above the list: what is done without a selection, and the search."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.fields import SearchField

if TYPE_CHECKING:
    from gui.connections.commands import Commands


class Toolbar(QHBoxLayout):
    """Its buttons give a shortcut as their hint; while they are disabled, the reason."""

    def __init__(self, commands: "Commands", search: SearchField) -> None:
        super().__init__()
        self._ready, self._reason = False, ""
        self.new = Button("New connection", commands.new, tone="primary", hint="Ctrl+N")
        self.import_files = Button("Import…", commands.choose_import, hint="Ctrl+O")
        self.export = Button("Export…", commands.choose_export, hint="Ctrl+Shift+S")
        self.setSpacing(10)
        for button in (self.new, self.import_files, self.export):
            self.addWidget(button)
        self.addStretch(1)
        search.setMinimumWidth(150)
        search.setMaximumWidth(300)
        self.addWidget(search, 100)
        self._enable()

    def holds(self, widget: QWidget) -> bool:
        """Tell whether it is one of the buttons."""
        return widget in {self.new, self.import_files, self.export}

    def set_ready(self, *, ready: bool) -> None:
        self._ready = ready
        self._enable()

    def set_reason(self, reason: str) -> None:
        """Say why nothing may be changed; "" where it may."""
        self._reason = reason
        self._enable()

    def _enable(self) -> None:
        self.export.setEnabled(self._ready)
        for button in (self.new, self.import_files):
            button.set_reason(self._reason)
            button.setEnabled(self._ready and not self._reason)
