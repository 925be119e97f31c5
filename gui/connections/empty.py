"""What the list says while it has no rows: loading, nothing found, a problem, or how to begin."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from gui.widgets.buttons import Button
from gui.widgets.containers import EmptyState

if TYPE_CHECKING:
    from models.problem import Problem

_PATIENCE = 400
"""Milliseconds before it says that it is loading: what comes at once should not flash a word first."""

_BEGINNING = "No connections yet"


class EmptyList(EmptyState):
    """Set `loading`, `problem` and `data_folder`, then `show_reason`."""

    new_wanted = Signal()
    import_wanted = Signal()
    clear_wanted = Signal()
    reload_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loading = True
        self.problem: Problem | None = None
        self.data_folder = ""
        self._reason = ""
        self._temporary = False
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE)
        self._patience.timeout.connect(self._say_loading)

    def set_reason(self, reason: str) -> None:
        """Say why nothing may be added now; "" where it may."""
        self._reason = reason
        if not self.loading and self.problem is None and self.heading.text() == _BEGINNING:
            self._show_beginning()

    def set_temporary(self, temporary: bool) -> None:
        """Advise nobody to put anything into a folder that will be lost."""
        if temporary != self._temporary:
            self._temporary = temporary
            self.set_reason(self._reason)

    def show_reason(self, *, narrowed: bool) -> None:
        """Say why no row is shown; `narrowed`: there are connections, the filters hide them all."""
        if narrowed:
            self.show_text(
                "No connection matches",
                "The search or a filter hides all of them.",
                [Button("Clear filters", self.clear_wanted.emit, tone="primary", hint="Escape")],
            )
        elif self.problem is not None:
            text = f"{self.problem.solution}\n\n{self.problem.category.value} {self.problem.detail}".strip()
            self.show_text(self.problem.text, text, [Button("Try again", self.reload_wanted.emit, hint="F5")])
        elif self.loading:
            self.show_text("", "")
            self._patience.start()
        else:
            self._show_beginning()

    def _say_loading(self) -> None:
        if self.loading and self.problem is None and self.isVisible():
            self.show_text("Reading the connections", "The store is being opened.")

    def _show_beginning(self) -> None:
        buttons = [
            Button("New connection", self.new_wanted.emit, tone="primary", hint="Ctrl+N"),
            Button("Import…", self.import_wanted.emit, hint="Ctrl+O"),
        ]
        self.show_text(
            _BEGINNING,
            f"Add the first one with its API key, or import connections from a file.\n\n{self._advice()}",
            buttons,
        )
        for button in buttons:
            button.set_reason(self._reason)

    def _advice(self) -> str:
        if self._temporary:
            return (
                "The data folder is temporary: what is added now will be lost. To keep it, or to bring the data of "
                "CTS v3.1, start the program with --data-dir and a folder that can be written."
            )
        folder = f" ({self.data_folder})" if self.data_folder else ""
        return (
            f"From CTS v3.1: put the contents of its data folder into this program's data folder{folder} "
            "and start again; everything is taken over, nothing is overwritten."
        )
