"""One record's conflicts, a line for each field or unit: what it was, mine, theirs, and which of them is kept."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QVBoxLayout, QWidget

from gui.change_words import side_text, unit_name
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import KeyValueList
from gui.widgets.labels import PlainLabel
from gui.widgets.line_model import MARK_ROLE, TONE_ROLE, Cell, LineModel
from gui.widgets.toned_table import TonedTable
from models.change import Choice, Conflict

_HEADERS: Final = ("Field", "Was", "Mine", "Theirs", "Keep")
_MINE, _THEIRS, _KEEP = 2, 3, 4
_WIDTHS = {0: 130, 1: 120, _MINE: 130, _KEEP: 100}
_CHOSEN = ("✓", "ok")
_OPEN = ("?", "warning")
_MOST_ROWS = 7


class ConflictView(QWidget):
    """M keeps mine, T theirs, for the field under the cursor. `changed` comes with every choice.

    `last_word` follows once everything is chosen.
    """

    changed = Signal()

    def __init__(self, theme: Theme, *, few: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: dict[tuple[str, ...], Choice] = {}
        self.model: LineModel[Conflict] = LineModel(_HEADERS, self._cells, lambda one: (one.connection_id, one.fields))
        self.table = _ConflictTable(theme, TONE_ROLE, MARK_ROLE, name="Conflicting fields")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setModel(self.model)
        self.table.set_widths(_WIDTHS, _THEIRS)
        self.all_mine = Button("Keep all mine", lambda: self._choose_all(Choice.MINE))
        self.all_theirs = Button("Keep all theirs", lambda: self._choose_all(Choice.THEIRS))
        self.hint = PlainLabel(tone="muted", wrap=True)
        self.full = KeyValueList()
        self._few = few
        self.last_word = ""
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.all_mine)
        row.addWidget(self.all_theirs)
        row.addWidget(self.hint, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table)
        column.addWidget(self.full)
        column.addLayout(row)
        self.table.wanted.connect(self._choose)
        self.table.clicked.connect(self._clicked)
        self.table.selectionModel().currentRowChanged.connect(lambda _now, _before: self._show_full())
        self.model.modelReset.connect(self._begin)

    def show_conflicts(self, conflicts: Sequence[Conflict]) -> None:
        """Show these; a choice stays where its field still conflicts over the same values."""
        before = {one.fields: one for one in self.model.items}
        for one in conflicts:
            old = before.get(one.fields)
            if old is None or old._replace(id=one.id, made_at=one.made_at) != one:
                self._choices.pop(one.fields, None)
        self.model.set_items(conflicts)
        rows = min(len(conflicts), _MOST_ROWS)
        header = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(header + rows * self.table.verticalHeader().defaultSectionSize() + 4)
        self._follow()

    def choices(self) -> dict[tuple[str, ...], Choice]:
        """Return what was chosen, by the fields of each conflict."""
        return {one.fields: self._choices[one.fields] for one in self.model.items if one.fields in self._choices}

    def is_settled(self) -> bool:
        return bool(self.model.items) and all(one.fields in self._choices for one in self.model.items)

    def _cells(self, one: Conflict) -> tuple[Cell, ...]:
        kept = self._choices.get(one.fields)
        mine, theirs = side_text(one, one.mine), side_text(one, one.theirs)
        word = {None: "choose", Choice.MINE: "mine", Choice.THEIRS: "theirs"}[kept]
        return (
            Cell(unit_name(one.fields)),
            Cell(side_text(one, one.base), "muted"),
            _side(mine, Choice.MINE, kept),
            _side(theirs, Choice.THEIRS, kept),
            Cell(word, "" if kept else "warning", _OPEN if kept is None else None, f"Keep: {word}"),
        )

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() in {_MINE, _THEIRS}:
            self._choose(index.row(), Choice.MINE if index.column() == _MINE else Choice.THEIRS)

    def _choose(self, row: int, choice: Choice) -> None:
        one = self.model.item_at(row)
        if one is None:
            return
        self._choices[one.fields] = choice
        self._follow()
        open_rows = [n for n, each in enumerate(self.model.items) if each.fields not in self._choices]
        if open_rows and self.table.hasFocus():
            self.table.selectRow(next((n for n in open_rows if n > row), open_rows[0]))

    def _choose_all(self, choice: Choice) -> None:
        self._choices.update({one.fields: choice for one in self.model.items})
        self._follow()

    def _follow(self) -> None:
        self.model.refresh()
        left = sum(one.fields not in self._choices for one in self.model.items)
        keys = "M keeps mine, T keeps theirs, for the selected line."
        self.hint.setText(f"{left} still to choose. {keys}" if left else f"Everything is chosen.{self.last_word}")
        self._show_full()
        self.changed.emit()

    def _begin(self) -> None:
        if self.model.items:
            self.table.selectRow(0)
        self._show_full()

    def _show_full(self) -> None:
        """Show the selected line's values in full: a note does not fit into a cell."""
        one = self.model.item_at(self.table.currentIndex().row())
        self.full.setVisible(one is not None and not self._few)
        if one is not None and not self._few:
            sides = (("Was", one.base), ("Mine", one.mine), ("Theirs", one.theirs))
            self.full.fill([(word, side_text(one, side)) for word, side in sides])


class _ConflictTable(TonedTable):
    """`wanted` carries a row and the side to keep; `confirmed` comes with Enter."""

    wanted = Signal(int, object)
    confirmed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = {
            Qt.Key.Key_M: Choice.MINE,
            Qt.Key.Key_T: Choice.THEIRS,
            Qt.Key.Key_Left: Choice.MINE,
            Qt.Key.Key_Right: Choice.THEIRS,
        }
        choice = keys.get(Qt.Key(event.key()))
        if choice is not None and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            self.wanted.emit(self.currentIndex().row(), choice)
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.isAutoRepeat():
            self.confirmed.emit()
        else:
            super().keyPressEvent(event)


def _side(text: str, side: Choice, kept: Choice | None) -> Cell:
    if kept is side:
        return Cell(text, "", _CHOSEN, f"{text}, kept")
    return Cell(text, "muted" if kept else "", ("○", "muted"))
