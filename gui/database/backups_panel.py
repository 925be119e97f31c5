"""The list of verified backups, and the button that makes one."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.figures import count_text, size_text, stamp_text
from gui.widgets.buttons import Button
from gui.widgets.containers import clear_layout
from gui.widgets.labels import ElidedLabel, PlainLabel, section_title
from gui.widgets.path_row import open_folder
from models.status import Backup

_SHOWN = 12
_REASONS = {
    "take-over": "before the take-over from CTS v3.1",
    "migrations": "before migrations ran",
    "migration": "before migrations ran",
    "close": "at the close of the program",
    "asked": "asked for",
    "manual": "asked for",
    "baseline": "before a baseline",
    "repair": "before a repair",
    "scrub": "before scrubbing",
}


class BackupsPanel(QWidget):
    """Emits `backup_wanted`."""

    backup_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.make = Button("Back up now", self.backup_wanted.emit)
        self.make.setEnabled(False)
        self.reason = PlainLabel(tone="muted", wrap=True)
        self.empty = PlainLabel("The list comes with the store.", tone="muted", wrap=True)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(section_title("Backups"))
        head.addStretch(1)
        head.addWidget(self.make)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.reason)
        column.addWidget(self.empty)
        column.addLayout(self._rows)
        self.set_reason("The store is still opening.")

    def show_backups(self, backups: Sequence[Backup]) -> None:
        """List the backups as they are given, newest first."""
        clear_layout(self._rows)
        for backup in backups[:_SHOWN]:
            self._rows.addWidget(_BackupRow(backup))
        more = len(backups) - _SHOWN
        self.empty.setVisible(not backups or more > 0)
        self.empty.setText(
            f"{count_text(more, 'older backup')} in the same folder."
            if more > 0
            else "No backup yet. One is made by itself before migrations run and when the program closes after changes."
        )

    def set_reason(self, reason: str) -> None:
        self.make.setEnabled(not reason)
        self.make.setAccessibleDescription(reason)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))


class _BackupRow(QWidget):
    """One backup in two lines: when and how much; why, and where."""

    def __init__(self, backup: Backup) -> None:
        super().__init__()
        made = stamp_text(backup.made_at)
        self.setAccessibleName(f"Backup of {made}")
        facts = f"{size_text(backup.size_bytes)} · {count_text(backup.connections, 'connection')}"
        show = Button("Show in folder", lambda: open_folder(Path(backup.path)), tone="link")
        show.setAccessibleName(f"Show the backup of {made} in its folder")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(PlainLabel(made, selectable=True))
        first.addStretch(1)
        first.addWidget(PlainLabel(facts, tone="muted", selectable=True))
        reason = ElidedLabel(_REASONS.get(backup.reason, backup.reason.replace("-", " ")))
        second.addWidget(reason, 1)
        second.addWidget(show)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(first)
        column.addLayout(second)
