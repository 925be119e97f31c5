"""Every shortcut on one sheet (F1)."""

from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel, section_title

SHORTCUTS = (
    (
        "Everywhere",
        (
            ("Ctrl+1 to Ctrl+4", "Connections, Database, Activity, Settings"),
            ("F5", "Read again what is shown"),
            ("Ctrl+C", "Copy the selected rows of a table"),
            ("F1", "This overview"),
            ("Ctrl+Q", "Quit"),
        ),
    ),
    (
        "Connections",
        (
            ("Ctrl+N", "New connection"),
            ("Ctrl+E, F2 or Enter", "Edit the selected connection"),
            ("Ctrl+D", "Duplicate"),
            ("Ctrl+T", "Enable or disable"),
            ("Delete", "Delete; Undo is in the message bar"),
            ("Ctrl+Z", "Undo the last deletion"),
            ("Ctrl+O", "Import connections from files"),
            ("Ctrl+Shift+S", "Export connections to a file"),
            ("Ctrl+F", "Search; arrow down goes back to the list"),
            ("Escape", "Clear the search and the filters"),
            ("Ctrl+A", "Select all that are listed"),
            ("Shift+F10 or the menu key", "Actions for the selection"),
        ),
    ),
    ("In a conflict", (("M or T", "Keep mine, or theirs, of the selected field"), ("Enter", "Apply what is chosen"))),
    ("In a form", (("Ctrl+Enter", "Save"), ("Escape", "Cancel; asks if something would be lost"))),
)


class ShortcutsDialog(QDialog):
    """Lists every shortcut; closes on Escape."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAccessibleName("Keyboard shortcuts")
        self.setModal(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        line = 0
        for title, keys in SHORTCUTS:
            grid.setRowMinimumHeight(line, 26)
            grid.addWidget(section_title(title), line, 0, 1, 2)
            for key, words in keys:
                line += 1
                grid.addWidget(PlainLabel(key, tone="muted"), line, 0)
                grid.addWidget(PlainLabel(words), line, 1)
            line += 1
        close = Button("Close", self.accept)
        close.setDefault(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 16, 22, 16)
        column.setSpacing(12)
        column.addLayout(grid)
        column.addLayout(row)
