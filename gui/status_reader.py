"""Keeps the status bar true: asks the services whenever something may be different."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell
from gui.status_bar import StatusBar

if TYPE_CHECKING:
    from models.event import StepFinished
    from models.status import MigrationItem
    from services.core import Core


class StatusReader(QObject):
    """Listens to the events from the moment it is attached; `ask` reads everything again.

    `badge` carries a page's key and what the rail says of it, also while that page is not built yet.
    """

    badge = Signal(str, str)

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
        if self._core is not None and (troubled := sum(not step.ok for step in self._core.startup.steps)):
            self.badge.emit("activity", f"{troubled} !")
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
            from gui.database.actions import badge
            from models.problem import CtsError

            items: Sequence[MigrationItem] = ()
            # The store chip says already why nothing can be read.
            with contextlib.suppress(CtsError):
                items = await self._tasks.read(core.migrations.items)
            self._bar.show_migrations(items)
            self.badge.emit("database", badge(items))
            self._migrations_stale = False
