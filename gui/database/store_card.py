"""The card that says what the store is, where it is, and how it is."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout

from gui import vault_words
from gui.figures import UNKNOWN, size_text
from gui.store_words import BACKENDS, is_opening, may_retry, place
from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.containers import CardFrame
from gui.widgets.labels import PlainLabel, section_title
from gui.widgets.path_row import PathRow
from gui.widgets.pill import Pill
from models.problem import Category
from models.status import Backend, StoreState, StoreStatus, VaultStatus

STATES = {
    StoreState.ONLINE: ("✓ Online", "ok"),
    StoreState.FALLBACK: ("! Fallback", "warning"),
    StoreState.RECONCILING: ("↻ Sending changes", "accent"),
    StoreState.READ_ONLY: ("! Read-only", "warning"),
}
_OPENING = ("… Opening", "neutral")
_FIELDS = (("Backend", 1, 0), ("Size", 2, 0), ("Schema", 3, 0), ("Integrity", 1, 2), ("Journal", 2, 2), ("Vault", 3, 2))


class StoreCard(CardFrame):
    """Emits what the person asks for: an integrity check, another try at opening, a new database."""

    check_wanted = Signal()
    retry_wanted = Signal()
    empty_wanted = Signal()
    records_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Store")
        self.pill = Pill(theme, *_OPENING)
        self.temporary = Pill(theme)
        self.check = Button("Check now", self.check_wanted.emit, hint="Read the whole file and look for damage.")
        self.check.set_reason("The store is still opening.")
        self.retry = Button("Try again", self.retry_wanted.emit, hint="Open the database again now.")
        self.start_empty = Button("Start empty…", self.empty_wanted.emit, hint="Begin with an empty database.")
        self.use_records = Button(
            "Use the records…", self.records_wanted.emit, hint="Make the database again from the record files."
        )
        self.path = PathRow("Database file")
        self.cause = PlainLabel(wrap=True, selectable=True)
        self.cause.hide()
        self._values: dict[str, PlainLabel] = {}
        self._names: dict[str, PlainLabel] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        for part in (section_title("Store"), self.pill, self.temporary):
            head.addWidget(part)
        head.addStretch(1)
        for button in (self.use_records, self.start_empty, self.retry, self.check):
            head.addWidget(button)
        self.retry.hide()
        self.start_empty.hide()
        self.use_records.hide()
        self.body.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 2)
        grid.setColumnStretch(3, 3)
        self._place = PlainLabel("File", tone="muted")
        grid.addWidget(self._place, 0, 0)
        grid.addWidget(self.path, 0, 1, 1, 3)
        for key, row, column in _FIELDS:
            value = self._values[key] = PlainLabel(UNKNOWN, wrap=True, selectable=True)
            name = self._names[key] = PlainLabel(key, tone="muted")
            grid.addWidget(name, row, column, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, column + 1, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(grid)
        self.body.addWidget(self.cause)

    def show_store(self, status: StoreStatus) -> None:
        self.pill.set(*(_OPENING if is_opening(status) else STATES[status.state]))
        self.temporary.set("! Temporary" if status.temporary else "", "warning")
        is_file = status.backend is not Backend.POSTGRESQL
        self._place.setText({Backend.POSTGRESQL: "Server", Backend.JSON: "Folder"}.get(status.backend, "File"))
        # Of a file alone these are known here; the health of a server tells more.
        for key in ("Journal", "Integrity", "Size"):
            self._values[key].setVisible(status.backend is Backend.SQLITE)
            self._names[key].setVisible(status.backend is Backend.SQLITE)
        self.check.setVisible(status.backend is Backend.SQLITE)
        self.path.set_path(Path(status.location), "" if is_file else status.location)
        self.path.open_button.setVisible(is_file)
        version = "" if status.backend is Backend.JSON else status.engine_version
        self._set("Backend", f"{BACKENDS[status.backend]} {version}".strip())
        self._set("Size", size_text(status.size_bytes))
        self._set("Schema", f"{status.schema:03d}" if status.schema else UNKNOWN)
        self._set("Journal", status.journal_mode.upper() or UNKNOWN)
        self.show_integrity(status.integrity)
        category = status.problem.category if status.problem else None
        self.retry.setVisible(may_retry(status))
        self.start_empty.setVisible(category is Category.EMPTY_DB)
        # The store is on the record files then, if they hold anything.
        self.use_records.setVisible(category is Category.EMPTY_DB and status.backend is Backend.JSON)
        self._show_cause(status)

    def set_reason(self, reason: str) -> None:
        """Disable the buttons while something runs or the store is opening."""
        for button in (self.check, self.retry, self.start_empty, self.use_records):
            button.set_reason(reason)

    def show_integrity(self, result: str) -> None:
        good = result.lower() == "ok"
        text = "✓ No damage found" if good else f"✕ {result}" if result else "Not checked yet"
        self._set("Integrity", text, "ok" if good else "error" if result else "muted")

    def show_vault(self, vault: VaultStatus) -> None:
        place = vault_words.SHORT.get(vault.holder, vault.sentence)
        tone = vault_words.tone(vault)
        self._set("Vault", f"Locked ({place.lower()})" if vault.locked else place, tone if tone == "warning" else "")

    def value(self, key: str) -> str:
        return self._values[key].text()

    def _set(self, key: str, text: str, tone: str = "") -> None:
        self._values[key].setText(text)
        self._values[key].set_tone(tone)
        self._values[key].setAccessibleName(f"{key}: {text}")

    def _show_cause(self, status: StoreStatus) -> None:
        problem = status.problem
        # The question below the card tells of the other database, and what can be done.
        told = problem is not None and problem.category is not Category.FENCE
        text = f"{problem.text} {problem.solution}".strip() if problem and told else ""
        if status.state is StoreState.FALLBACK and status.home:
            text = f"These files stand in for {place(status.home)}. {text}".strip()
        if status.temporary and not problem:
            text = "This data is temporary and will be lost. Choose a lasting folder with --data-dir or CTS_DATA_DIR."
        self.cause.setText(text)
        self.cause.set_tone("warning" if text else "")
        self.cause.setVisible(bool(text))
