"""The question whether the database that is there now is the right one, with what each answer does."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.figures import count_text
from gui.widgets.buttons import Button
from gui.widgets.containers import CardFrame
from gui.widgets.labels import PlainLabel
from models.problem import Category
from models.status import StoreStatus


class FencePanel(CardFrame):
    """Hidden unless the store asks. `accepted`: the changes go into this database; `settings_wanted`: it is another."""

    accepted = Signal()
    settings_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Is this the right database?", parent)
        self.text = PlainLabel(tone="warning", wrap=True, selectable=True)
        self.send = Button("Send them here", self.accepted.emit)
        self.sending = PlainLabel(wrap=True)
        self.keep = Button("Keep them waiting", self.settings_wanted.emit)
        self.keeping = PlainLabel(
            "Nothing is sent and nothing is lost: this desktop goes on with its own files. Correct the database in "
            "Settings, or have the right one restored; then the changes are sent by themselves.",
            wrap=True,
        )
        self.body.addWidget(self.text)
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, (button, words) in enumerate(((self.send, self.sending), (self.keep, self.keeping))):
            grid.addWidget(button, row, 0)
            grid.addWidget(words, row, 1)
        self.body.addLayout(grid)
        self.hide()

    def show_store(self, status: StoreStatus) -> None:
        problem = status.problem
        asks = problem is not None and problem.category is Category.FENCE
        self.setVisible(asks)
        if not asks or problem is None:
            return
        self.text.setText(problem.text)
        self.sending.setText(
            f"{count_text(status.waiting, 'waiting change')} {'goes' if status.waiting == 1 else 'go'} into this "
            "database, one by one. What it holds stays; where both changed the same field, you are asked which to "
            "keep. Choose this after a backup was restored, or when the database was moved on purpose."
        )

    def set_reason(self, reason: str) -> None:
        self.send.setEnabled(not reason)
        self.send.setAccessibleDescription(reason)
