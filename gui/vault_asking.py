"""Asks for what the vault lacks at the moment when it is needed, and goes on with what was being done."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.settings.vault_dialogs import FirstSecretDialog, PassphraseDialog, UnlockDialog
from gui.shell import Shell
from models.problem import Category, CtsError, Problem

if TYPE_CHECKING:
    from models.secret import Secret
    from services.core import Core

ASKED_FOR = frozenset({Category.PASSPHRASE, Category.LOCKED})
_HERE = ("Unlock it in Settings", "Type it once in Settings")


class VaultAsking(QObject):
    """One question at a time; nothing happens where the person cancels."""

    def __init__(self, shell: Shell, core: Callable[[], "Core"], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell, self._tasks = shell, shell.tasks
        self._core = core
        self._dialog: PassphraseDialog | UnlockDialog | None = None
        self._declined = False

    async def asks_first(self, then: Callable[[], object], over: QWidget) -> bool:
        """Offer a passphrase where the first secret is about to be stored and its key would lie beside the data.

        `then` runs once one is set, or was declined. False where there is nothing to ask.
        """
        if self._declined or not await self._tasks.read(_is_first_and_open, self._core()):
            return False
        if self._dialog is None:
            dialog = FirstSecretDialog(over)
            dialog.given.connect(lambda secret: self._try(dialog, self._set_first(secret), then))
            dialog.declined.connect(lambda: self._decline(then))
            self._show(dialog)
        return True

    def ask(self, problem: Problem, then: Callable[[], object], over: QWidget) -> bool:
        """Ask for a new passphrase, or for the one that opens; `then` runs once the vault is ready.

        False where nothing that can be typed would help.
        """
        if problem.category not in ASKED_FOR:
            return False
        if self._dialog is not None:
            return True
        dialog: PassphraseDialog | UnlockDialog
        if problem.category is Category.PASSPHRASE:
            dialog = PassphraseDialog(over)
            dialog.given.connect(lambda secret: self._try(dialog, self._set(secret), then))
        else:
            dialog = UnlockDialog(over)
            dialog.given.connect(
                lambda secret: self._try(dialog, self._unlock(secret, recovery=dialog.recovery.isChecked()), then)
            )
        # Where nothing that can be typed opens it, the solution says what does; else the dialog is the solution.
        says_more = problem.category is Category.LOCKED and not problem.solution.startswith(_HERE)
        solution = problem.solution if says_more else ""
        dialog.set_text(" ".join(part for part in (problem.text, solution, dialog.text.text()) if part))
        self._show(dialog)
        return True

    def _show(self, dialog: PassphraseDialog | UnlockDialog) -> None:
        self._dialog = dialog
        dialog.finished.connect(self._forget)
        dialog.open()

    def _forget(self) -> None:
        self._dialog = None

    def _decline(self, then: Callable[[], object]) -> None:
        self._declined = True
        then()

    def _try(
        self,
        dialog: PassphraseDialog | UnlockDialog,
        work: Coroutine[Any, Any, None],
        then: Callable[[], object],
    ) -> None:
        async def run() -> None:
            try:
                await work
            except CtsError as error:
                dialog.show_problem(error.problem)
                return
            dialog.accept()
            then()

        self._tasks.start("vault: asked", run(), busy=dialog.set_busy)

    async def _set(self, passphrase: "Secret") -> None:
        await self._tasks.write(self._core().vault.set_passphrase, passphrase)

    async def _set_first(self, passphrase: "Secret") -> None:
        await self._set(passphrase)
        self._shell.messages.say(
            "The passphrase is set. Nobody can tell it to you again: a recovery key opens the secrets without it.",
            action=("Open Settings", lambda: self._shell.go_to("settings/vault")),
        )

    async def _unlock(self, secret: "Secret", *, recovery: bool) -> None:
        vault = self._core().vault
        await self._tasks.write(vault.unlock_with_recovery_key if recovery else vault.unlock, secret)


def _is_first_and_open(core: "Core") -> bool:
    return core.vault.key_lies_open() and not core.connections.have_credentials()
