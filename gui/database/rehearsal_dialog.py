"""What a rehearsal found: each migration with its time, its rows before and after, its SQL and its error."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSplitter, QVBoxLayout, QWidget

from gui.database.migrations_model import number_text
from gui.database.sql_view import SqlView
from gui.figures import count_text, duration_text
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.dialogs import PlainDialog
from gui.widgets.labels import PlainLabel
from models.status import Rehearsal


class RehearsalDialog(PlainDialog):
    """Shows the result; nothing can be changed here."""

    def __init__(self, theme: Theme, results: Sequence[Rehearsal], parent: QWidget | None = None) -> None:
        super().__init__("Rehearsal", headline(results), parent)
        self._results = tuple(results)
        self.list = QListWidget()
        self.list.setAccessibleName("Rehearsed migrations")
        for result in results:
            mark = "✕" if result.problem else "✓"
            text = f"{mark}  {number_text(result.number)} {result.name}   {duration_text(result.milliseconds)}"
            item = QListWidgetItem(text)
            item.setSizeHint(QSize(0, self.list.fontMetrics().height() + 12))
            self.list.addItem(item)
        self.rows = PlainLabel(wrap=True, selectable=True)
        self.problem = PlainLabel(wrap=True, selectable=True, tone="error")
        self.sql = SqlView(theme, "SQL of the rehearsed migration")
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(12, 0, 0, 0)
        for part in (self.problem, self.rows):
            column.addWidget(part)
        column.addWidget(self.sql, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.list)
        split.addWidget(right)
        split.setSizes([330, 520])
        self.body.addWidget(split, 1)
        self.close_button = Button("Close", self.accept, tone="primary")
        self.buttons.addWidget(self.close_button)
        self.resize(900, 560)
        self.list.currentRowChanged.connect(self._show)
        first_bad = next((n for n, result in enumerate(results) if result.problem), 0)
        self.list.setCurrentRow(first_bad)

    def _show(self, row: int) -> None:
        if not 0 <= row < len(self._results):
            return
        result = self._results[row]
        problem = result.problem
        parts = (problem.text, problem.solution, problem.detail) if problem else ()
        self.problem.setText("\n".join(part for part in parts if part))
        self.problem.setVisible(problem is not None)
        self.rows.setText("\n".join(row_lines(result)))
        self.sql.show_sql(result.sql)


def headline(results: Sequence[Rehearsal]) -> str:
    """Say in two sentences how it went, and that nothing was written."""
    failed = [result for result in results if result.problem]
    total = duration_text(sum(result.milliseconds for result in results))
    if not results:
        return "Nothing is pending, so nothing was tried."
    if failed:
        said = f"{number_text(failed[0].number)} {failed[0].name} would fail. Nothing was written."
    else:
        said = f"{count_text(len(results), 'migration')} would run, in {total}. Nothing was written."
    return f"{said} {results[-1].note}".rstrip()


def row_lines(result: Rehearsal) -> list[str]:
    """Name the tables whose row count would change, and the tables that come or go."""
    lines = []
    for table in sorted({*result.rows_before, *result.rows_after}):
        before, after = result.rows_before.get(table), result.rows_after.get(table)
        if before is None:
            lines.append(f"{table}: new, {count_text(after or 0, 'row')}")
        elif after is None:
            lines.append(f"{table}: gone, had {count_text(before, 'row')}")
        elif before != after:
            lines.append(f"{table}: {before:,} → {count_text(after, 'row')}")
    return lines or ["No row count changes."]
