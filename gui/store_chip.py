"""The store in the status bar: its state in words, the seconds to the next try, and a panel that says what to do."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel, plain_tooltip, repolish

if TYPE_CHECKING:
    from models.status import StoreStatus

_LOCATION_LENGTH = 40
_PANEL_WIDTH = 400


class StoreChip(Button):
    """A click opens the panel. `retry_wanted` and `page_wanted` are what a person chose there."""

    retry_wanted = Signal()
    page_wanted = Signal()

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("", self.open_panel, tone="status")
        self._clock = clock
        self._status: StoreStatus | None = None
        self._next_try: float | None = None
        self._panel: StorePanel | None = None
        self._second = QTimer(self)
        self._second.setInterval(500)
        self._second.timeout.connect(self._show)
        self._say("●  Opening the store", "", "")

    def show_store(self, status: "StoreStatus") -> None:
        """Show this state, and count down to the next try by the monotonic clock."""
        from models.status import StoreState

        self._status = status
        self._next_try = None if status.retry_in is None else self._clock() + status.retry_in
        counting = self._next_try is not None and status.state is not StoreState.ONLINE
        self._second.start() if counting else self._second.stop()
        self._show()

    def open_panel(self) -> None:
        """Say more, in a small panel over the chip; Escape, a click elsewhere or on the chip closes it."""
        if self._panel is not None:
            self._close_panel()
            return
        if self._status is None:
            self.page_wanted.emit()
            return
        self._panel = panel = StorePanel(self.window())
        panel.retry.clicked.connect(self._retry)
        panel.page.clicked.connect(self._go_to_page)
        self._show()
        panel.closed.connect(self._forget_panel)
        panel.open_over(self)

    def _retry(self) -> None:
        self._close_panel()
        self.retry_wanted.emit()

    def _go_to_page(self) -> None:
        self._close_panel()
        self.page_wanted.emit()

    def _close_panel(self) -> None:
        if self._panel is not None:
            self._panel.leave()

    def _forget_panel(self) -> None:
        self._panel = None

    def _show(self) -> None:
        status = self._status
        if status is None:
            return
        # Not for the first paint, which knows of no store yet.
        from gui.store_words import countdown, may_retry, place, store_words, what_goes_on
        from models.status import StoreState

        words = store_words(status)
        left = None if self._next_try is None else self._next_try - self._clock()
        soon = "" if status.state is StoreState.ONLINE else countdown(status, left)
        where = _shorten(place(status.home or status.location))
        text = f"{words.sign}  {' · '.join(part for part in (words.short, where, soon) if part)}"
        told = (words.headline, words.cause, words.solution, what_goes_on(status))
        self._say(text, "\n".join(part for part in told if part), words.level)
        if self._panel is not None:
            self._panel.show_words(words.headline, words.cause, words.solution, what_goes_on(status), soon)
            self._panel.retry.setVisible(may_retry(status))
            self._panel.retry.setEnabled(not status.trying)

    def _say(self, text: str, detail: str, level: str) -> None:
        if self.text() != text:
            self.set_text(text)
            self.setAccessibleName(f"Store: {text[1:].strip()}")
        self.setToolTip(plain_tooltip(detail))
        self.setAccessibleDescription(detail)
        if (self.property("level") or "") != level:
            self.setProperty("level", level)
            repolish(self)


class StorePanel(QFrame):
    """What happened, what to do, and the two things that can be done from here.

    It lies over the window that it belongs to and is no window itself: some systems refuse one that grabs the keyboard.
    `closed` comes when it goes.
    """

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "popup")
        self.setAccessibleName("About the store")
        self.headline = PlainLabel(role="heading", wrap=True, selectable=True)
        self.cause = PlainLabel(wrap=True, selectable=True)
        self.solution = PlainLabel(wrap=True, selectable=True)
        self.meanwhile = PlainLabel(tone="muted", wrap=True)
        self.soon = PlainLabel(tone="muted")
        self.retry = Button("Retry now", tone="primary")
        self.page = Button("Open Database page")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.retry)
        buttons.addWidget(self.page)
        buttons.addStretch(1)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        for label in (self.headline, self.cause, self.solution, self.meanwhile, self.soon):
            column.addWidget(label)
        column.addSpacing(4)
        column.addLayout(buttons)
        self._chip = parent
        self.setFixedWidth(_PANEL_WIDTH)

    def show_words(self, headline: str, cause: str, solution: str, meanwhile: str, soon: str) -> None:
        for label, text in (
            (self.headline, headline),
            (self.cause, cause),
            (self.solution, solution),
            (self.meanwhile, meanwhile),
            (self.soon, f"{soon[:1].upper()}{soon[1:]}." if soon else ""),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        if self.isVisible():
            self._fit()

    def open_over(self, chip: QWidget) -> None:
        """Show it above the chip, inside the window."""
        self._chip = chip
        self._fit()
        self.show()
        self.raise_()
        (self.retry if self.retry.isVisible() and self.retry.isEnabled() else self.page).setFocus()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def leave(self) -> None:
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self.hide()
        if had_focus:
            self._chip.setFocus()
        self.closed.emit()
        self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Cancel):
            self.leave()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close on a press anywhere else; the press itself goes where it was meant to go."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            inside = watched is self or watched is self._chip or self.isAncestorOf(watched)
            if not inside:
                self.leave()
        return False

    def _fit(self) -> None:
        self._column.activate()
        height = max(self._column.heightForWidth(_PANEL_WIDTH), self.minimumSizeHint().height())
        self.resize(_PANEL_WIDTH, height)
        place = self._chip.mapTo(self._chip.window(), QPoint(0, 0)) - QPoint(0, height + 6)
        self.move(max(4, place.x()), max(4, place.y()))


def _shorten(location: str) -> str:
    """Return the end of a long path: the file's name says more than the root."""
    return location if len(location) <= _LOCATION_LENGTH else "…" + location[-_LOCATION_LENGTH:]
