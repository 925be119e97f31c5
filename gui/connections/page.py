"""The Connections page arranges: toolbar, filters, list, detail pane; the controller does what they ask for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.connections.commands import Commands
from gui.connections.controller import REFUSED, ConnectionsController
from gui.connections.detail_pane import DetailPane
from gui.connections.empty import EmptyList
from gui.connections.filters import FilterRow
from gui.connections.list_control import ListControl
from gui.connections.marking import Marking
from gui.connections.order_index import OrderIndex
from gui.connections.permission import Permission
from gui.connections.table import ConnectionTable
from gui.connections.table_model import ConnectionTableModel
from gui.connections.toolbar import Toolbar
from gui.shell import Page, Shell
from gui.widgets.fields import SearchField
from gui.widgets.keyboard import keyboard_in

if TYPE_CHECKING:
    from models.connection_row import ConnectionRow
    from models.problem import Problem
    from services.core import Core

_DETAIL_DELAY = 80
_MINUTE = 60_000


class ConnectionsPage(Page):
    """Shows the preview first, the store's list when it is there, and why there is none where there is none."""

    title = "Connections"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.controller = ConnectionsController(shell, self)
        self.model = ConnectionTableModel()
        self.table = ConnectionTable(shell.theme, self.model)
        self.filters = FilterRow()
        self.search = SearchField("Search name, exchange, tag   Ctrl+F")
        self.detail = DetailPane(shell.theme)
        self._marking = Marking(shell, self.table, self.model, self.detail)
        self.empty = EmptyList()
        self.permission = Permission(shell, self)
        self.commands = Commands(self, self.table, self.model, self.controller, shell.messages, self.permission)
        self.control = ListControl(self, self.search, self.filters, self.table, self.model, self.controller)
        self._detail_timer = _timer(self, _DETAIL_DELAY, self._read_record)
        # "5 min ago" grows old by itself.
        self._clock = QTimer(self)
        self._clock.setInterval(_MINUTE)
        self._clock.timeout.connect(self.table.repaint_cells)
        self._clock.start()
        self._lay_out()
        self._connect_parts()
        self._set_ready(ready=False)
        self.table.setFocus()

    def attach(self, core: "Core") -> None:
        self.controller.attach(core)
        self._marking.attach(core)
        self.permission.attach(core)
        self.empty.data_folder = str(core.data_folder)

    def started(self) -> None:
        self._set_ready(ready=True)
        self.controller.reload()
        self._marking.ask()
        self.permission.ask(self.commands.readiness.begin)

    def take_focus(self) -> None:
        if self.table.isVisible():
            self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            super().take_focus()

    def show_part(self, part: str) -> None:
        """Select a connection by its id, and open its form; or the form with a refused change."""
        if part.startswith(REFUSED):
            self.commands.try_again(part.removeprefix(REFUSED))
            return
        self.control.select(part)
        self.commands.edit()

    def reload(self) -> None:
        self.controller.reload()

    def show_preview(self, index: OrderIndex) -> None:
        """Show what was read before the store is open; an empty preview says nothing about the store."""
        if len(index) and not len(self.model.index_of):
            self._show_list(index)

    def show_problem(self, problem: "Problem") -> None:
        """Say why there is no list; a list that is shown already stays, the message bar says the rest."""
        self._set_ready(ready=True)
        self.commands.readiness.begin()
        self.empty.problem = problem
        self._update_view()

    def unsaved(self) -> str:
        return self.commands.unsaved()

    def state(self) -> dict[str, Any]:
        return self.table.columns.state() | self.filters.choices() | {"detail": self._splitter.sizes()[1]}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.table.columns.restore(kept)
        self.filters.restore(kept)
        width = kept.get("detail")
        if isinstance(width, int) and 200 <= width <= 900:
            self._splitter.setSizes([10_000, width])

    def _lay_out(self) -> None:
        self.tools = Toolbar(self.commands, self.search)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(20, 16, 20, 0)
        column.setSpacing(12)
        column.addLayout(self.tools)
        column.addWidget(self.permission.line)
        column.addWidget(self.filters)
        column.addWidget(self._stack, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self.detail)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setSizes([10_000, 310])
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._splitter)

    def _connect_parts(self) -> None:
        commands, controller = self.commands, self.controller
        self.control.narrowed.connect(self._list_changed)
        self.table.picked.connect(self._show_selection)
        self.table.edit_wanted.connect(commands.edit)
        self.table.menu_wanted.connect(commands.open_menu)
        self.detail.edit_wanted.connect(commands.edit)
        self.detail.duplicate_wanted.connect(commands.duplicate)
        self.detail.enable_wanted.connect(commands.enable)
        self.detail.delete_wanted.connect(commands.delete)
        self.empty.new_wanted.connect(commands.new)
        self.empty.import_wanted.connect(commands.choose_import)
        self.empty.clear_wanted.connect(self.control.clear)
        self.empty.reload_wanted.connect(controller.reload)
        controller.listed.connect(self._show_list)
        controller.failed.connect(self.show_problem)
        controller.changed.connect(self._apply)
        controller.record_read.connect(self.detail.show_record)
        controller.form_ready.connect(commands.open_form)
        controller.transfers.previewed.connect(commands.show_import)
        self._marking.narrowed.connect(self._list_changed)
        for told in (self.tools.set_reason, self.detail.set_reason, self.empty.set_reason):
            self.permission.changed.connect(told)
        self.permission.temporary.connect(self.empty.set_temporary)
        commands.add_shortcuts()

    def _set_ready(self, *, ready: bool) -> None:
        self.tools.set_ready(ready=ready)
        self.empty.loading = not ready
        self._update_view()

    def _show_list(self, index: OrderIndex) -> None:
        self.empty.problem = None
        self.model.set_index(index)
        self._list_changed()
        if self.table.selected_ids():
            # What others changed of it is in the list only as far as it has columns.
            self._show_selection()

    def _apply(self, changed: "Sequence[ConnectionRow]", removed: Sequence[str]) -> None:
        self.model.apply(changed, removed)
        self._list_changed()
        if removed:
            self.commands.select_after_removal()
        selected = set(self.table.selected_ids())
        if any(row.id in selected for row in changed):
            self._show_selection()

    def _list_changed(self) -> None:
        index = self.model.index_of
        self.filters.show_counts(index)
        self.badge.emit(f"{len(index):,}" if len(index) else "")
        self._update_view()

    def _update_view(self) -> None:
        index = self.model.index_of
        has_rows = bool(index.visible)
        self.filters.setVisible(bool(len(index)))
        # What is typed before the list is there narrows it when it comes.
        self.search.setEnabled(bool(len(index)) or self.empty.loading)
        if not has_rows:
            self.empty.show_reason(narrowed=bool(len(index)))
        shown = self.table if has_rows else self.empty
        if self._stack.currentWidget() is not shown:
            # Where a dialog is over the window, the keyboard comes back to this when it closes.
            focus = keyboard_in(self)
            self._stack.setCurrentWidget(shown)
            # A button above has the keyboard only because there was no list to have it.
            if has_rows and focus is not None and (self.tools.holds(focus) or self.empty.isAncestorOf(focus)):
                self.table.setFocus()
        self.detail.setVisible(bool(len(index)))

    def _show_selection(self) -> None:
        rows = self.table.selected_rows()
        self.detail.show_rows(rows)
        self._marking.show_selected()
        if len(rows) == 1:
            self._detail_timer.start()
        else:
            self._detail_timer.stop()

    def _read_record(self) -> None:
        ids = self.table.selected_ids()
        if len(ids) == 1:
            self.controller.show_record(ids[0])


def _timer(parent: QWidget, milliseconds: int, call: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
