"""Puts the database's form, its controller and the questions about it together for the Settings page."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.settings.database_controller import DatabaseFormController
from gui.settings.database_section import DatabaseSection
from gui.shell import Shell
from gui.vault_asking import VaultAsking
from gui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from models.database_form import DatabaseSettings
    from models.problem import Problem
    from services.core import Core


class DatabasePart(QObject):
    """`section` goes into the page; dialogs open over `page`."""

    def __init__(self, shell: Shell, page: QWidget) -> None:
        super().__init__(page)
        self._shell, self._page = shell, page
        self.section = section = DatabaseSection()
        self.controller = controller = DatabaseFormController(shell, self)
        self._asking = VaultAsking(shell, lambda: controller.core, self)
        section.test_wanted.connect(controller.test)
        section.save_wanted.connect(controller.save)
        section.clear_wanted.connect(self._ask_clear)
        section.move_wanted.connect(self._open_move)
        controller.read.connect(self._show)
        controller.tested.connect(section.show_tested)
        controller.saved.connect(section.show_saved)
        controller.refused.connect(section.show_error)
        controller.failed.connect(section.show_problem)
        controller.busy.connect(section.set_busy)
        controller.passphrase_needed.connect(self._ask_passphrase)

    def attach(self, core: "Core") -> None:
        self.controller.attach(core)

    def unsaved(self) -> str:
        return "The database form in Settings is not saved yet." if self.section.is_changed() else ""

    def _show(self, settings: "DatabaseSettings", saved: bool) -> None:
        self.section.show_settings(settings, keep_typed=not saved)

    def _ask_clear(self) -> None:
        question = ConfirmDialog(
            "Use the data folder again",
            "The program opens the database in its own data folder again. The PostgreSQL keeps its records, and other "
            "desktops go on with it. Changes that still wait for it stay here until it is used again. To take its "
            "records along, move them first.",
            confirm="Use the data folder",
            parent=self._page,
        )
        question.accepted.connect(self.controller.clear)
        question.open()

    def _ask_passphrase(self, problem: "Problem", then: Callable[[], object]) -> None:
        self._asking.ask(problem, then, self._page)

    def _open_move(self) -> None:
        from gui.settings.move_dialog import MoveDialog

        dialog = MoveDialog(self._shell, self.controller.core, self.section.form(), self._page)
        dialog.run.moved.connect(lambda _moved: self.section.forget())
        dialog.finished.connect(lambda _result: self.controller.reload())
        dialog.open()
