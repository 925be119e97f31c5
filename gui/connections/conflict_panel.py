"""Inside the form of a connection: what somebody else changed meanwhile, and which of it is kept."""

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.conflict_view import ConflictView
from gui.theme import Theme
from gui.widgets.labels import PlainLabel
from models.change import Choice, Conflict


class ConflictPanel(QWidget):
    """The conflicts of a save that came too late. What is not among them was merged already, or is not touched."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Changed meanwhile")
        self.heading = PlainLabel(role="heading", wrap=True)
        self.view = ConflictView(theme, few=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 12, 20, 4)
        column.setSpacing(6)
        column.addWidget(self.heading)
        column.addWidget(self.view)

    def show_conflicts(self, name: str, conflicts: Sequence[Conflict]) -> None:
        self.heading.setText(f"“{name}” was changed by somebody else while you typed. What should be kept?")
        self.view.show_conflicts(conflicts)

    def given_up(self) -> frozenset[str]:
        """Return the fields that stay as the others set them."""
        chosen = self.view.choices()
        return frozenset(name for fields, choice in chosen.items() if choice is Choice.THEIRS for name in fields)
