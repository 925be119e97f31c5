"""Keeps the status bar true: asks the services whenever something may be different."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.shell import Shell
from gui.status_bar import StatusBar

if TYPE_CHECKING:
    from models.event import StepFinished
    from services.core import Core


class StatusReader(QObject):
    """Listens to the events from the moment it is attached; `ask` reads everything again."""

    def __init__(self, shell: Shell, bar: StatusBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._bar = shell.tasks, bar
        self._core: Core | None = None
        self._migrations_stale = False
        bridge = shell.bridge
        bridge.store_changed.connect(lambda event: bar.show_store(event.status))
        bridge.vault_changed.connect(lambda event: bar.show_vault(event.status))
        bridge.migrations_changed.connect(lambda _event: self.ask())
        bridge.step_finished.connect(self._step_finished)
        bar.store.retry_wanted.connect(self.retry)

    def attach(self, core: "Core") -> None:
        self._core = core

    def ask(self) -> None:
        """Read store, vault and migrations."""
        self._migrations_stale = True
        self._start()

    def retry(self) -> None:
        """Try the database again now; the store itself says what comes of it."""
        if self._core is not None:
            self._tasks.start("store: retry", self._retry(self._core))

    def _step_finished(self, event: "StepFinished") -> None:
        self._migrations_stale = self._migrations_stale or event.step.step == "migrations"
        self._start()

    def _start(self) -> None:
        if self._core is not None:
            self._tasks.start("status", self._read(self._core))

    async def _retry(self, core: "Core") -> None:
        self._bar.show_store(await self._tasks.read(core.changes.retry_now))

    async def _read(self, core: "Core") -> None:
        self._bar.show_store(await self._tasks.read(core.status.store))
        self._bar.show_vault(await self._tasks.read(core.status.vault))
        if self._migrations_stale:
            from models.problem import CtsError

            try:
                self._bar.show_migrations(await self._tasks.read(core.migrations.items))
            except CtsError:
                # The store chip says already why nothing can be read.
                self._bar.show_migrations(())
            self._migrations_stale = False
