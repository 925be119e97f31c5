"""The Connections page arranges: toolbar, filters, list, detail pane; the controller does what they ask for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.connections.controller import ConnectionsController
from gui.connections.detail_pane import DetailPane
from gui.connections.empty import EmptyList
from gui.connections.filters import FilterRow
from gui.connections.order_index import OrderIndex
from gui.connections.table import ConnectionTable
from gui.connections.table_model import ConnectionTableModel
from gui.shell import Page, Shell
from gui.widgets.buttons import Button
from gui.widgets.fields import SearchField

if TYPE_CHECKING:
    from gui.connections.forms import Forms
    from models.connection import Connection
    from models.connection_row import ConnectionRow
    from models.problem import Problem
    from models.status import ImportItem
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
        self.empty = EmptyList()
        self._forms: Forms | None = None
        self._place_after_removal = -1
        self._detail_timer = _timer(self, _DETAIL_DELAY, self._read_record)
        # "5 min ago" grows old by itself.
        self._clock = QTimer(self)
        self._clock.setInterval(_MINUTE)
        self._clock.timeout.connect(self.table.repaint_cells)
        self._clock.start()
        self._lay_out()
        self._connect_parts()
        self._connect_controller()
        self._add_shortcuts()
        self._set_ready(ready=False)
        self.table.setFocus()

    @property
    def forms(self) -> "Forms":
        """The dialogs of this page, built when the first one is wanted."""
        if self._forms is None:
            from gui.connections.forms import Forms

            self._forms = Forms(self, self.controller)
        return self._forms

    def attach(self, core: "Core") -> None:
        self.controller.attach(core)
        self.empty.data_folder = str(core.data_folder)

    def started(self) -> None:
        self._set_ready(ready=True)
        self.controller.reload()

    def reload(self) -> None:
        self.controller.reload()

    def show_preview(self, index: OrderIndex) -> None:
        """Show what was read before the store is open; an empty preview says nothing about the store."""
        if len(index) and not len(self.model.index_of):
            self._show_list(index)

    def show_problem(self, problem: "Problem") -> None:
        """Say why there is no list; a list that is shown already stays, the message bar says the rest."""
        self._set_ready(ready=True)
        self.empty.problem = problem
        self._update_view()

    def unsaved(self) -> str:
        return self._forms.unsaved() if self._forms is not None else ""

    def state(self) -> dict[str, Any]:
        return self.table.column_state() | {"detail": self._splitter.sizes()[1]}

    def restore(self, kept: Mapping[str, Any]) -> None:
        self.table.restore_columns(kept)
        width = kept.get("detail")
        if isinstance(width, int) and 200 <= width <= 900:
            self._splitter.setSizes([10_000, width])

    def selected_ids(self) -> tuple[str, ...]:
        return self.table.selected_ids()

    def _lay_out(self) -> None:
        self._new = Button("New connection", self._new_connection, tone="primary", hint="Ctrl+N")
        self._import = Button("Import…", self._choose_import, hint="Ctrl+O")
        self._export = Button("Export…", lambda: self.forms.choose_export(self.selected_ids()), hint="Ctrl+Shift+S")
        tools = QHBoxLayout()
        tools.setSpacing(10)
        for button in (self._new, self._import, self._export):
            tools.addWidget(button)
        tools.addStretch(1)
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(300)
        tools.addWidget(self.search, 100)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(20, 16, 20, 0)
        column.setSpacing(12)
        column.addLayout(tools)
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
        self.search.textChanged.connect(lambda _text: self._narrow())
        self.search.leave.connect(self._go_to_list)
        self.filters.changed.connect(self._narrow)
        self.filters.cleared.connect(self.clear_filters)
        self.table.picked.connect(self._show_selection)
        self.table.edit_wanted.connect(self._edit)
        self.table.menu_wanted.connect(self._open_menu)
        self.table.sort_wanted.connect(
            lambda column, descending: self.controller.arrange(self.model.index_of, column, descending=descending)
        )
        self.detail.edit_wanted.connect(self._edit)
        self.detail.duplicate_wanted.connect(self._duplicate)
        self.detail.enable_wanted.connect(self._enable)
        self.detail.delete_wanted.connect(self._delete)
        self.empty.new_wanted.connect(self._new_connection)
        self.empty.import_wanted.connect(self._choose_import)
        self.empty.clear_wanted.connect(self.clear_filters)
        self.empty.reload_wanted.connect(self.controller.reload)

    def _connect_controller(self) -> None:
        controller = self.controller
        controller.listed.connect(self._show_list)
        controller.failed.connect(self.show_problem)
        controller.changed.connect(self._apply)
        controller.arranged.connect(self._take_order)
        controller.record_read.connect(self.detail.show_record)
        controller.stored.connect(self._select_stored)
        controller.form_ready.connect(self._open_form)
        controller.previewed.connect(self._show_import)

    def _add_shortcuts(self) -> None:
        for keys, call in (
            ("Ctrl+N", self._new_connection),
            ("Ctrl+E", self._edit),
            ("Ctrl+D", self._duplicate),
            ("Ctrl+T", self._toggle),
            ("Ctrl+Z", self.controller.undo),
            ("Ctrl+F", self._go_to_search),
            ("Ctrl+O", self._import.click),
            ("Ctrl+Shift+S", self._export.click),
            ("Escape", self.clear_filters),
        ):
            shortcut = QShortcut(QKeySequence(keys), self, call)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        # Delete in the search field deletes letters.
        removal = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.table, self._delete)
        removal.setContext(Qt.ShortcutContext.WidgetShortcut)

    def clear_filters(self) -> None:
        """Show every connection."""
        self.search.clear()
        self.filters.reset()

    def _set_ready(self, *, ready: bool) -> None:
        for button in (self._new, self._import, self._export):
            button.setEnabled(ready)
        self.empty.loading = not ready
        self._update_view()

    def _show_list(self, index: OrderIndex) -> None:
        self.empty.problem = None
        self.model.set_index(index)
        self._list_changed()

    def _apply(self, changed: "Sequence[ConnectionRow]", removed: Sequence[str]) -> None:
        self.model.apply(changed, removed)
        self._list_changed()
        if self._place_after_removal >= 0 and not self.table.selected_ids() and self.model.rowCount():
            place = min(self._place_after_removal, self.model.rowCount() - 1)
            self.table.select_ids([self.model.row_at(place).id])
        self._place_after_removal = -1
        selected = set(self.table.selected_ids())
        if any(row.id in selected for row in changed):
            self._show_selection()

    def _take_order(self, column: str, descending: bool, order: object, version: int) -> None:
        if version != self.model.index_of.version:
            # The list changed while a thread arranged it.
            self.controller.arrange(self.model.index_of, column, descending=descending)
        elif isinstance(order, list):
            self.model.take_order(column, order, descending=descending)

    def _narrow(self) -> None:
        self.model.narrow(self.filters.filters(self.search.text()))
        self._list_changed()

    def _list_changed(self) -> None:
        index = self.model.index_of
        self.filters.show_counts(index)
        self.badge.emit(f"{len(index):,}" if len(index) else "")
        self._update_view()

    def _update_view(self) -> None:
        index = self.model.index_of
        has_rows = bool(index.visible)
        self.filters.setVisible(bool(len(index)))
        self.search.setEnabled(bool(len(index)))
        if not has_rows:
            self.empty.show_reason(narrowed=bool(len(index)))
        self._stack.setCurrentWidget(self.table if has_rows else self.empty)
        self.detail.setVisible(bool(len(index)))

    def _show_selection(self) -> None:
        rows = self.table.selected_rows()
        self.detail.show_rows(rows)
        if len(rows) == 1:
            self._detail_timer.start()
        else:
            self._detail_timer.stop()

    def _read_record(self) -> None:
        ids = self.table.selected_ids()
        if len(ids) == 1:
            self.controller.show_record(ids[0])

    def _select_stored(self, ids: Sequence[str]) -> None:
        """Select what was just stored, also where a filter would hide it."""
        if not any(self.model.index_of.place(connection_id) is not None for connection_id in ids):
            self.clear_filters()
        self.table.select_ids(ids)

    def _new_connection(self) -> None:
        if self._new.isEnabled():
            self.forms.open_form(None, None)

    def _open_form(self, connection: "Connection", key_ending: str | None) -> None:
        self.forms.open_form(connection, key_ending)

    def _choose_import(self) -> None:
        self.forms.choose_import()

    def _show_import(self, paths: Sequence[Path], items: "Sequence[ImportItem]") -> None:
        self.forms.show_import(paths, items)

    def _edit(self) -> None:
        ids = self.table.selected_ids()
        if self.controller.ready and len(ids) == 1:
            self.controller.edit(ids[0])
        elif len(ids) > 1:
            self.shell.messages.say(
                "Several connections are selected; a form edits one.", solution="Select one of them."
            )

    def _duplicate(self) -> None:
        if self.controller.ready and (ids := self.table.selected_ids()):
            self.controller.duplicate(ids)

    def _enable(self, on: bool) -> None:
        if self.controller.ready and (ids := self.table.selected_ids()):
            self.controller.set_enabled(ids, on=on)

    def _toggle(self) -> None:
        """Enable the selected ones, or disable them where all of them are enabled."""
        rows = self.table.selected_rows()
        self._enable(not all(row.enabled for row in rows))

    def _delete(self) -> None:
        if self.controller.ready and (ids := self.table.selected_ids()):
            self._place_after_removal = self.model.places(ids)[0]
            self.controller.remove(ids)

    def _go_to_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _go_to_list(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self.table.currentIndex().isValid() and self.model.rowCount():
            self.table.select_ids([self.model.row_at(0).id])

    def _open_menu(self, place: QPoint) -> None:
        from gui.connections.menu import selection_menu

        rows = self.table.selected_rows()
        menu = selection_menu(
            self.table,
            rows,
            edit=self._edit,
            duplicate=self._duplicate,
            enable=self._enable,
            delete=self._delete,
            new=self._new_connection,
        )
        menu.popup(place)


def _timer(parent: QWidget, milliseconds: int, call: Any) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
