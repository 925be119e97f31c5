"""The status bar: where the records are, in what state, what waits, who holds the key; a click leads to more."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.store_chip import StoreChip
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.labels import plain_tooltip, repolish

if TYPE_CHECKING:
    from models.status import MigrationItem, StoreStatus, VaultStatus

_WRONG = {"failed", "changed", "missing", "out of order", "future"}
_COUNTED = {
    "waiting": ("Waiting changes", "Edits that are kept here until the database has them.", "warning"),
    "conflicts": ("Conflicts", "Two desktops changed the same; a person has to choose.", "error"),
    "rejected": ("Refused changes", "The database refused these edits; see why.", "error"),
}


class StatusBar(QWidget):
    """Shows what it is told, at once; it works nothing out and asks nobody."""

    def __init__(self, theme: Theme, go_to: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Status")
        self.store = StoreChip()
        self.store.page_wanted.connect(lambda: go_to("database"))
        self.migrations = _StatusButton("Migrations", lambda: go_to("database"))
        self.counts = {
            part: _StatusButton(name, lambda part=part: go_to(f"database/{part}"))  # type: ignore[misc]
            for part, (name, _detail, _level) in _COUNTED.items()
        }
        self.vault = _StatusButton("Vault", lambda: go_to("settings/vault"))
        self.temporary = _StatusButton("Temporary data", lambda: go_to("settings"))
        self.connections = _StatusButton("Connections", lambda: go_to("connections"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 2, 10, 2)
        row.setSpacing(6)
        for button in (self.store, *self.counts.values(), self.temporary, self.migrations, self.vault):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.connections)

    def show_store(self, status: "StoreStatus") -> None:
        from gui.store_words import counts

        self.store.show_store(status)
        self.temporary.tell(
            "! Temporary data" if status.temporary else "",
            f"This data will be lost: the data folder cannot be written. It is in {status.location}.",
            "warning",
        )
        texts = dict(counts(status))
        for part, button in self.counts.items():
            _name, detail, level = _COUNTED[part]
            button.tell(texts.get(part, ""), detail, level)

    def show_migrations(self, items: "Sequence[MigrationItem]") -> None:

        from models.status import count_migrations

        applied, total = count_migrations(tuple(items))
        wrong = [item for item in items if item.state in _WRONG]
        text = f"Migrations {applied} of {total}" if items else ""
        detail = "\n".join(f"{item.number:03d} {item.name}: {item.state}" for item in wrong)
        if wrong:
            text += f", {len(wrong)} to look at"
        level = "error" if wrong else "" if applied == total else "warning"
        self.migrations.tell(
            text, detail or "Every change of the database's structure, and whether it was made.", level
        )

    def show_vault(self, status: "VaultStatus") -> None:
        beside = status.holder in {"file", "none"}
        level = "error" if status.locked else "warning" if beside else ""
        self.vault.tell(f"Vault: {status.sentence}", f"Where the key to the secrets is: {status.sentence}", level)

    def show_connections(self, text: str) -> None:
        self.connections.tell(text, "")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        # A line, not fillRect(): that knows gradients, and PySide sets up all their names before the first row.
        painter.setPen(self._theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        painter.end()


class _StatusButton(Button):
    """One fact; hidden while there is nothing to say."""

    def __init__(self, name: str, clicked: Callable[[], object]) -> None:
        super().__init__("", clicked, tone="status")
        self._name = name
        self.hide()

    def tell(self, text: str, detail: str, level: str = "") -> None:
        self.set_text(text)
        self.setAccessibleName(f"{self._name}: {text}")
        self.setToolTip(plain_tooltip(detail))
        self.setVisible(bool(text))
        if (self.property("level") or "") != level:
            self.setProperty("level", level)
            repolish(self)
