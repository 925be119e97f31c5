"""Puts the vault's section, its controller and its dialogs together for the Settings page."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.settings.vault_dialogs import PassphraseDialog, RecoveryKeyDialog, RotationDialog, UnlockDialog
from gui.settings.vault_section import HOLDERS, VaultSection
from gui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from gui.settings.controller import SettingsController
    from models.secret import Secret
    from models.status import VaultStatus


class VaultPart(QObject):
    """`section` goes into the page; dialogs open over `page`."""

    def __init__(self, controller: "SettingsController", page: QWidget) -> None:
        super().__init__(page)
        self._controller, self._page = controller, page
        self._holder = ""
        self.section = section = VaultSection()
        section.unlock_wanted.connect(self._ask_unlock)
        section.passphrase_wanted.connect(self._ask_passphrase)
        section.recovery_wanted.connect(self._ask_recovery_key)
        section.holder_wanted.connect(self._ask_holder)
        section.rotation_wanted.connect(controller.ask_rotation)
        section.anew_wanted.connect(self._ask_anew)
        controller.rotation_wanted.connect(self._ask_rotation)
        controller.vault_read.connect(self._show)
        controller.vault_busy.connect(section.set_busy)
        controller.holder_refused.connect(section.refuse)
        controller.rotation_progress.connect(section.show_progress)
        controller.recovery_key_made.connect(self._show_recovery_key)

    def _show(self, vault: "VaultStatus") -> None:
        self._holder = vault.holder
        self.section.show_vault(vault)

    def _ask_passphrase(self) -> None:
        dialog = PassphraseDialog(self._page)
        dialog.given.connect(self._controller.set_passphrase)
        self._follow(dialog)

    def _ask_unlock(self) -> None:
        dialog = UnlockDialog(self._page)
        dialog.given.connect(lambda secret: self._controller.unlock(secret, recovery=dialog.recovery.isChecked()))
        self._follow(dialog)

    def _ask_rotation(self, needs_passphrase: bool) -> None:
        dialog = RotationDialog(needs_passphrase=needs_passphrase, parent=self._page)
        dialog.given.connect(self._controller.rotate)
        self._follow(dialog)

    def _ask_recovery_key(self) -> None:
        question = ConfirmDialog(
            "Make a recovery key",
            "The key is shown once. If one was made before, it no longer works from now on.",
            confirm="Make it",
            parent=self._page,
        )
        question.accepted.connect(self._controller.make_recovery_key)
        question.open()

    def _ask_holder(self, holder: str) -> None:
        """Say what the other place means before the key goes there."""
        self.section.refuse("")
        keeper, words, means = next(each for each in HOLDERS if each[0] == holder)
        question = ConfirmDialog(
            f"Keep the key: {words.lower()}", means, confirm="Keep it there", danger=holder == "file", parent=self._page
        )
        question.accepted.connect(lambda: self._controller.change_vault(lambda vault: vault.hold_by(keeper)))
        question.rejected.connect(lambda: self.section.holder.set_value(self._holder))
        question.open()

    def _ask_anew(self) -> None:
        self.section.refuse("")
        question = ConfirmDialog(
            "Begin anew",
            "A new vault is made. The secrets that are stored now stay locked and have to be entered again. The old "
            "vault is kept in quarantine: should its key turn up, it can be put back.",
            confirm="Begin anew",
            danger=True,
            parent=self._page,
        )
        said = "There is a new vault. Enter the secrets of your connections again."
        question.accepted.connect(lambda: self._controller.change_vault(lambda vault: vault.begin_anew(), said))
        question.open()

    def _follow(self, dialog: PassphraseDialog | UnlockDialog | RotationDialog) -> None:
        self._controller.vault_done.connect(dialog.accept)
        self._controller.vault_busy.connect(dialog.set_busy)
        self._controller.vault_refused.connect(dialog.show_problem)
        dialog.open()

    def _show_recovery_key(self, key: "Secret") -> None:
        RecoveryKeyDialog(key, self._page).open()
