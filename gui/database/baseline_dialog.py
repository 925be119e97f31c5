"""Adopting a schema that is there already: choose up to where, see what the ledger gets, confirm."""

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from gui.database.actions import baseline_choices, baseline_preview
from gui.database.migrations_model import number_text
from gui.widgets.dialogs import ConfirmDialog
from gui.widgets.labels import PlainLabel
from models.status import MigrationItem


class BaselineDialog(ConfirmDialog):
    """`number` is the last migration that counts as done already."""

    def __init__(self, items: Sequence[MigrationItem], parent: QWidget | None = None) -> None:
        super().__init__(
            "Baseline",
            "For a database whose tables were made by other means. The migrations up to the one chosen are marked as "
            "done without running. Where the tables are not there, what needs them will fail.",
            confirm="Write to the ledger",
            danger=True,
            parent=parent,
        )
        self._items = tuple(items)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Baseline up to")
        for item in baseline_choices(items):
            self.choice.addItem(f"{number_text(item.number)} {item.name}", item.number)
        row = QHBoxLayout()
        row.addWidget(PlainLabel("Up to", tone="muted"))
        row.addWidget(self.choice, 1)
        self.body.insertLayout(0, row)
        self.choice.currentIndexChanged.connect(self._show)
        self.resize(560, 420)
        self._show()

    @property
    def number(self) -> int:
        return int(self.choice.currentData() or 0)

    def _show(self) -> None:
        self.set_lines(baseline_preview(self._items, self.number))
