"""Moving all records to another database, step by step: where to, what would move, how far it is, what came of it."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from gui.store_words import BACKENDS
from gui.vault_asking import ASKED_FOR, VaultAsking
from gui.widgets.buttons import Button
from gui.widgets.choice import Choice
from gui.widgets.containers import KeyValueList
from gui.widgets.dialogs import PlainDialog
from gui.widgets.labels import PlainLabel
from models.moving import Moved, MovePreview, MoveProgress, TargetState
from models.problem import CtsError, Problem
from models.status import Backend, StoreStatus

if TYPE_CHECKING:
    from gui.shell import Shell
    from models.database_form import DatabaseForm
    from services.core import Core

_SQLITE, _FORM = "sqlite", "form"
_STATES = {
    TargetState.EMPTY: "empty",
    TargetState.EARLIER: "holds an earlier move of this database, which is finished",
    TargetState.REPLACED: "an older database, which is kept in quarantine",
    TargetState.OCCUPIED: "holds other records",
    TargetState.UNKNOWN: "not known",
}
_TEXT = (
    "Every record is copied and compared one by one; only then is the new database used. Until that moment, and "
    "whatever happens, the old one stays as it is and in use."
)


class MoveDialog(PlainDialog):
    """Three steps in one dialog. Closing it while records are copied stops the move; then nothing has changed."""

    def __init__(self, shell: "Shell", core: "Core", form: "DatabaseForm", parent: QWidget | None = None) -> None:
        super().__init__("Move the records", _TEXT, parent)
        self._form = form
        self._closing = False
        self.run = _Run(shell, core, self)
        self._asking = VaultAsking(shell, lambda: core, self)
        self.source = PlainLabel(wrap=True, selectable=True)
        self.target = Choice("To", [])
        self.facts = KeyValueList()
        self.sentence = PlainLabel(wrap=True, selectable=True)
        self.problem = PlainLabel(tone="error", wrap=True, selectable=True)
        self.problem.hide()
        self.step = PlainLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How far the move is")
        self.outcome = PlainLabel(wrap=True, selectable=True)
        self.cancel = Button("Cancel", self.reject)
        self.go_on = Button("Show what would move", self._look, tone="primary")
        self._lay_out()
        self.run.previewed.connect(self._show_preview)
        self.run.progressed.connect(self._show_progress)
        self.run.moved.connect(self._show_moved)
        self.run.failed.connect(self._show_problem)
        self.run.known.connect(self._offer)
        self.run.ask_status()

    def reject(self) -> None:
        """Stop what runs, and close once it has stopped."""
        if self.run.is_moving:
            self._closing = True
            self.run.stop.set()
            self.step.setText("Stopping. Nothing has changed.")
            self.cancel.setEnabled(False)
            return
        super().reject()

    def _lay_out(self) -> None:
        self.steps = QStackedWidget()
        for parts in (
            (PlainLabel("From", tone="muted"), self.source, PlainLabel("To", tone="muted"), self.target),
            (self.facts, self.sentence),
            (self.step, self.bar),
            (self.outcome,),
        ):
            page = QWidget()
            column = QVBoxLayout(page)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(8)
            for part in parts:
                column.addWidget(part)
            column.addStretch(1)
            self.steps.addWidget(page)
        self.body.addWidget(self.steps, 1)
        self.body.addWidget(self.problem)
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.go_on)
        self.go_on.setEnabled(False)
        self.setMinimumSize(560, 340)

    def _offer(self, status: StoreStatus) -> None:
        self.source.setText(f"{BACKENDS[status.backend]}: {status.location}")
        if status.backend is not Backend.SQLITE:
            self.target.addItem("The data folder (SQLite)", _SQLITE)
        form = self._form
        if form.host.strip() and form.database.strip():
            self.target.addItem(f"PostgreSQL: {form.database} at {form.host}, as filled in", _FORM)
        there = self.target.count() > 0
        self.target.setVisible(there)
        self.go_on.setEnabled(there)
        if not there:
            self._tell("Fill in the PostgreSQL in Settings, Database, first; it need not be saved.")

    def _look(self) -> None:
        self._tell("")
        self._set_working(on=True)
        self.run.preview(self._chosen())

    def _show_preview(self, preview: MovePreview) -> None:
        self._set_working(on=False)
        self.steps.setCurrentIndex(1)
        there = f"{_STATES[preview.state]}; {preview.there:,} connections" if preview.there else _STATES[preview.state]
        self.facts.fill(
            [
                ("From", preview.source),
                ("To", preview.target),
                ("Connections", f"{preview.connections:,}"),
                ("Rows in all tables", f"{preview.rows:,}"),
                ("The target is", there),
            ]
        )
        self.sentence.setText(preview.sentence)
        if preview.problem is None:
            self._offer_next("Move now", self._move)
        elif preview.problem.category in ASKED_FOR:
            self._show_problem(preview.problem)
        else:
            self._tell(_sentence(preview.problem))
            self._offer_next("Look again", self._look)

    def _move(self) -> None:
        self._tell("")
        self.steps.setCurrentIndex(2)
        self.step.setText("Beginning.")
        self.bar.setRange(0, 0)
        self.go_on.hide()
        self.cancel.set_text("Stop")
        self.run.move(self._chosen())

    def _show_progress(self, progress: MoveProgress) -> None:
        if not self._closing:
            self.step.setText(f"{progress.step}: {progress.done:,} of {progress.total:,} rows")
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.done)

    def _show_moved(self, moved: Moved) -> None:
        self.steps.setCurrentIndex(3)
        left = f" Tables of other programs stayed behind: {', '.join(moved.left_out)}." if moved.left_out else ""
        self.outcome.setText(f"{'✓' if moved.switched else '!'} {moved.sentence}{left}")
        self.outcome.set_tone("ok" if moved.switched else "warning")
        self._finish()

    def _show_problem(self, problem: Problem) -> None:
        self._set_working(on=False)
        if self._closing:
            super().reject()
            return
        self.cancel.set_text("Cancel")
        self.go_on.show()
        self._tell(_sentence(problem))
        if self.steps.currentIndex() > 1:
            self.steps.setCurrentIndex(1)
        if problem.category in ASKED_FOR:
            self._offer_next("Look again", self._look)
            self._asking.ask(problem, self._look, self)
        else:
            self._offer_next("Try again", self._look)

    def _finish(self) -> None:
        self._closing = False
        self.text.hide()
        self.go_on.hide()
        self.cancel.set_text("Close")
        self.cancel.setEnabled(True)
        self.cancel.setFocus()

    def _chosen(self) -> "str | DatabaseForm":
        return _SQLITE if self.target.value == _SQLITE else self._form

    def _offer_next(self, words: str, call: Callable[[], None]) -> None:
        self.go_on.clicked.disconnect()
        self.go_on.clicked.connect(lambda: call())  # noqa: PLW0108 - keeps the signal's `checked` from the call
        self.go_on.set_text(words)
        self.go_on.setEnabled(True)
        self.go_on.setFocus()

    def _set_working(self, *, on: bool) -> None:
        self.go_on.setEnabled(not on)
        self.target.setEnabled(not on)

    def _tell(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))


class _Run(QObject):
    """The calls behind the dialog; each result is a signal on the GUI's thread."""

    known = Signal(object)
    previewed = Signal(object)
    progressed = Signal(object)
    moved = Signal(object)
    failed = Signal(object)

    def __init__(self, shell: "Shell", core: "Core", parent: QObject) -> None:
        super().__init__(parent)
        self._tasks, self._core = shell.tasks, core
        self.stop = threading.Event()
        self.is_moving = False

    def ask_status(self) -> None:
        self._tasks.start("move: status", self._ask_status(), failed=self.failed.emit)

    def preview(self, target: "str | DatabaseForm") -> None:
        self._tasks.start("move: preview", self._preview(target), failed=self.failed.emit)

    def move(self, target: "str | DatabaseForm") -> None:
        self.stop.clear()
        self._tasks.start("move", self._move(target))

    async def _ask_status(self) -> None:
        self.known.emit(await self._tasks.read(self._core.status.store))

    async def _preview(self, target: "str | DatabaseForm") -> None:
        self.previewed.emit(await self._tasks.read(self._core.moving.preview, target))

    async def _move(self, target: "str | DatabaseForm") -> None:
        self.is_moving = True
        try:
            moved = await self._tasks.write(self._core.moving.move, target, self.progressed.emit, self.stop)
        except CtsError as error:
            self.is_moving = False
            self.failed.emit(error.problem)
            return
        finally:
            self.is_moving = False
        self.moved.emit(moved)


def _sentence(problem: Problem) -> str:
    return f"{problem.text} {problem.solution}".strip()
