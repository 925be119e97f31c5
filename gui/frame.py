"""The window's frame: on the screen before anything that fills it is imported, so it imports almost nothing itself."""

from collections.abc import Callable

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QColor, QKeyEvent, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QWidget

TITLE = "CTS Connections"
SIZE = QSize(1380, 800)
EDGES = QSize(16, 48)
"""Room for what the desktop draws around a window: its title bar would push the status bar off a small screen."""


class Frame(QWidget):
    """`painted` comes once, after the first paint. `may_close` is asked when a person closes the window.

    `early` has the keys that were pressed before anything was there to take them.

    No QMainWindow: that moves what it holds by an animation, and so lays all of it out and paints it twice.
    """

    painted = Signal()

    def __init__(self, background: str) -> None:
        super().__init__()
        self.may_close: Callable[[], bool] = lambda: True
        self._was_painted = False
        self._filled = False
        self.early: list[QKeyEvent] = []
        # The style and its palette come later; the ground should not change its colour then. (Making a new palette
        # from a colour would import Qt's enumerations, half of what the first paint may take.)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(background))
        self.setPalette(palette)
        # A blank: painting it makes Qt load the fonts while another thread imports what writes with them.
        self._blank = QLabel(" ", self)
        self.setWindowTitle(TITLE)
        self.resize(SIZE.boundedTo(self.screen().availableSize() - EDGES))

    def fill(self, content: QWidget) -> None:
        """Show `content`, all over the frame."""
        from PySide6.QtWidgets import QVBoxLayout

        self._filled = True
        self._blank.deleteLater()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)
        # Now, not by the events that wait: the frame's own next paint would come between, and all be painted twice.
        layout.activate()
        content.show()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.setAccepted(self.may_close())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._filled:
            super().keyPressEvent(event)
        else:
            self.early.append(event.clone())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self, self.painted.emit)
