"""Typing a passphrase, unlocking the vault, and the recovery key that is shown once."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from gui.clipboard import copy_secret
from gui.widgets.buttons import Button
from gui.widgets.check_box import CheckBox
from gui.widgets.dialogs import PlainDialog
from gui.widgets.labels import PlainLabel
from models.problem import Problem
from models.secret import Secret


class _SecretDialog(PlainDialog):
    """Asks for a secret. Stays open, with the refusal, until `finish`; busy while the vault works."""

    given = Signal(object)

    def __init__(self, title: str, text: str, confirm: str, parent: QWidget | None = None) -> None:
        super().__init__(title, text, parent)
        self.refusal = PlainLabel(tone="error", wrap=True, selectable=True)
        self.refusal.hide()
        self.cancel = Button("Cancel", self.reject)
        self.confirm = Button(confirm, self.give, tone="primary")
        self.confirm.setDefault(True)
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.confirm)
        self.setMinimumWidth(440)

    def give(self) -> None:
        """Hand over what was typed."""
        raise NotImplementedError  # every dialog hands over something else

    def refuse(self, text: str) -> None:
        self.refusal.setText(text)
        self.refusal.setVisible(bool(text))

    def show_problem(self, problem: Problem) -> None:
        self.refuse(f"{problem.text} {problem.solution}".strip())

    def set_busy(self, busy: bool) -> None:
        self.confirm.setEnabled(not busy)
        if busy:
            self.refuse("")


class PassphraseDialog(_SecretDialog):
    """Asks for a new passphrase twice. `given` carries it as a Secret."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Set a passphrase",
            "The passphrase opens the secrets on this and on other computers. A few words are better than one. "
            "Nobody can tell it to you again: make a recovery key too.",
            "Set passphrase",
            parent,
        )
        self.first = secret_field("New passphrase")
        self.second = secret_field("New passphrase, once more")
        for field in (self.first, self.second):
            self.body.addWidget(PlainLabel(field.accessibleName(), tone="muted"))
            self.body.addWidget(field)
        self.body.addWidget(self.refusal)
        self.body.addStretch(1)
        self.first.setFocus()

    def give(self) -> None:
        if self.first.text() != self.second.text():
            # Enter after the first one leads on to the second.
            led_on = self.first.hasFocus() and not self.second.text()
            self.refuse("" if led_on else "The two are not the same.")
            self.second.setFocus()
            return
        self.given.emit(Secret(self.first.text()))


class FirstSecretDialog(PassphraseDialog):
    """Asks for a passphrase before the first secret is stored where no keyring keeps the key. `declined`: without."""

    declined = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = "Protect your secrets?"
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.heading.setText(title)
        self.set_text(
            "This system has no keyring that can be used. With a passphrase nobody else opens your secrets: you type "
            "it after each start, when a secret is needed. Without one their key lies beside the data, in vault.key, "
            "and whoever copies the folder can open them. Settings, Vault, changes it later."
        )
        self.without = Button("Go on without", self._decline)
        self.buttons.insertWidget(self.buttons.indexOf(self.confirm), self.without)

    def set_busy(self, busy: bool) -> None:
        super().set_busy(busy)
        self.without.setEnabled(not busy)

    def _decline(self) -> None:
        self.accept()
        self.declined.emit()


class UnlockDialog(_SecretDialog):
    """Asks for the passphrase, or the recovery key where `recovery` is ticked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Unlock the vault", "Secrets can be used and changed once the vault is open.", "Unlock", parent
        )
        self.field = secret_field("Passphrase")
        self.recovery = CheckBox("It is the recovery key")
        self.recovery.setAccessibleName("It is the recovery key")
        self.body.addWidget(self.field)
        self.body.addWidget(self.recovery)
        self.body.addWidget(self.refusal)
        self.body.addStretch(1)
        self.field.setFocus()

    def give(self) -> None:
        self.given.emit(Secret(self.field.text()))

    def show_problem(self, problem: Problem) -> None:
        """Say it, and let the next word that is typed take the place of the wrong one."""
        super().show_problem(problem)
        self.field.selectAll()
        self.field.setFocus()


class RotationDialog(_SecretDialog):
    """Asks before every secret is sealed anew; the passphrase is asked for where it is needed. `given` carries it."""

    def __init__(self, *, needs_passphrase: bool, parent: QWidget | None = None) -> None:
        super().__init__(
            "New key",
            "Every secret is sealed anew with a new key, and the old key is dropped as soon as no backup needs it. Do "
            "this when somebody who could open the secrets should no longer. A recovery key that was made is replaced: "
            "the new one is shown once. It may be interrupted; both keys work until it is finished.",
            "Make a new key",
            parent,
        )
        self.field = secret_field("Passphrase")
        if needs_passphrase:
            self.body.addWidget(PlainLabel("Passphrase", tone="muted"))
            self.body.addWidget(self.field)
            self.field.setFocus()
        self.body.addWidget(self.refusal)
        self.body.addStretch(1)

    def give(self) -> None:
        self.given.emit(Secret(self.field.text()) if self.field.text() else None)


class RecoveryKeyDialog(PlainDialog):
    """Shows a recovery key, this once. It is gone when the dialog closes."""

    def __init__(self, key: Secret, parent: QWidget | None = None) -> None:
        super().__init__(
            "Recovery key",
            "It opens the secrets when the passphrase is lost. Write it down and keep it away from this computer: "
            "it is shown this once. A recovery key made before no longer works.",
            parent,
        )
        self._key = key
        # Not selectable: what a text field copies, also by merely selecting it, stays on the clipboard for ever.
        self.field = PlainLabel(key.reveal(), role="heading")
        self.field.setAccessibleName("Recovery key")
        self.field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said = PlainLabel("What is copied leaves the clipboard after 10 seconds.", tone="muted", wrap=True)
        self.body.addWidget(self.field)
        self.body.addWidget(self.said)
        self.body.addStretch(1)
        self.copy_button = Button("Copy", self._copy)
        QShortcut(QKeySequence.StandardKey.Copy, self, self._copy)
        self.done_button = Button("I have written it down", self.accept, tone="primary")
        self.buttons.addWidget(self.copy_button)
        self.buttons.addWidget(self.done_button)
        self.setMinimumWidth(480)
        self.finished.connect(lambda _result: self.field.clear())

    def _copy(self) -> None:
        copy_secret(self._key)
        self.said.setText("Copied. It leaves the clipboard after 10 seconds.")


def secret_field(name: str) -> QLineEdit:
    """Return a field whose text is never shown, remembered or suggested."""
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setAccessibleName(name)
    field.setMaxLength(1_000)
    return field
