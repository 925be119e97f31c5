"""What a person may do with the migrations: each a call on a worker, its result a signal or a message."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.figures import count_text
from models.problem import Problem

if TYPE_CHECKING:
    from gui.database.controller import DatabaseController


class MigrationActions(QObject):
    """`rehearsed` carries Rehearsals; `repair_previewed` and `baseline_previewed` the LedgerChanges to be confirmed."""

    rehearsed = Signal(object)
    repair_previewed = Signal(object)
    baseline_previewed = Signal(object)

    def __init__(self, controller: "DatabaseController") -> None:
        super().__init__(controller)
        self._controller = controller

    def apply(self) -> None:
        self._controller.act("The pending migrations are being applied.", self._apply())

    def rehearse(self) -> None:
        self._controller.act("The pending migrations are being rehearsed; nothing is written.", self._rehearse())

    def preview_repair(self) -> None:
        self._controller.act("The repair is being prepared.", self._preview_repair())

    def repair(self) -> None:
        self._controller.act("The ledger is being repaired.", self._repair())

    def baseline(self, number: int) -> None:
        self._controller.act("The baseline is being written.", self._baseline(number))

    def preview_baseline(self, number: int) -> None:
        self._controller.tasks.start("database: baseline", self._preview_baseline(number))

    async def _apply(self) -> None:
        await self._controller.tasks.write(self._controller.core.migrations.apply)
        failed = await self._first_problem()
        if failed:
            self._controller.messages.problem(failed)
        else:
            self._controller.messages.say("The pending migrations are applied.", level="ok")

    async def _first_problem(self) -> Problem | None:
        items = await self._controller.tasks.read(self._controller.core.migrations.items)
        return next((item.problem for item in items if item.problem), None)

    async def _rehearse(self) -> None:
        self.rehearsed.emit(await self._controller.tasks.write(self._controller.core.migrations.rehearse))

    async def _preview_repair(self) -> None:
        changes = await self._controller.tasks.read(self._controller.core.migrations.repair_preview)
        # The question that follows may be answered before this task is seen to be done.
        self._controller.set_busy("")
        self.repair_previewed.emit(changes)

    async def _repair(self) -> None:
        done = await self._controller.tasks.write(self._controller.core.migrations.repair)
        self._controller.messages.say(f"The ledger is repaired: {count_text(len(done), 'line')} changed.", level="ok")

    async def _baseline(self, number: int) -> None:
        done = await self._controller.tasks.write(self._controller.core.migrations.baseline, number)
        marked = count_text(len(done), "migration")
        self._controller.messages.say(f"{marked} marked as baseline.", level="ok")

    async def _preview_baseline(self, number: int) -> None:
        self.baseline_previewed.emit(
            await self._controller.tasks.read(self._controller.core.migrations.baseline_preview, number)
        )
