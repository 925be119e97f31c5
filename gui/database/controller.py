"""Between the Database page and the services: what a person wants becomes a call on a worker, its result a signal."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.database import take_over_words as words
from gui.figures import count_text
from gui.shell import Shell
from models.problem import CtsError, Problem

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
    rehearsed = Signal(object)
    repair_previewed = Signal(object)
    scrub_previewed = Signal(object)
    scrubbed = Signal(str)
    baseline_previewed = Signal(object)
    busy_changed = Signal(str)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._tasks = shell.tasks
        self._core: Core | None = None
        self._checked = ""
        self.busy = ""

    def attach(self, core: "Core") -> None:
        self._core = core
        bridge = self._shell.bridge
        bridge.store_changed.connect(lambda _event: self.reload())
        bridge.migrations_changed.connect(lambda _event: self.reload())
        bridge.step_finished.connect(lambda _event: self.reload())
        self.reload()

    def reload(self) -> None:
        """Read everything that the page shows."""
        self._tasks.start("database: read", self._read_all())

    def read_sql(self, number: int) -> None:
        self._tasks.start("database: sql", self._read_sql(number))

    def apply(self) -> None:
        self._act("The pending migrations are being applied.", self._apply())

    def rehearse(self) -> None:
        self._act("The pending migrations are being rehearsed; nothing is written.", self._rehearse())

    def preview_repair(self) -> None:
        self._act("The repair is being prepared.", self._preview_repair())

    def repair(self) -> None:
        self._act("The ledger is being repaired.", self._repair())

    def baseline(self, number: int) -> None:
        self._act("The baseline is being written.", self._baseline(number))

    def preview_baseline(self, number: int) -> None:
        self._tasks.start("database: baseline", self._preview_baseline(number))

    def back_up(self) -> None:
        self._act("A backup is being made and verified.", self._back_up())

    def check(self) -> None:
        self._act("The database is being checked for damage.", self._check())

    def retry(self) -> None:
        self._act("The database is being opened again.", self._retry())

    def restore(self, backup: Path) -> None:
        self._act("The backup is being restored.", self._restore(backup))

    def start_empty(self) -> None:
        self._act("An empty database is being made.", self._start_empty())

    def preview_scrub(self) -> None:
        self._act("Looking for secrets in clear.", self._preview_scrub())

    def scrub(self) -> None:
        self._act("Secrets in clear are being removed.", self._scrub())

    @property
    def core(self) -> "Core":
        assert self._core is not None
        return self._core

    def _act(self, sentence: str, work: Coroutine[Any, Any, None]) -> None:
        if self.busy:
            work.close()
            return
        self._tasks.start(
            "database: act", self._then_reload(work), busy=lambda on: self._set_busy(sentence if on else "")
        )

    def _set_busy(self, sentence: str) -> None:
        self.busy = sentence
        self.busy_changed.emit(sentence)

    async def _then_reload(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self.reload()

    async def _read_all(self) -> None:
        core, read = self.core, self._tasks.read
        status = await read(core.status.store)
        if await read(core.recovery.opening):
            return
        self.store_read.emit(status._replace(integrity=self._checked or status.integrity))
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
            sql = await self._tasks.read(self.core.migrations.sql, number)
        except CtsError as error:
            # A migration of the ledger without a file has no SQL to show; its sentence says so.
            sql = f"-- {error.problem.text}"
        self.sql_read.emit(number, sql)

    async def _apply(self) -> None:
        await self._tasks.write(self.core.migrations.apply)
        failed = await self._first_problem()
        if failed:
            self._shell.messages.problem(failed)
        else:
            self._shell.messages.say("The pending migrations are applied.", level="ok")

    async def _first_problem(self) -> Problem | None:
        items = await self._tasks.read(self.core.migrations.items)
        return next((item.problem for item in items if item.problem), None)

    async def _rehearse(self) -> None:
        self.rehearsed.emit(await self._tasks.write(self.core.migrations.rehearse))

    async def _preview_repair(self) -> None:
        changes = await self._tasks.read(self.core.migrations.repair_preview)
        # The question that follows may be answered before this task is seen to be done.
        self._set_busy("")
        self.repair_previewed.emit(changes)

    async def _repair(self) -> None:
        done = await self._tasks.write(self.core.migrations.repair)
        self._shell.messages.say(f"The ledger is repaired: {count_text(len(done), 'line')} changed.", level="ok")

    async def _baseline(self, number: int) -> None:
        done = await self._tasks.write(self.core.migrations.baseline, number)
        marked = count_text(len(done), "migration")
        self._shell.messages.say(f"{marked} marked as baseline.", level="ok")

    async def _preview_baseline(self, number: int) -> None:
        self.baseline_previewed.emit(await self._tasks.read(self.core.migrations.baseline_preview, number))

    async def _back_up(self) -> None:
        # The service itself says what was made: a command and the window hear the same sentence.
        await self._tasks.write(self.core.backups.make)

    async def _check(self) -> None:
        self._checked = await self._tasks.read(self.core.recovery.check)
        if self._checked == "ok":
            self._shell.messages.say("The database was read through: no damage found.", level="ok")

    async def _retry(self) -> None:
        status = await self._tasks.write(self.core.recovery.retry)
        if status.problem:
            self._shell.messages.problem(status.problem, level="warning")

    async def _restore(self, backup: Path) -> None:
        self._checked = ""
        await self._tasks.write(self.core.recovery.restore, backup)

    async def _start_empty(self) -> None:
        self._checked = ""
        await self._tasks.write(self.core.recovery.start_empty)

    async def _preview_scrub(self) -> None:
        places = await self._tasks.read(self.core.legacy.plaintext)
        self._set_busy("")
        self.scrub_previewed.emit(places)

    async def _scrub(self) -> None:
        result = await self._tasks.write(self.core.legacy.scrub)
        self.scrubbed.emit(words.scrubbed_line(result))
