"""The migrations: table, what can be done with them, and the SQL of the selected one."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from gui.database.actions import Reasons, reasons, shared_reasons, summary
from gui.database.migrations_model import ITEM_ROLE, MARK_ROLE, TONE_ROLE, Column, MigrationsModel, number_text
from gui.database.sql_view import SqlView
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import EmptyState
from gui.widgets.labels import PlainLabel, section_title
from gui.widgets.toned_table import TonedTable
from models.status import MigrationItem, MigrationState

_WIDTHS = {Column.NUMBER: 40, Column.STATE: 98, Column.APPLIED: 118, Column.TOOK: 56}
_QUIET = {MigrationState.APPLIED, MigrationState.BASELINE, MigrationState.PENDING}


class MigrationsPanel(QWidget):
    """Emits what the person wants: apply_wanted and its like, and `chosen` with the number whose SQL is to be shown."""

    apply_wanted = Signal()
    rehearse_wanted = Signal()
    repair_wanted = Signal()
    baseline_wanted = Signal()
    chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._number = 0
        self.model = MigrationsModel(self)
        self.summary = PlainLabel()
        self.apply = Button("Apply pending", self.apply_wanted.emit, tone="primary")
        self.rehearse = Button("Rehearse", self.rehearse_wanted.emit, hint="Try them without writing anything.")
        self.repair = Button("Repair…", self.repair_wanted.emit, hint="Shows what would change in the ledger first.")
        self.baseline = Button("Baseline…", self.baseline_wanted.emit, hint="Adopt a schema that is there already.")
        self.reason = PlainLabel(tone="muted", wrap=True)
        self.table = TonedTable(theme, TONE_ROLE, MARK_ROLE, name="Migrations")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setModel(self.model)
        self.table.set_widths(_WIDTHS, Column.NAME)
        self.empty = EmptyState()
        self.sentence = PlainLabel(wrap=True, selectable=True)
        self.problem = PlainLabel(wrap=True, selectable=True, tone="error")
        self.problem.hide()
        self.sql = SqlView(theme, "SQL of the selected migration")
        self._lay_out()
        self.model.modelReset.connect(self._select_again)
        self.model.dataChanged.connect(self._show_selected)
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        self.show_nothing("Opening the store", "The migrations are listed once it is open.")
        self.set_reasons(reasons(None, ()))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(section_title("Migrations"))
        head.addStretch(1)
        for button in (self.apply, self.rehearse, self.repair, self.baseline):
            head.addWidget(button)
        detail = QWidget()
        below = QVBoxLayout(detail)
        below.setContentsMargins(0, 10, 0, 0)
        below.setSpacing(6)
        below.addWidget(self.sentence)
        below.addWidget(self.problem)
        below.addWidget(self.sql, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.table)
        split.addWidget(detail)
        split.setSizes([300, 240])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        # Under the buttons, so that a narrow window squeezes neither.
        standing = QHBoxLayout()
        standing.setSpacing(10)
        standing.addWidget(self.summary, 0, Qt.AlignmentFlag.AlignTop)
        standing.addWidget(self.reason, 1)
        column.addLayout(standing)
        # Put in its place first: a stack shows what it is given, and without a place that is a window.
        self._pages = QStackedLayout()
        column.addLayout(self._pages, 1)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(split)

    def show_items(self, items: Sequence[MigrationItem]) -> None:
        self.model.set_items(items)
        self._show_summary(summary(items))
        if items:
            self._pages.setCurrentIndex(1)
        else:
            self.show_nothing("No migrations", "The folder of SQL files that comes with the program is empty.")

    def show_nothing(self, heading: str, text: str) -> None:
        """Say why there is no list."""
        self.empty.show_text(heading, text)
        self._show_summary("")
        self._pages.setCurrentIndex(0)

    def _show_summary(self, text: str) -> None:
        self.summary.setText(text)
        self.summary.setVisible(bool(text))

    def show_sql(self, number: int, sql: str) -> None:
        """Show the SQL of a migration, if it is still the selected one."""
        if number == self._number:
            self.sql.show_sql(sql)

    def set_reasons(self, why: Reasons, busy: str = "") -> None:
        """Enable what can run; say beside the buttons why the others cannot."""
        for button, reason in (
            (self.apply, why.apply),
            (self.rehearse, why.rehearse),
            (self.repair, why.repair),
            (self.baseline, why.baseline),
        ):
            button.set_reason(reason)
        text = busy or shared_reasons(why)
        self.reason.setText(text)
        self.reason.setVisible(bool(text))

    def selected(self) -> MigrationItem | None:
        return self.model.item_at(self.table.currentIndex())

    def _select_again(self) -> None:
        """Go back to the migration that was selected, else to the first that needs a person, else to the last."""
        row = self.model.row_of(self._number)
        if row < 0:
            rows = [n for n, item in enumerate(self.model.items) if item.problem or item.action]
            row = rows[0] if rows else self.model.rowCount() - 1
        if row >= 0:
            self.table.selectRow(row)
            self.table.scrollTo(self.model.index(row, 0))

    def _choose(self, current: QModelIndex, _previous: QModelIndex) -> None:
        item = current.data(ITEM_ROLE)
        if item is not None and item.number != self._number:
            self._number = item.number
            self.sql.show_sql("")
            self.chosen.emit(item.number)
        self._show_selected()

    def _show_selected(self) -> None:
        item = self.selected()
        if item is None:
            return
        problem = item.problem
        # A problem says what the sentence would, and more.
        words = f"{item.state.value}." if problem else f"{item.sentence or item.state.value} {item.action}".strip()
        self.sentence.setText(f"{number_text(item.number)} {item.name}: {words}")
        self.sentence.set_tone("muted" if item.state in _QUIET else "")
        parts = (problem.text, problem.solution, problem.detail) if problem else ()
        self.problem.setText("\n".join(part for part in parts if part))
        self.problem.setVisible(problem is not None)
