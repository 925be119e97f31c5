"""Dialogs that ask before something is changed. They open without stopping the window and report by signal."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel, show_part

_ROOM, _TALL, _FEW, _WRAPS_AT = 28, 220, 8, 56
_LEAST_WIDTH = 400
_NO_LIMIT = 16_777_215


class PlainDialog(QDialog):
    """A dialog with a heading, a `body` for its content and a row of buttons. Escape closes it."""

    def __init__(self, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 18)
        column.setSpacing(12)
        self.heading = PlainLabel(title, role="title", wrap=True)
        # A question in a few words should not stand in a column, with its title cut.
        self.heading.setMinimumWidth(_LEAST_WIDTH)
        self.text = PlainLabel(text, wrap=True, selectable=True)
        show_part(self.text, shown=bool(text))
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(8)
        self.buttons.addStretch(1)
        column.addWidget(self.heading)
        column.addWidget(self.text)
        column.addLayout(self.body, 1)
        column.addLayout(self.buttons)

    def event(self, event: QEvent) -> bool:
        # Asked first: the last event of all deletes the dialog.
        laid_out = event.type() == QEvent.Type.LayoutRequest
        done = super().event(event)
        if laid_out and self.isVisible() and (layout := self.layout()) is not None:
            # A sentence that comes later would squeeze the fields: Qt knows the least height of wrapped words too late.
            least = layout.minimumHeightForWidth(self.width())
            if self.height() < least:
                self.resize(self.width(), least)
        return done

    def set_text(self, text: str) -> None:
        self.text.setText(text)
        self.text.setVisible(bool(text))


class ConfirmDialog(PlainDialog):
    """Says what will be changed, line by line, and asks. `accepted` is emitted where the person agrees."""

    def __init__(
        self,
        title: str,
        text: str,
        *,
        confirm: str,
        lines: Sequence[str] = (),
        danger: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(title, text, parent)
        self.lines = QPlainTextEdit()
        self.lines.setReadOnly(True)
        self.lines.setAccessibleName("What will be changed")
        self.lines.setTabChangesFocus(True)
        self.lines.setMinimumWidth(460)
        self.body.addWidget(self.lines, 100)
        self.body.addStretch(1)
        self.cancel = Button("Cancel", self.reject)
        self.confirm = Button(confirm, self.accept, tone="danger" if danger else "primary")
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.confirm)
        self.set_lines(lines)
        # The button that changes nothing has the focus, so that Enter by habit does no harm.
        self.cancel.setFocus()

    def set_lines(self, lines: Sequence[str]) -> None:
        self.lines.setPlainText("\n".join(lines))
        # A few lines need no tall box; many get what the dialog has.
        shown = sum(1 + len(line) // _WRAPS_AT for line in lines)
        height = self.lines.fontMetrics().lineSpacing() * shown + _ROOM
        self.lines.setMinimumHeight(min(height, _TALL))
        self.lines.setMaximumHeight(height if len(lines) <= _FEW else _NO_LIMIT)
        self.lines.setVisible(bool(lines))
