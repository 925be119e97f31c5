"""The vault on the Settings page: where its key is, and what can be done about it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import vault_words
from gui.widgets.buttons import Button
from gui.widgets.labels import PlainLabel
from models.status import VaultStatus

_LOCKED = "The vault is locked; unlock it first."
_NO_KEY = "There is no vault yet."


class VaultSection(QWidget):
    """Emits what the person wants to do."""

    unlock_wanted = Signal()
    passphrase_wanted = Signal()
    recovery_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._busy = False
        self._status: VaultStatus | None = None
        self.place = PlainLabel("Opening the vault.", role="heading", selectable=True)
        self.sentence = PlainLabel(tone="muted", wrap=True, selectable=True)
        self.unlock = Button("Unlock…", self.unlock_wanted.emit, tone="primary")
        self.passphrase = Button("Set or change the passphrase…", self.passphrase_wanted.emit)
        self.recovery = Button("Make a recovery key…", self.recovery_wanted.emit)
        self.reason = PlainLabel(tone="muted", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.unlock, self.passphrase, self.recovery):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.place, self.sentence):
            column.addWidget(part)
        column.addSpacing(2)
        column.addLayout(row)
        column.addWidget(self.reason)
        self._enable()

    def show_vault(self, vault: VaultStatus) -> None:
        self._status = vault
        self.place.setText(vault_words.SHORT.get(vault.holder, vault.sentence))
        self.sentence.setText(vault_words.sentence(vault))
        self.sentence.set_tone(vault_words.tone(vault))
        self._enable()

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._enable()

    def _enable(self) -> None:
        vault = self._status
        locked = vault is None or vault.locked
        has_key = vault is not None and vault.holder != "none"
        reason = "" if not locked else _LOCKED if has_key else _NO_KEY
        self.unlock.setVisible(locked and has_key)
        self.unlock.setEnabled(not self._busy)
        for button in (self.passphrase, self.recovery):
            button.setEnabled(not (reason or self._busy))
            button.setAccessibleDescription(reason)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
