"""The message bar: one message at a time, never in the way, with a button where something can be done."""

from collections.abc import Collection

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.messages import Message
from gui.theme import Theme, scaled_font
from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel, plain_tooltip

_TONES = {"info": "accent", "ok": "ok", "warning": "warning", "error": "error"}
_GLYPHS = {"info": "i", "ok": "✓", "warning": "!", "error": "✕"}
_MILLISECONDS = {"info": 8_000, "ok": 8_000}
_KEPT = 50


class MessageBar(QWidget):
    """Shows messages in their order. Good news leaves by itself, a problem stays until it is dismissed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._queue: list[Message] = []
        self.current: Message | None = None
        self._glyph = _Glyph(theme)
        self._text = PlainLabel(wrap=True, selectable=True)
        self._text.setMinimumWidth(80)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = PlainLabel(tone="muted")
        self._action = Button("", self._act)
        self._action.hide()
        self._dismiss = Button("Dismiss", self.dismiss, tone="link")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 10, 7)
        row.setSpacing(10)
        row.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._text, 1)
        row.addWidget(self._more)
        row.addWidget(self._action)
        row.addWidget(self._dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        theme.changed.connect(self.update)
        self.hide()

    def add(self, message: Message) -> None:
        """Show a message, or queue it. One that says what the bar says already is dropped; good news is replaced.

        Good news answers to what was just done, and may carry its Undo: it comes before a problem that waits to be
        dismissed, which is back when it has left.
        """
        if message in self._queue or message == self.current:
            return
        passing = self.current is not None and self.current.level in _MILLISECONDS
        if passing or message.level in _MILLISECONDS:
            if self.current is not None and not passing:
                self._queue.insert(0, self.current)
            self._queue.insert(0, message)
            self.dismiss()
            return
        self._queue.append(message)
        del self._queue[:-_KEPT]
        if self.current is None:
            self.dismiss()
        else:
            self._count()

    def withdraw(self, beginnings: Collection[str]) -> None:
        """Take away every message that begins like one of these: what they told is over."""
        told = tuple(beginnings)
        self._queue = [message for message in self._queue if not message.text.startswith(told)]
        if self.current is not None and self.current.text.startswith(told):
            self.dismiss()
        else:
            self._count()

    def dismiss(self) -> None:
        """Go on to the next message, or away."""
        self._timer.stop()
        self.current = self._queue.pop(0) if self._queue else None
        if self.current is None:
            self.hide()
        else:
            self._fill(self.current)
            self.show()

    def _fill(self, message: Message) -> None:
        text = f"{message.text} {message.solution}".strip()
        self._text.setText(text)
        self._text.setToolTip(plain_tooltip(message.detail))
        self._glyph.set(_GLYPHS.get(message.level, "i"), _TONES.get(message.level, "accent"))
        self.setAccessibleName(f"{message.level}: {text}")
        self._action.setVisible(message.action is not None)
        if message.action is not None:
            self._action.set_text(message.action[0])
        self._count()
        if message.level in _MILLISECONDS:
            self._timer.start(_MILLISECONDS[message.level] * (2 if message.action else 1))
        self.update()

    def _count(self) -> None:
        self._more.setText(f"{len(self._queue)} more" if self._queue else "")

    def _act(self) -> None:
        message = self.current
        self.dismiss()
        if message is not None and message.action is not None:
            message.action[1]()

    def paintEvent(self, _event: QPaintEvent) -> None:
        tone = _TONES.get(self.current.level, "accent") if self.current else "accent"
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color(tone + "_soft"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))
        painter.end()


class _Glyph(QWidget):
    """A sign in a disc: its form says the level without its colour."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._sign, self._tone = theme, "i", "accent"
        self.setFont(scaled_font(self.font(), 0.9, bold=True))
        self.setFixedSize(QSize(22, 24))

    def set(self, sign: str, tone: str) -> None:
        self._sign, self._tone = sign, tone
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        disc = QRectF(2, 3, 18, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(self._tone))
        painter.drawEllipse(disc)
        painter.setPen(self._theme.color("window"))
        painter.drawText(disc, int(Qt.AlignmentFlag.AlignCenter), self._sign)
        painter.end()
