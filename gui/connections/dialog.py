"""The form of one connection, new or edited. It stays open, with everything typed, until what it says is stored."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QBoxLayout, QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.connections.conflict_panel import ConflictPanel
from gui.connections.form_sections import (
    AccountSection,
    CredentialsSection,
    NotesSection,
    Section,
    TradingSection,
    stack,
)
from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel
from models.connection import CREDENTIALS
from models.connection_rules import InvalidFieldsError, advice, validate

if TYPE_CHECKING:
    from gui.theme import Theme
    from gui.widgets.form import FormField
    from models.change import Conflict, RejectedChange
    from models.connection import Connection
    from models.problem import Problem

_ADVICE_DELAY = 250
_TWO_COLUMNS = 620


class ConnectionDialog(QDialog):
    """`submitted` asks to store what `fields()` says; `set_busy`, `show_errors`, `show_problem` and `saved` answer.

    `base` is the record as it was read, or None for a new one; `refused` the change that is tried again, if one is.
    """

    submitted = Signal()

    def __init__(self, base: "Connection | None", key_ending: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.base = base
        self.refused: RejectedChange | None = None
        self._carried: dict[str, Any] = {}
        self._may_go = False
        self._busy = False
        self._return_to: QWidget | None = None
        self._conflicts: ConflictPanel | None = None
        self._account, self._credentials = AccountSection(), CredentialsSection()
        self._trading, self._notes = TradingSection(), NotesSection()
        self._sections: tuple[Section, ...] = (self._account, self._credentials, self._trading, self._notes)
        self._fields: dict[str, FormField] = {
            name: field for section in self._sections for name, field in section.fields.items()
        }
        self._problem = PlainLabel(tone="error", wrap=True, selectable=True)
        self._problem.hide()
        self._cancel = Button("Cancel", self.reject)
        self._save = Button("Save" if base else "Add connection", self._submit, tone="primary", hint="Ctrl+Enter")
        self._advice_timer = QTimer(self)
        self._advice_timer.setSingleShot(True)
        self._advice_timer.setInterval(_ADVICE_DELAY)
        self._advice_timer.timeout.connect(self._advise)
        self._lay_out()
        self._connect()
        title = f"Edit {base.name}" if base else "New connection"
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(True)
        self._account.show_record(base)
        self._credentials.show_record(base, key_ending)
        self._trading.show_record(base)
        self._notes.show_record(base)
        self._credentials.follow_exchange(self._account.exchange.value())
        self._first = self._everything()
        self._account.name.setFocus()

    def fields(self) -> dict[str, Any]:
        """Return what to store: everything for a new connection, for an old one what differs from the record."""
        values = self._everything()
        if self.base is None:
            return values
        given_up = self._conflicts.given_up() if self._conflicts is not None else frozenset[str]()
        return {
            name: value
            for name, value in values.items()
            if name not in given_up and (name not in self._first or value != self._first[name])
        }

    def is_changed(self) -> bool:
        return self._everything() != self._first

    def try_again(self, refused: "RejectedChange") -> None:
        """Put in what the database refused, and say why it did. Secrets have to be typed again."""
        self.refused = refused
        values = {name: value for name, value in refused.values.items() if name not in CREDENTIALS}
        with contextlib.suppress(InvalidFieldsError):
            # Of a connection that is gone an edit has some fields only; the others begin as in a new one.
            begun = {"name": refused.name, "exchange": self._account.exchange.value()} if self.base is None else {}
            draft = validate(begun | values, self.base, complete=False)
            self._account.show_record(draft)
            self._trading.show_record(draft)
            self._notes.show_record(draft)
            self._carried = {"extra": draft.extra} if "extra" in values else {}
        self._credentials.ask_again([name for name in CREDENTIALS if refused.values.get(name) == "set"])
        self._tell(f"Refused before: {refused.problem.text} {refused.problem.solution}".strip())

    def set_busy(self, busy: bool) -> None:
        if self._may_go:
            # It is closed, and may be gone already.
            return
        if busy:
            # What is disabled loses the keyboard; it comes back to where it was, or to what is wrong.
            self._return_to = self.focusWidget()
        for section in self._sections:
            section.setEnabled(not busy)
        self._busy = busy
        self._follow_choices()
        if busy:
            self._clear_errors()
        elif self._return_to is not None:
            self._return_to.setFocus(Qt.FocusReason.OtherFocusReason)
            self._return_to = None

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Show each sentence at its field; the first of these fields gets the focus. What has no field goes below."""
        self._clear_errors()
        fields = self._fields
        for name, text in errors.items():
            if name in fields:
                fields[name].set_error(text)
        rest = [text for name, text in errors.items() if name not in fields]
        self._tell(" ".join(rest) or "Not saved yet: something above needs a correction.")
        first = next((fields[name] for name in fields if name in errors), None)
        if first is not None:
            # Disabled sections take no focus: it gets it when the busy state ends.
            self._return_to = first.editor
            QTimer.singleShot(0, self, lambda: self._scroll.ensureWidgetVisible(first))

    def show_problem(self, problem: "Problem") -> None:
        """Say why it was not stored; everything typed stays."""
        self._tell(f"Not saved. {problem.text} {problem.solution}".strip())

    def show_conflicts(self, conflicts: "Sequence[Conflict]", base: "Connection", theme: "Theme") -> None:
        """Ask which to keep of what somebody else changed meanwhile; `base` is the record as it is now."""
        self.base = base
        if self._conflicts is None:
            self._conflicts = panel = ConflictPanel(theme)
            self._column.insertWidget(1, panel)
            panel.view.changed.connect(self._follow_choices)
        self._conflicts.show_conflicts(base.name, conflicts)
        self._tell("Not saved yet: choose what to keep of the fields above, then save again.")
        self._follow_choices()
        self._return_to = self._conflicts.view.table

    def saved(self) -> None:
        """Close: it is stored."""
        self._may_go = True
        self.accept()

    def reject(self) -> None:
        if self._may_go or not self.is_changed():
            super().reject()
            return
        from gui.widgets.dialogs import ConfirmDialog

        question = ConfirmDialog(
            "Discard what you typed?",
            "This connection is not saved yet.",
            confirm="Discard",
            danger=True,
            parent=self,
        )
        question.cancel.set_text("Keep editing")
        question.accepted.connect(self._discard)
        question.open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        # On a small screen the two columns stand below each other.
        narrow = event.size().width() < _TWO_COLUMNS
        self._columns.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        super().resizeEvent(event)

    def _discard(self) -> None:
        self._may_go = True
        self.reject()

    def _submit(self) -> None:
        if self._save.isEnabled():
            self.submitted.emit()

    def _follow_choices(self) -> None:
        """Nothing is saved while a conflict is open: the answer would be the same."""
        is_open = self._conflicts is not None and not self._conflicts.view.is_settled()
        self._save.setEnabled(not self._busy and not is_open)
        if self._conflicts is not None and not is_open:
            self._problem.hide()

    def _everything(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for section in (self._account, self._credentials, self._trading, self._notes):
            values |= section.values()
        return values | self._carried

    def _clear_errors(self) -> None:
        for field in self._fields.values():
            field.set_error("")
        self._problem.hide()

    def _tell(self, text: str) -> None:
        self._problem.setText(text)
        self._problem.setAccessibleName(text)
        self._problem.show()

    def _advise(self) -> None:
        """Point out what is allowed and probably not meant, before it is stored."""
        try:
            draft = validate(self.fields() | {"name": self._account.name.text() or "-"}, self.base, complete=False)
        except InvalidFieldsError:
            self._credentials.show_advice(())
            return
        self._credentials.show_advice(advice(draft))

    def _connect(self) -> None:
        self._account.exchange_changed.connect(self._credentials.follow_exchange)
        for section in self._sections:
            section.changed.connect(self._advice_timer.start)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self._submit)

    def _lay_out(self) -> None:
        inner = QWidget()
        self._columns = columns = QHBoxLayout(inner)
        columns.setContentsMargins(20, 18, 20, 6)
        columns.setSpacing(14)
        columns.addLayout(stack(self._account, self._credentials, self._notes), 1)
        columns.addLayout(stack(self._trading), 1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inner)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setAccessibleName("Fields of the connection")
        buttons = QHBoxLayout()
        buttons.setContentsMargins(20, 8, 20, 16)
        buttons.setSpacing(8)
        buttons.addWidget(self._problem, 1)
        buttons.addStretch(0)
        buttons.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignBottom)
        buttons.addWidget(self._save, 0, Qt.AlignmentFlag.AlignBottom)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._scroll, 1)
        column.addLayout(buttons)
        available = self.screen().availableSize()
        self.resize(min(800, available.width() - 40), min(800, available.height() - 60))
