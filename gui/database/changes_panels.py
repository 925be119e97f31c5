"""What is not simply stored: changes that wait, changes that were refused, and conflicts that a person settles."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from gui.change_words import KINDS, fields_text, unit_name
from gui.conflict_view import ConflictView
from gui.figures import count_text, stamp_text
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import EmptyState
from gui.widgets.keyboard import holds_keyboard
from gui.widgets.labels import PlainLabel
from gui.widgets.line_model import MARK_ROLE, TONE_ROLE, Cell, LineModel
from gui.widgets.toned_table import TonedTable
from models.change import Choice, Conflict, RejectedChange, WaitingChange

_SINGLE = QAbstractItemView.SelectionMode.SingleSelection


class WaitingPanel(QWidget):
    """The queue of this desktop, oldest first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.model: LineModel[WaitingChange] = LineModel(
            ("Connection", "Change", "Fields", "Waits for", "Made"), _waiting_cells, lambda one: one.op_id
        )
        self.table = TonedTable(theme, TONE_ROLE, MARK_ROLE, name="Waiting changes")
        self.table.setModel(self.model)
        self.table.set_widths({0: 200, 1: 110, 3: 130, 4: 140}, 2)
        self.text = PlainLabel(tone="muted", wrap=True)
        self._pages = _with_empty(
            self,
            self.table,
            "Nothing waits",
            "Every change is in the database. Changes made while it is away wait here, and are sent in their order.",
            self.text,
        )

    def show_changes(self, changes: Sequence[WaitingChange]) -> None:
        self.model.set_items(changes)
        text = f"{count_text(len(changes), 'change')} on this desktop, safe in the data folder."
        if causes := dict.fromkeys(one.problem for one in changes if one.problem):
            self.text.setText(" ".join([text, *(f"{cause.text} {cause.solution}" for cause in causes)]))
        else:
            self.text.setText(f"{text} They are sent in this order once the database is back.")
        self._pages.setCurrentIndex(1 if changes else 0)


class RejectedPanel(QWidget):
    """What the database refused, and why. `edit_wanted` and `dismiss_wanted` carry the RejectedChange.

    `emptied` comes as that of the conflicts.
    """

    edit_wanted = Signal(object)
    dismiss_wanted = Signal(object)
    emptied = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.model: LineModel[RejectedChange] = LineModel(
            ("Connection", "Change", "Fields", "Why", "Made"), _rejected_cells, lambda one: one.op_id
        )
        self.table = TonedTable(theme, TONE_ROLE, MARK_ROLE, name="Refused changes")
        self.table.setSelectionMode(_SINGLE)
        self.table.setModel(self.model)
        self.table.set_widths({0: 140, 1: 74, 2: 96, 4: 122}, 3)
        self.problem = PlainLabel(tone="error", wrap=True, selectable=True)
        self.solution = PlainLabel(wrap=True, selectable=True)
        self.edit = Button(
            "Edit and try again", self._edit, tone="primary", hint="Open the form with what was refused."
        )
        self.dismiss = Button("Dismiss…", self._dismiss, hint="Forget this change.")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.edit)
        buttons.addWidget(self.dismiss)
        buttons.addStretch(1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addWidget(self.problem)
        column.addWidget(self.solution)
        column.addLayout(buttons)
        self._pages = _with_empty(
            self,
            whole,
            "Nothing was refused",
            "A change that the database cannot take would stay here until you decide.",
        )
        self.table.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_selected())
        self.model.modelReset.connect(self._begin)

    def show_changes(self, changes: Sequence[RejectedChange]) -> None:
        held = bool(self.model.items) and not changes and holds_keyboard(self)
        self.model.set_items(changes)
        self._pages.setCurrentIndex(1 if changes else 0)
        if held:
            self.emptied.emit()

    def set_reason(self, reason: str) -> None:
        for button in (self.edit, self.dismiss):
            button.setEnabled(not reason)
            button.setAccessibleDescription(reason)

    def _selected(self) -> RejectedChange | None:
        return self.model.item_at(self.table.currentIndex().row())

    def _begin(self) -> None:
        if self.model.items:
            self.table.selectRow(0)
        self._show_selected()

    def _show_selected(self) -> None:
        one = self._selected()
        self.problem.setText(one.problem.text if one else "")
        self.solution.setText(one.problem.solution if one else "")
        # A deletion has no form.
        self.edit.setVisible(one is not None and one.kind in {"add", "edit"})

    def _edit(self) -> None:
        if one := self._selected():
            self.edit_wanted.emit(one)

    def _dismiss(self) -> None:
        if one := self._selected():
            # As with the conflicts: the button is disabled while it is done.
            self.table.setFocus()
            self.dismiss_wanted.emit(one)


class ConflictsPanel(QWidget):
    """The records with conflicts, and one of them field by field.

    `resolve_wanted` carries {conflict id: Choice} and {conflict id: what it showed}.

    `emptied` comes when the last one is settled while the keyboard is here: it needs another place.
    """

    resolve_wanted = Signal(object, object)
    emptied = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._conflicts: tuple[Conflict, ...] = ()
        self._blocked = ""
        self.records: LineModel[tuple[Conflict, ...]] = LineModel(
            ("Connection", "In conflict", "Changed by", "At"), _record_cells, lambda each: each[0].connection_id
        )
        self.list = TonedTable(theme, TONE_ROLE, MARK_ROLE, name="Connections in conflict", dense=True)
        self.list.setSelectionMode(_SINGLE)
        self.list.setModel(self.records)
        self.list.set_widths({0: 190, 2: 110, 3: 140}, 1)
        self.view = ConflictView(theme)
        self.view.last_word = " Enter applies it."
        self.explanation = PlainLabel(tone="muted", wrap=True, selectable=True)
        self.apply = Button("Apply choices", self._apply, tone="primary")
        self.reason = PlainLabel(tone="muted", wrap=True)
        self._lay_out()
        self.list.selectionModel().currentRowChanged.connect(self._select)
        self.records.modelReset.connect(self._begin)
        self.view.changed.connect(self._follow)
        self.view.table.confirmed.connect(self.apply.click)

    def show_conflicts(self, conflicts: Sequence[Conflict]) -> None:
        grouped: dict[str, list[Conflict]] = {}
        for one in conflicts:
            grouped.setdefault(one.connection_id, []).append(one)
        held = bool(self.records.items) and not conflicts and holds_keyboard(self)
        self.records.set_items([tuple(each) for each in grouped.values()])
        self._pages.setCurrentIndex(1 if conflicts else 0)
        self._show_record(self.list.currentIndex().row())
        if held:
            self.emptied.emit()

    def set_reason(self, reason: str) -> None:
        self._blocked = reason
        self._follow()

    def _lay_out(self) -> None:
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.explanation)
        column.addWidget(self.view)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.apply)
        row.addWidget(self.reason, 1)
        column.addLayout(row)
        column.addStretch(1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.list)
        split.addWidget(below)
        split.setSizes([90, 400])
        split.setStretchFactor(1, 1)
        self._pages = _with_empty(
            self,
            split,
            "No conflicts",
            "Two changes of the same field on two desktops would stand here side by side, for you to choose.",
        )

    def _begin(self) -> None:
        if self.records.items:
            self.list.selectRow(0)

    def _select(self, now: QModelIndex, _before: QModelIndex) -> None:
        self._show_record(now.row())

    def _show_record(self, row: int) -> None:
        record = self.records.item_at(row) or ()
        self._conflicts = record
        self.view.show_conflicts(record)
        if record:
            self.explanation.setText(
                f"“{record[0].name}” was changed by {record[0].device} (mine) and, before that arrived, by another. "
                "The database holds theirs until you choose."
            )
        self._follow()

    def _follow(self) -> None:
        settled = self.view.is_settled()
        reason = self._blocked or ("" if settled else "Choose for every field first.")
        self.apply.setEnabled(not reason)
        self.apply.setAccessibleDescription(reason)
        self.reason.setText(reason)

    def _apply(self) -> None:
        chosen = self.view.choices()
        choices: dict[str, Choice] = {one.id: chosen[one.fields] for one in self._conflicts if one.fields in chosen}
        if choices:
            # The button is disabled meanwhile, and would hand the keyboard to whatever comes next.
            self.view.table.setFocus()
            self.resolve_wanted.emit(choices, {one.id: one.seen for one in self._conflicts if one.id in choices})


def _waiting_cells(one: WaitingChange) -> tuple[Cell, ...]:
    return (
        Cell(one.name, "", ("↑", "accent"), f"{one.name}, waiting"),
        Cell(KINDS.get(one.kind, one.kind)),
        Cell(fields_text(one.fields), "muted"),
        Cell("The vault" if one.problem else "The database", "warning" if one.problem else "muted"),
        Cell(stamp_text(one.made_at), "muted"),
    )


def _rejected_cells(one: RejectedChange) -> tuple[Cell, ...]:
    return (
        Cell(one.name, "", ("✕", "error"), f"{one.name}, refused"),
        Cell(KINDS.get(one.kind, one.kind)),
        Cell(fields_text(one.fields), "muted"),
        Cell(one.problem.text),
        Cell(stamp_text(one.made_at), "muted"),
    )


def _record_cells(each: tuple[Conflict, ...]) -> tuple[Cell, ...]:
    first = each[0]
    return (
        Cell(first.name, "", ("≠", "error"), f"{first.name}, in conflict"),
        Cell(", ".join(unit_name(one.fields) for one in each)),
        Cell(first.device, "muted"),
        Cell(stamp_text(first.made_at), "muted"),
    )


def _with_empty(
    panel: QWidget, content: QWidget, heading: str, text: str, above: PlainLabel | None = None
) -> QStackedLayout:
    """Lay out `content`, and what stands in its place while there is nothing; page 0 is the empty one."""
    empty = EmptyState()
    empty.show_text(heading, text)
    shown = QWidget()
    column = QVBoxLayout(shown)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    if above is not None:
        column.addWidget(above)
    column.addWidget(content, 1)
    pages = QStackedLayout(panel)
    pages.setContentsMargins(0, 0, 0, 0)
    pages.addWidget(empty)
    pages.addWidget(shown)
    return pages
