"""The list of verified backups, and the button that makes one."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.database.actions import reasons
from gui.figures import count_text, size_text, stamp_text
from gui.widgets.buttons import Button
from gui.widgets.containers import clear_layout
from gui.widgets.labels import PlainLabel, section_title
from gui.widgets.path_row import open_folder
from models.status import KEPT_RECORDS, Backup

_SHOWN = 12
_REASONS = {
    "take-over": "before the take-over from CTS v3.1",
    "migration": "before migrations ran",
    "close": "when the program closed",
    "by-hand": "made by hand",
    "scrub": "before secrets were scrubbed",
    KEPT_RECORDS: "kept aside: the database has lost them or has them older",
}


class BackupsPanel(QWidget):
    """Emits `backup_wanted`, and `restore_wanted` with the Backup to go back to."""

    backup_wanted = Signal()
    restore_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.make = Button("Back up now", self.backup_wanted.emit, hint="Copy the database now, and check the copy.")
        self.reason = PlainLabel(tone="muted", wrap=True)
        self.empty = PlainLabel("The list comes with the store.", tone="muted", wrap=True)
        self._listed: list[_BackupRow] = []
        self._blocked = ""
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
        why = reasons(None, ())
        self.set_reasons(why.backup, why.restore)

    def show_backups(self, backups: Sequence[Backup]) -> None:
        """List the backups as they are given, newest first."""
        clear_layout(self._rows)
        self._listed.clear()
        for backup in backups[:_SHOWN]:
            row = _BackupRow(backup)
            row.restore.clicked.connect(lambda _checked, backup=backup: self.restore_wanted.emit(backup))
            row.restore.set_reason(self._blocked)
            self._rows.addWidget(row)
            self._listed.append(row)
        more = len(backups) - _SHOWN
        self.empty.setVisible(not backups or more > 0)
        self.empty.setText(
            f"{count_text(more, 'older backup')} in the same folder."
            if more > 0
            else "No backup yet. One is made by itself before migrations run and when the program closes after changes."
        )

    def set_reasons(self, make: str, restore: str) -> None:
        """Say why no backup can be made now, and why none can be restored; "" where one can."""
        self._blocked = restore
        for row in self._listed:
            row.restore.set_reason(restore)
        self.make.set_reason(make)
        self.reason.setText(make or restore)
        self.reason.setVisible(bool(make or restore))


class _BackupRow(QWidget):
    """One backup: when, how much and why, and what can be done with it."""

    def __init__(self, backup: Backup) -> None:
        super().__init__()
        made = stamp_text(backup.made_at)
        self.setAccessibleName(f"Backup of {made}")
        facts = (
            size_text(backup.size_bytes),
            count_text(backup.connections, "connection"),
            _REASONS.get(backup.reason, backup.reason.replace("-", " ")),
        )
        show = Button("Show in folder", lambda: open_folder(Path(backup.path)), tone="link")
        show.setAccessibleName(f"Show the backup of {made} in its folder")
        kept = backup.reason == KEPT_RECORDS
        self.restore = Button("Bring back…" if kept else "Restore…", tone="link")
        self.restore.setAccessibleName(f"{'Bring back the records' if kept else 'Restore the backup'} of {made}")
        links = QHBoxLayout()
        links.setContentsMargins(0, 2, 0, 0)
        links.addWidget(self.restore)
        links.addWidget(show)
        links.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(PlainLabel(made, selectable=True))
        column.addWidget(PlainLabel(" · ".join(facts), tone="muted", wrap=True, selectable=True))
        column.addLayout(links)
