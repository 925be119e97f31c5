"""The start-up report: each step with how it went, how long it took and what it found."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from gui.figures import count_text, duration_text
from gui.widgets.containers import clear_layout
from gui.widgets.labels import PlainLabel, section_title
from models.status import StartupStep

TITLES = {
    "folder": "Data folder",
    "configuration": "Configuration",
    "settings": "Settings",
    "log": "Log",
    "lock": "Lock of the folder",
    "vault": "Vault",
    "database": "Database",
    "take-over": "Take-over from CTS v3.1",
    "migrations": "Migrations",
    "list": "List of connections",
    "store": "Store",
}


class StartupPanel(QWidget):
    """Shows the steps that are finished, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[StartupStep, ...] = ()
        self.summary = PlainLabel("The program is starting.", tone="muted", wrap=True)
        self._steps = QVBoxLayout()
        self._steps.setSpacing(12)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(section_title("Start-up"))
        column.addWidget(self.summary)
        column.addLayout(self._steps)

    def show_steps(self, steps: Sequence[StartupStep]) -> None:
        if tuple(steps) == self._shown:
            return
        self._shown = tuple(steps)
        self.summary.setText(summary(steps))
        clear_layout(self._steps)
        for step in steps:
            self._steps.addWidget(_StepRow(step))


def summary(steps: Sequence[StartupStep]) -> str:
    if not steps:
        return "The program is starting."
    troubled = sum(not step.ok for step in steps)
    total = duration_text(sum(step.milliseconds for step in steps))
    if not troubled:
        return f"{count_text(len(steps), 'step')} in {total}, all well."
    return f"{count_text(len(steps), 'step')} in {total}, {troubled} with a problem."


class _StepRow(QWidget):
    """Mark, step and time in one line; below it what was found, and the problem if there is one."""

    def __init__(self, step: StartupStep) -> None:
        super().__init__()
        title = TITLES.get(step.step, step.step.capitalize())
        self.setAccessibleName(f"{title}: {'ok' if step.ok else 'problem'}, {duration_text(step.milliseconds)}")
        mark = PlainLabel("✓" if step.ok else "!", tone="ok" if step.ok else "warning", role="heading")
        mark.setAccessibleName("ok" if step.ok else "problem")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(mark, 0, 0)
        grid.addWidget(PlainLabel(title), 0, 1)
        grid.addWidget(PlainLabel(duration_text(step.milliseconds), tone="muted"), 0, 2, Qt.AlignmentFlag.AlignRight)
        problem = step.problem
        if step.detail and not (problem and step.detail == problem.text):
            grid.addWidget(PlainLabel(step.detail, tone="muted", wrap=True, selectable=True), 1, 1, 1, 2)
        if problem:
            text = f"{problem.text} {problem.solution}".strip()
            grid.addWidget(PlainLabel(text, tone="warning", wrap=True, selectable=True), 2, 1, 1, 2)
