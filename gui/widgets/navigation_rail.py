"""The navigation rail: the pages by name, each with a short counter."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import Theme, scaled_font
from gui.widgets.labels import PlainLabel, plain_caption, plain_tooltip


class NavigationRail(QWidget):
    """Emits `chosen` with the key of the page that a person picks."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Pages")
        self._group = QButtonGroup(self)
        self._items: dict[str, _RailItem] = {}
        heading = PlainLabel(title)
        heading.setFont(scaled_font(self.font(), 1.12, bold=True))
        heading.setContentsMargins(12, 4, 12, 12)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 16, 12, 12)
        self._column.setSpacing(4)
        self._column.addWidget(heading)
        self._column.addStretch(1)
        theme.changed.connect(self.update)

    def add(self, key: str, title: str, shortcut: str) -> None:
        item = _RailItem(self._theme, title)
        item.setToolTip(plain_tooltip(f"{title} ({shortcut})"))
        item.clicked.connect(lambda: self.chosen.emit(key))
        self._group.addButton(item)
        self._items[key] = item
        self._column.insertWidget(self._column.count() - 1, item)

    def select(self, key: str) -> None:
        self._items[key].setChecked(True)

    def set_badge(self, key: str, text: str) -> None:
        self._items[key].set_badge(text)


class _RailItem(QAbstractButton):
    """One page: its name to the left, its counter to the right."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._theme, self._title, self._badge = theme, title, ""
        self.setText(plain_caption(title))
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(title)

    def set_badge(self, text: str) -> None:
        self._badge = text
        self.setAccessibleName(f"{self._title}, {text}" if text else self._title)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self._title) + metrics.horizontalAdvance(self._badge) + 44
        return QSize(max(148, width), metrics.height() + 14)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, chosen = self._theme, self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        field = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if chosen or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(field, 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(theme.color("accent"))
            painter.drawRoundedRect(field, 6, 6)
        inner = field.adjusted(10, 0, -9, 0)
        painter.setPen(theme.color("muted"))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), self._badge)
        painter.setFont(scaled_font(self.font(), bold=chosen))
        painter.setPen(theme.color("accent" if chosen else "text"))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self._title)
        painter.end()
