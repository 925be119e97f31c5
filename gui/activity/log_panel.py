"""The live log: level filter, search, pause, and the whole text of the selected lines."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPlainTextEdit,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from gui.activity.controller import LogController
from gui.activity.log_model import LEVELS, Column, LogModel
from gui.activity.log_table import LogTable
from gui.figures import count_text
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import EmptyState
from gui.widgets.fields import FilterChip, SearchField
from gui.widgets.labels import PlainLabel

if TYPE_CHECKING:
    from services.core import Core

_WIDTHS = {Column.TIME: 100, Column.LEVEL: 88, Column.SOURCE: 130}
_FIRST_LEVEL = "INFO"


class LogPanel(QWidget):
    """Shows the log while it is visible. Emits `folder_wanted` for the folder of the log files."""

    folder_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.model = LogModel(self)
        self.controller = LogController(self.model, self)
        self.search = SearchField("Search source and message   Ctrl+F")
        self.level = FilterChip("Level", "All levels")
        self.level.set_choices([(level, f"{level.capitalize()} and above") for level in LEVELS[1:]])
        self.level.choose(_FIRST_LEVEL)
        self.pause = Button("Pause", hint="Stop new lines from moving what you read.")
        self.pause.setCheckable(True)
        self.copy = Button("Copy", self.copy_selected, hint="Copy the selected lines (Ctrl+C).")
        self.clear = Button("Clear view", self.clear_view, hint="The log files keep every line.")
        self.folder = Button("Open log folder", self.folder_wanted.emit)
        self.count = PlainLabel(tone="muted")
        self.table = LogTable(theme, self.model)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.set_widths(_WIDTHS, Column.TEXT)
        self.empty = EmptyState()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Whole text of the selected lines")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText("Select lines to read them in full.")
        self._following = True
        self._lay_out()
        self._connect()
        self._show_count()

    def attach(self, core: "Core") -> None:
        self.controller.attach(core)
        self._show_count()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        for button in (self.pause, self.copy, self.clear, self.folder):
            tools.addWidget(button)
        tools.addStretch(1)
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(280)
        tools.addWidget(self.search, 100)
        filters = QHBoxLayout()
        filters.addWidget(self.level)
        filters.addStretch(1)
        filters.addWidget(self.count)
        lines = QWidget()
        self._pages = QStackedLayout(lines)
        self._pages.addWidget(self.table)
        self._pages.addWidget(self.empty)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        whole = QWidget()
        below = QVBoxLayout(whole)
        below.setContentsMargins(0, 10, 0, 0)
        below.addWidget(self.text)
        split.addWidget(lines)
        split.addWidget(whole)
        split.setSizes([520, 110])
        split.setStretchFactor(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(10)
        column.addLayout(tools)
        column.addLayout(filters)
        column.addWidget(split, 1)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._filter())
        self.search.leave.connect(self.table.setFocus)
        self.level.chosen.connect(lambda _level: self._filter())
        self.pause.toggled.connect(self._pause)
        self.controller.appended.connect(self._appended)
        self.controller.waiting_changed.connect(lambda _count: self._show_count())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_selected())
        self.model.rowsAboutToBeInserted.connect(self._note_place)
        QShortcut(QKeySequence.StandardKey.Find, self, self._go_to_search)
        copy = QShortcut(QKeySequence.StandardKey.Copy, self.table, self.copy_selected)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)

    def copy_selected(self) -> None:
        """Put the selected lines on the clipboard; without a selection, all that are shown."""
        rows = self.table.selected_rows() or range(self.model.rowCount())
        QGuiApplication.clipboard().setText(self.model.text_of(rows))

    def clear_view(self) -> None:
        self.model.clear()
        self._show_selected()
        self._show_count()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.controller.watch(on=True)
        self.table.scrollToBottom()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.controller.watch(on=False)

    def _go_to_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _filter(self) -> None:
        self.model.set_filter(self.level.value or LEVELS[0], self.search.text())
        self._show_selected()
        self._show_count()
        self.table.scrollToBottom()

    def _pause(self, on: bool) -> None:
        self.pause.set_text("Resume" if on else "Pause")
        self.controller.pause(on=on)
        self._show_count()

    def _appended(self) -> None:
        self._show_count()
        if self._following:
            self.table.scrollToBottom()

    def _note_place(self) -> None:
        # Who scrolled up reads; who is at the end follows the new lines.
        bar = self.table.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - 2

    def _show_selected(self) -> None:
        rows = self.table.selected_rows()
        self.text.setPlainText(self.model.text_of(rows) if rows else "")

    def _show_count(self) -> None:
        shown, held = self.model.rowCount(), self.model.held
        text = count_text(shown, "line") if shown == held else f"{shown:,} of {count_text(held, 'line')}"
        if self.controller.paused:
            text = f"Paused · {count_text(self.controller.waiting, 'new line')} waiting · {text}"
        self.count.setText(text)
        self._pages.setCurrentIndex(0 if shown else 1)
        if not shown:
            self.empty.show_text(*_why_empty(held, self.level.value, self.search.text()))


def _why_empty(held: int, level: str, search: str) -> tuple[str, str]:
    if not held:
        return "No lines yet", "What the program does is listed here as it happens."
    if search.strip():
        return "No line matches", "Change the search, or the level."
    return f"Nothing at {level.lower() or 'this'} level or above", "Choose a lower level to see the other lines."
