"""Adopting a schema that is there already: choose up to where, see what the ledger gets, confirm."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.database.actions import baseline_choices
from gui.database.migrations_model import number_text
from gui.widgets.choice import RoundedCombo
from gui.widgets.dialogs import ConfirmDialog
from gui.widgets.labels import PlainLabel
from models.status import LedgerChange, MigrationItem


class BaselineDialog(ConfirmDialog):
    """`number` is the last migration that counts as done already. `preview_wanted` asks what that would write."""

    preview_wanted = Signal(int)

    def __init__(self, items: Sequence[MigrationItem], parent: QWidget | None = None) -> None:
        super().__init__(
            "Baseline",
            "For a database whose tables were made by other means. The migrations up to the one chosen are marked as "
            "done without running. Where the tables are not there, what needs them will fail.",
            confirm="Write to the ledger",
            danger=True,
            parent=parent,
        )
        self.choice = RoundedCombo()
        self.choice.setAccessibleName("Baseline up to")
        for item in baseline_choices(items):
            self.choice.addItem(f"{number_text(item.number)} {item.name}", item.number)
        row = QHBoxLayout()
        row.addWidget(PlainLabel("Up to", tone="muted"))
        row.addWidget(self.choice, 1)
        self.body.insertLayout(0, row)
        self.choice.currentIndexChanged.connect(lambda _index: self.ask())
        self.resize(560, 340)

    @property
    def number(self) -> int:
        return int(self.choice.currentData() or 0)

    def ask(self) -> None:
        """Ask for the preview; nothing can be confirmed until it is there."""
        self.confirm.setEnabled(False)
        self.preview_wanted.emit(self.number)

    def show_changes(self, changes: Sequence[LedgerChange]) -> None:
        self.set_lines([f"{number_text(change.number)} {change.name}: {change.sentence}" for change in changes])
        self.confirm.setEnabled(bool(changes))
