"""Parts of a page behind a row of words: the arrow keys go from one to the next."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from gui.widgets.labels import plain_caption


class Tabs(QWidget):
    """Each part has a key, a title and a counter. `shown` carries the key of the part that came to the front."""

    shown = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: list[str] = []
        self._titles: list[str] = []
        self.bar = QTabBar()
        self.bar.setAccessibleName(name)
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setUsesScrollButtons(False)
        self.bar.setElideMode(Qt.TextElideMode.ElideNone)
        self._stack = QStackedWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.bar)
        column.addWidget(self._stack, 1)
        self.bar.currentChanged.connect(self._show)

    @property
    def current(self) -> str:
        return self._keys[self.bar.currentIndex()] if self._keys else ""

    def add(self, key: str, title: str, part: QWidget) -> None:
        self._keys.append(key)
        self._titles.append(title)
        self._stack.addWidget(part)
        self.bar.addTab(plain_caption(title))

    def choose(self, key: str) -> None:
        if key in self._keys:
            self.bar.setCurrentIndex(self._keys.index(key))

    def set_counter(self, key: str, text: str) -> None:
        """Show a counter behind the title; "" takes it away."""
        place = self._keys.index(key)
        title = self._titles[place]
        self.bar.setTabText(place, plain_caption(f"{title}  {text}" if text else title))
        self.bar.setAccessibleTabName(place, f"{title}, {text}" if text else title)

    def _show(self, place: int) -> None:
        self._stack.setCurrentIndex(place)
        self.shown.emit(self.current)
