"""A file or folder on screen: its path to select, and buttons to copy it and to open its folder."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel


class PathRow(QWidget):
    """Shows `path` and offers what one does with a path. `what` names it for a screen reader."""

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = what
        self._path = Path()
        self._text = ""
        self.label = PlainLabel(wrap=True, selectable=True)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.open_button = Button("Open folder", self.open_folder, tone="link")
        self.copy_button = Button("Copy path", self.copy, tone="link")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.label, 1)
        row.addWidget(self.open_button)
        row.addWidget(self.copy_button)

    def set_path(self, path: Path, text: str = "") -> None:
        """Show `path`; `text` where what is shown differs from it, such as a masked URL."""
        self._path = path
        self._text = text or str(path)
        self.copy_button.set_text("Copy address" if text else "Copy path")
        self.label.setText(text or str(path))
        self.label.setAccessibleName(f"{self._what}: {text or path}")

    def open_folder(self) -> None:
        open_folder(self._path)

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


def open_folder(path: Path) -> bool:
    """Show a folder, or the folder of a file, in the system's file manager."""
    folder = path if path.is_dir() else path.parent
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
