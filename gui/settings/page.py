"""The Settings page: one column of sections; every change is saved at once."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.settings.controller import SettingsController
from gui.settings.database_part import DatabasePart
from gui.settings.setting_row import SettingRow
from gui.settings.vault_part import VaultPart
from gui.shell import Page, Shell
from gui.widgets.buttons import Button
from gui.widgets.choice import Choice, Number
from gui.widgets.labels import PlainLabel, section_title
from gui.widgets.path_row import PathRow, open_folder
from models.settings import CHOICES, MOST_BACKUPS

if TYPE_CHECKING:
    from models.problem import Problem
    from models.settings import Settings
    from services.core import Core

_WIDTH = 720
_THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}
_DENSITIES = {"comfortable": "Comfortable", "compact": "Compact"}
_CHANGE_FOLDER = (
    "To use another folder, start the program with --data-dir DIR, or set CTS_DATA_DIR. Nothing is moved by itself."
)


class SettingsPage(Page):
    """Fields follow what is in force; a refused change goes back and says why under its field."""

    title = "Settings"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._core: Core | None = None
        self.controller = SettingsController(shell, self)
        self.folder = PathRow("Data folder")
        self.folder_hint = PlainLabel(_CHANGE_FOLDER, tone="muted", wrap=True, selectable=True)
        self.folder_problem = PlainLabel(tone="warning", wrap=True, selectable=True)
        self.file_problem = PlainLabel(tone="warning", wrap=True, selectable=True)
        self.theme_choice = Choice("Theme", list(_THEMES.items()))
        self.density = Choice("Density", list(_DENSITIES.items()))
        self.log_level = Choice("Log level", [(level, level.capitalize()) for level in CHOICES["log_level"]])
        self.log_folder = Button("Open log folder", self._open_log_folder)
        self.backups_kept = Number("Backups kept", 1, MOST_BACKUPS)
        self._vault_part = VaultPart(self.controller, self)
        self.vault = self._vault_part.section
        self._database_part = DatabasePart(shell, self)
        self.database = self._database_part.section
        self.rows = {
            "theme": SettingRow("Theme", _narrow(self.theme_choice)),
            "density": SettingRow("Density", _narrow(self.density), "How high the rows of the tables are."),
            "log_level": SettingRow(
                "Log level",
                _narrow(self.log_level, self.log_folder),
                "Debug writes more of what the program does; never a secret.",
            ),
            "backups_kept": SettingRow(
                "Backups kept",
                _narrow(self.backups_kept),
                "Older ones are removed when a new one is made. The one from a take-over always stays.",
            ),
        }
        self._lay_out()
        self._connect()

    def attach(self, core: "Core") -> None:
        self._core = core
        self.folder.set_path(core.data_folder)
        self.controller.attach(core)
        self._database_part.attach(core)

    def started(self) -> None:
        self.reload()

    def show_part(self, part: str) -> None:
        if part == "database":
            self._area.ensureWidgetVisible(self.database, 0, 40)
            self.database.host.setFocus()
        elif part == "vault":
            self._area.ensureWidgetVisible(self.vault, 0, 40)
            (self.vault.unlock if self.vault.unlock.isVisible() else self.vault.passphrase).setFocus()
        elif part == "passphrase":
            self._area.ensureWidgetVisible(self.vault, 0, 40)
            self.vault.passphrase_wanted.emit()

    def unsaved(self) -> str:
        return self._database_part.unsaved()

    def entered(self) -> None:
        self.reload()

    def reload(self) -> None:
        if self._core is not None:
            self.controller.reload()
            self._database_part.controller.reload()

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inner)
        column.setContentsMargins(24, 20, 24, 24)
        column.setSpacing(12)
        column.addWidget(PlainLabel("Settings", role="title"))
        for label in (self.file_problem, self.folder_problem):
            label.hide()
        column.addWidget(self.file_problem)
        _section(column, "Data folder", [self.folder, self.folder_problem, self.folder_hint])
        _section(column, "Database", [self.database])
        _section(column, "Appearance", [self.rows["theme"], self.rows["density"]])
        _section(column, "Vault", [self.vault])
        _section(column, "Backups", [self.rows["backups_kept"]])
        _section(column, "Log", [self.rows["log_level"]])
        column.addStretch(1)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(inner, 1)
        row.addStretch(0)
        self._area = area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(middle)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def _connect(self) -> None:
        change = self._change
        self.theme_choice.picked.connect(lambda value: change("theme", value))
        self.density.picked.connect(lambda value: change("density", value))
        self.log_level.picked.connect(lambda value: change("log_level", value))
        self.backups_kept.picked.connect(lambda value: change("backups_kept", value))
        self.controller.changed.connect(self._show_settings)
        self.controller.refused.connect(self._refuse)

    def _change(self, name: str, value: object) -> None:
        self.rows[name].refuse("")
        if self._core is not None:
            self.controller.change(name, value)

    def _refuse(self, name: str, problem: "Problem") -> None:
        self.rows[name].refuse(f"{problem.text} {problem.solution}".strip())

    def _show_settings(self, settings: "Settings") -> None:
        self.theme_choice.set_value(settings.theme)
        self.density.set_value(settings.density)
        self.log_level.set_value(settings.log_level)
        self.backups_kept.set_value(settings.backups_kept)
        core = self._core
        if core is None:
            return
        _show_problem(self.file_problem, core.settings.problem)
        folder_step = next((step for step in core.startup.steps if step.step == "folder"), None)
        _show_problem(self.folder_problem, folder_step.problem if folder_step else None)

    def _open_log_folder(self) -> None:
        if self._core is not None:
            open_folder(self._core.data_folder / "logs")


def _section(column: QVBoxLayout, title: str, parts: list[QWidget]) -> None:
    line = QFrame()
    line.setFixedHeight(1)
    line.setProperty("surface", "line")
    column.addSpacing(4)
    column.addWidget(line)
    column.addSpacing(2)
    column.addWidget(section_title(title))
    for part in parts:
        column.addWidget(part)


def _narrow(*parts: QWidget) -> QWidget:
    """Return a row that keeps its fields as wide as they need."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    parts[0].setMinimumWidth(160)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    holder.setFocusProxy(parts[0])
    return holder


def _show_problem(label: PlainLabel, problem: "Problem | None") -> None:
    label.setText(f"{problem.text} {problem.solution}".strip() if problem else "")
    label.setVisible(problem is not None)
