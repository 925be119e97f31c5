"""Between the Database page and the services: what a person wants becomes a call on a worker, its result a signal."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell
from models.problem import CtsError

if TYPE_CHECKING:
    from services.core import Core


class DatabaseController(QObject):
    """Every signal carries what its name says; `list_failed` a Problem instead of the migrations.

    `busy_changed` carries the sentence of the action that runs, or "". One action runs at a time.
    """

    store_read = Signal(object)
    vault_read = Signal(object)
    items_read = Signal(object)
    list_failed = Signal(object)
    sql_read = Signal(int, str)
    backups_read = Signal(object)
    take_over_read = Signal(object)
    busy_changed = Signal(str)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = shell.bridge
        self.tasks, self.messages = shell.tasks, shell.messages
        self._core: Core | None = None
        # What the last check of the file found; the store knows only of the one at its opening.
        self.checked = ""
        self.busy = ""

    def attach(self, core: "Core") -> None:
        self._core = core
        bridge = self._bridge
        bridge.store_changed.connect(lambda _event: self.reload())
        bridge.migrations_changed.connect(lambda _event: self.reload())
        bridge.step_finished.connect(lambda _event: self.reload())
        bridge.vault_changed.connect(lambda event: self.vault_read.emit(event.status))
        self.reload()

    def reload(self) -> None:
        """Read everything that the page shows."""
        self.tasks.start("database: read", self._read_all())

    def read_sql(self, number: int) -> None:
        self.tasks.start("database: sql", self._read_sql(number))

    @property
    def is_attached(self) -> bool:
        return self._core is not None

    @property
    def core(self) -> "Core":
        assert self._core is not None
        return self._core

    def act(self, sentence: str, work: Coroutine[Any, Any, None]) -> None:
        """Run an action, showing `sentence` meanwhile, and read everything anew after it, whatever came of it."""
        if self.busy:
            work.close()
            return
        self.tasks.start(
            "database: act", self._then_reload(work), busy=lambda on: self.set_busy(sentence if on else "")
        )

    def set_busy(self, sentence: str) -> None:
        """Say what runs; "" once the buttons may be used again."""
        self.busy = sentence
        self.busy_changed.emit(sentence)

    async def _then_reload(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self.reload()

    async def _read_all(self) -> None:
        core, read = self.core, self.tasks.read
        status = await read(core.status.store)
        if await read(core.recovery.opening):
            return
        self.store_read.emit(status._replace(integrity=self.checked or status.integrity))
        self.vault_read.emit(await read(core.status.vault))
        try:
            self.items_read.emit(await read(core.migrations.items))
        except CtsError as error:
            self.list_failed.emit(error.problem)
        await self._emit_or_skip(lambda: read(core.backups.list), self.backups_read.emit)
        await self._emit_or_skip(lambda: read(core.legacy.report), self.take_over_read.emit)

    async def _emit_or_skip(self, read: Callable[[], Awaitable[Any]], emit: Callable[[Any], object]) -> None:
        """Emit what is read; where the store is not open, its own card says why already."""
        try:
            emit(await read())
        except CtsError:
            return

    async def _read_sql(self, number: int) -> None:
        try:
            sql = await self.tasks.read(self.core.migrations.sql, number)
        except CtsError as error:
            # A migration of the ledger without a file has no SQL to show; its sentence says so.
            sql = f"-- {error.problem.text}"
        self.sql_read.emit(number, sql)
