"""Puts the lists of changes, what can be done with them and the questions about it together for the Database page."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.change_words import change_text
from gui.changes_reader import ChangesReader
from gui.connections.controller import REFUSED
from gui.database.change_actions import ChangeActions
from gui.database.changes_panels import ConflictsPanel, RejectedPanel, WaitingPanel
from gui.database.controller import DatabaseController
from gui.database.fence_panel import FencePanel
from gui.database.health_panel import HealthPanel
from gui.shell import Shell
from gui.widgets.dialogs import ConfirmDialog
from gui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from models.change import Changes, RejectedChange
    from services.core import Core


class ChangesPart(QObject):
    """Its panels go into the page's tabs; `fence` stands above them."""

    def __init__(self, shell: Shell, controller: DatabaseController, tabs: Tabs, page: QWidget) -> None:
        super().__init__(page)
        self._page, self._tabs = page, tabs
        self._reader = ChangesReader(shell, "database page", self)
        self._actions = actions = ChangeActions(controller)
        self.fence = FencePanel()
        self.waiting = WaitingPanel(shell.theme)
        self.conflicts = ConflictsPanel(shell.theme)
        self.rejected = RejectedPanel(shell.theme)
        self.health = HealthPanel(shell.theme)
        self._reader.read.connect(self._show)
        self.conflicts.resolve_wanted.connect(actions.resolve)
        self.rejected.dismiss_wanted.connect(self._ask_dismiss)
        for panel in (self.conflicts, self.rejected):
            panel.emptied.connect(tabs.bar.setFocus)
        self.rejected.edit_wanted.connect(lambda change: shell.go_to(f"connections/{REFUSED}{change.op_id}"))
        self.fence.accepted.connect(actions.accept_database)
        self.fence.settings_wanted.connect(lambda: shell.go_to("settings/database"))
        self.health.wanted.connect(actions.read_health)
        actions.health_read.connect(self.health.show_health)
        actions.health_failed.connect(self.health.show_problem)

    def attach(self, core: "Core") -> None:
        self._reader.attach(core)

    def ask(self) -> None:
        self._reader.ask()

    def set_reason(self, busy: str) -> None:
        """Disable what would change something while an action runs."""
        for panel in (self.conflicts, self.rejected, self.fence):
            panel.set_reason(busy)

    def _show(self, changes: "Changes") -> None:
        self.waiting.show_changes(changes.waiting)
        self.conflicts.show_conflicts(changes.conflicts)
        self.rejected.show_changes(changes.rejected)
        for key, count in (
            ("waiting", len(changes.waiting)),
            ("conflicts", len(changes.conflicts)),
            ("rejected", len(changes.rejected)),
        ):
            self._tabs.set_counter(key, f"{count:,}" if count else "")

    def _ask_dismiss(self, change: "RejectedChange") -> None:
        question = ConfirmDialog(
            "Dismiss this change",
            "The change is forgotten for good; the database stays as it is.",
            confirm="Dismiss it",
            lines=[f"{change.name}: {change_text(change)}"],
            danger=True,
            parent=self._page,
        )
        question.accepted.connect(lambda: self._actions.dismiss(change.op_id))
        question.open()
