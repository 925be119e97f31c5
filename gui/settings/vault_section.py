"""The vault on the Settings page: where its key is, and what can be done about it."""

from typing import Final, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from gui import vault_words
from gui.widgets.buttons import Button
from gui.widgets.choice import Choice
from gui.widgets.labels import PlainLabel
from models.status import VaultStatus

HOLDERS: Final[tuple[tuple[Literal["keyring", "passphrase", "file"], str, str], ...]] = (
    ("keyring", "System keyring", "Whoever is logged in as you can open the secrets. Nothing to type."),
    ("passphrase", "Passphrase only", "Typed at every start. Nobody opens the secrets without it, not even here."),
    ("file", "File beside the data", "Works without a keyring; whoever copies the whole folder can open the secrets."),
)
"""Where this desktop may keep the data key: value, words, and what it means."""
_LOCKED = "The vault is locked; unlock it first."
_NO_KEY = "There is no vault yet."


class VaultSection(QWidget):
    """Emits what the person wants to do."""

    unlock_wanted = Signal()
    passphrase_wanted = Signal()
    recovery_wanted = Signal()
    holder_wanted = Signal(str)
    rotation_wanted = Signal()
    anew_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._busy = False
        self._status: VaultStatus | None = None
        self.place = PlainLabel("Opening the vault.", role="heading", selectable=True)
        self.sentence = PlainLabel(tone="muted", wrap=True, selectable=True)
        self.unlock = Button("Unlock…", self.unlock_wanted.emit, tone="primary")
        self.anew = Button("Begin anew…", self.anew_wanted.emit, hint="For a vault whose key is lost for good.")
        self.passphrase = Button("Set or change the passphrase…", self.passphrase_wanted.emit)
        self.recovery = Button("Make a recovery key…", self.recovery_wanted.emit)
        self.rotate = Button("New key…", self.rotation_wanted.emit, hint="Seal every secret anew with a new key.")
        self.holder = Choice("This desktop keeps the key in", [(value, text) for value, text, _means in HOLDERS])
        self.holder_means = PlainLabel(tone="muted", wrap=True)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Sealing anew")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.hide()
        self.refusal = PlainLabel(tone="error", wrap=True, selectable=True)
        self.refusal.hide()
        self.reason = PlainLabel(tone="muted", wrap=True)
        self._lay_out()
        self._enable()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.unlock, self.anew, self.passphrase, self.recovery, self.rotate):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.place, self.sentence):
            column.addWidget(part)
        column.addSpacing(2)
        column.addLayout(row)
        keeping = QHBoxLayout()
        keeping.setSpacing(12)
        keeping.addWidget(PlainLabel("This desktop keeps the key in", tone="muted"))
        keeping.addWidget(self.holder)
        keeping.addStretch(1)
        column.addSpacing(4)
        column.addLayout(keeping)
        column.addWidget(self.holder_means)
        column.addWidget(self.progress)
        column.addWidget(self.refusal)
        self.holder.picked.connect(self.holder_wanted)
        column.addWidget(self.reason)

    def show_vault(self, vault: VaultStatus) -> None:
        self._status = vault
        self.place.setText(vault_words.SHORT.get(vault.holder, vault.sentence))
        self.sentence.setText(vault_words.sentence(vault))
        self.sentence.set_tone(vault_words.tone(vault))
        self.holder.set_value(vault.holder)
        self.holder_means.setText(next((means for value, _text, means in HOLDERS if value == vault.holder), ""))
        self._enable()

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._enable()

    def show_progress(self, done: int, total: int) -> None:
        """Show how many records are sealed anew; done of nothing takes the bar away."""
        self.progress.setVisible(total > 0)
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(done)

    def refuse(self, text: str) -> None:
        """Say why the holder stays as it was; "" takes it back."""
        self.refusal.setText(text)
        self.refusal.setVisible(bool(text))
        if text and self._status is not None:
            self.holder.set_value(self._status.holder)

    def _enable(self) -> None:
        vault = self._status
        locked = vault is None or vault.locked
        has_key = vault is not None and vault.holder != "none"
        reason = "" if not locked else _LOCKED if has_key else _NO_KEY
        self.unlock.setVisible(locked and has_key)
        self.anew.setVisible(locked and has_key)
        self.unlock.setEnabled(not self._busy)
        self.anew.setEnabled(not self._busy)
        for button in (self.passphrase, self.recovery, self.rotate, self.holder):
            button.setEnabled(not (reason or self._busy))
            button.setAccessibleDescription(reason)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
