"""Between the Settings page and the services: each change is saved at once; a refused one keeps the old value."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell

if TYPE_CHECKING:
    from models.problem import Problem
    from models.secret import Secret
    from services.core import Core
    from services.vault import VaultService


class SettingsController(QObject):
    """`changed` carries the settings in force; `refused` the name of a setting and why it stays as it was.

    `vault_read` carries the VaultStatus, `vault_refused` a Problem, `recovery_key_made` a Secret to be shown once;
    `rotation_wanted` whether a new key needs the passphrase typed.
    """

    changed = Signal(object)
    refused = Signal(str, object)
    vault_read = Signal(object)
    vault_done = Signal()
    vault_refused = Signal(object)
    vault_busy = Signal(bool)
    recovery_key_made = Signal(object)
    holder_refused = Signal(str)
    rotation_wanted = Signal(bool)
    rotation_progress = Signal(int, int)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._tasks = shell.tasks
        self._core: Core | None = None

    def attach(self, core: "Core") -> None:
        self._core = core
        self._shell.bridge.step_finished.connect(lambda _event: self.reload())
        self._shell.bridge.vault_changed.connect(lambda event: self.vault_read.emit(event.status))
        self.reload()

    @property
    def core(self) -> "Core":
        assert self._core is not None
        return self._core

    def reload(self) -> None:
        """Show what is in force. Settings and the vault's state are in memory, so nothing blocks."""
        self.changed.emit(self.core.settings.current)
        self.vault_read.emit(self.core.vault.status())

    def change(self, name: str, value: Any) -> None:
        self._tasks.start(
            f"settings: {name}",
            self._change(name, value),
            failed=lambda problem: self._refuse(name, problem),
        )

    def set_passphrase(self, passphrase: "Secret") -> None:
        self._vault_task(self._set_passphrase(passphrase))

    def unlock(self, passphrase: "Secret", *, recovery: bool) -> None:
        self._vault_task(self._unlock(passphrase, recovery=recovery))

    def make_recovery_key(self) -> None:
        # Nothing is open that could show a refusal: the message bar does.
        self._tasks.start("vault", self._make_recovery_key(), busy=self.vault_busy.emit)

    def change_vault(self, change: "Callable[[VaultService], object]", said: str = "") -> None:
        """Change it where no dialog is open that could show a refusal: the section does. `said` tells of success."""
        self._tasks.start(
            "vault",
            self._change_vault(change, said),
            busy=self.vault_busy.emit,
            failed=lambda problem: self.holder_refused.emit(f"{problem.text} {problem.solution}".strip()),
        )

    def ask_rotation(self) -> None:
        """Find out whether a new key needs the passphrase; `rotation_wanted` carries it."""
        self._tasks.start("vault: rotation", self._ask_rotation())

    def rotate(self, passphrase: "Secret | None") -> None:
        self._vault_task(self._rotate(passphrase))

    def _vault_task(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.start("vault", work, busy=self.vault_busy.emit, failed=self.vault_refused.emit)

    async def _change(self, name: str, value: Any) -> None:
        settings = await self._tasks.write(self.core.settings.change, **{name: value})
        if name in {"theme", "density"}:
            self._shell.theme.choose(settings.theme, settings.density)
        elif name == "log_level":
            self.core.log.set_level(settings.log_level)
        self.changed.emit(settings)

    def _refuse(self, name: str, problem: "Problem") -> None:
        self.refused.emit(name, problem)
        self.changed.emit(self.core.settings.current)

    async def _set_passphrase(self, passphrase: "Secret") -> None:
        await self._tasks.write(self.core.vault.set_passphrase, passphrase)
        self._shell.messages.say("The passphrase is set. The secrets themselves are as they were.", level="ok")
        self.vault_done.emit()

    async def _unlock(self, passphrase: "Secret", *, recovery: bool) -> None:
        vault = self.core.vault
        await self._tasks.write(vault.unlock_with_recovery_key if recovery else vault.unlock, passphrase)
        self._shell.messages.say("The vault is open.", level="ok")
        self.vault_done.emit()

    async def _change_vault(self, change: "Callable[[VaultService], object]", said: str) -> None:
        await self._tasks.write(change, self.core.vault)
        if said:
            self._shell.messages.say(said, level="ok")

    async def _ask_rotation(self) -> None:
        self.rotation_wanted.emit(await self._tasks.read(self.core.vault.rotation_needs_passphrase))

    async def _rotate(self, passphrase: "Secret | None") -> None:
        try:
            done = await self._tasks.write(self.core.vault.rotate, passphrase, self.rotation_progress.emit)
        finally:
            self.rotation_progress.emit(0, 0)
        self.vault_done.emit()
        if done.recovery_key is not None:
            self.recovery_key_made.emit(done.recovery_key)

    async def _make_recovery_key(self) -> None:
        self.recovery_key_made.emit(await self._tasks.write(self.core.vault.make_recovery_key))
