"""The pane at the right of a page: quiet background, scrolls by itself, takes sections from top to bottom."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

WIDTH = 300


class SidePane(QScrollArea):
    """Put sections into `column`; they keep to the top."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setProperty("surface", "panel")
        self.setMinimumWidth(WIDTH - 40)
        inner = QWidget()
        inner.setProperty("surface", "panel")
        inner.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(18, 18, 18, 18)
        self.column.setSpacing(10)
        self.column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(inner)
