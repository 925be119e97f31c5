"""Labels that show what they are given, letter by letter: never rich text, never a mnemonic."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


def plain_tooltip(text: str) -> str:
    """Return `text` so that a tooltip shows it as it is: Qt takes what looks like markup for markup."""
    if "<" not in text and "&lt;" not in text:
        return text
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<span style="white-space: pre-wrap">{escaped}</span>'


def plain_caption(text: str) -> str:
    """Return `text` for a button, a menu or a tab, where a single & would become a shortcut."""
    return text.replace("&", "&&")


class PlainLabel(QLabel):
    """A label of plain text. `tone` is "", muted, ok, warning, error or accent; `role` is "", title or heading."""

    def __init__(
        self,
        text: str = "",
        *,
        tone: str = "",
        role: str = "",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if tone:
            self.setProperty("tone", tone)
        if role:
            self.setProperty("role", role)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            # Selecting by keyboard is for who clicked; Tab goes on to what can be done.
            self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setText(text)

    def set_tone(self, tone: str) -> None:
        if (self.property("tone") or "") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class ElidedLabel(QWidget):
    """One line that shortens with an ellipsis where it does not fit; the whole text is in the tooltip."""

    def __init__(
        self, text: str = "", *, bold: bool = False, factor: float = 1.0, parent: QWidget | None = None
    ) -> None:
        from gui.theme import scaled_font

        super().__init__(parent)
        self._text = text
        self._tone = QPalette.ColorRole.WindowText
        self.setFont(scaled_font(self.font(), factor, bold=bold))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_text(text)

    @property
    def text(self) -> str:
        return self._text

    def set_text(self, text: str) -> None:
        self._text = text
        self.setAccessibleName(text)
        self.setToolTip(plain_tooltip(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(min(metrics.horizontalAdvance(self._text[:300]) + 2, 600), metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(20, QFontMetrics(self.font()).height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self._tone))
        # Text is laid out from its first letter: a right-to-left name keeps its own direction inside the line.
        elided = QFontMetrics(self.font()).elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), elided)
        painter.end()


def section_title(text: str) -> PlainLabel:
    """Return the heading of a group of fields or of a card."""
    label = PlainLabel(text, role="heading")
    label.setAccessibleName(text)
    return label


def show_part(part: QWidget, *, shown: bool) -> None:
    """Show or hide a part of something. One that nothing holds yet is shown with what will hold it: now it would be
    a window of its own, which the desktop flashes at the screen's corner.
    """
    if not shown or part.parentWidget() is not None:
        part.setVisible(shown)


def repolish(widget: QWidget) -> None:
    """Make the style sheet look again at a widget's properties, if it has looked at all."""
    if not widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        return
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
