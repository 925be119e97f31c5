"""What a person may do with changes that are not simply stored: choose, dismiss, send; and the look at the health."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.figures import count_text
from models.problem import CtsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gui.database.controller import DatabaseController
    from models.change import Choice


class ChangeActions(QObject):
    """`health_read` carries a HealthReport, `health_failed` the Problem that there is none now."""

    health_read = Signal(object)
    health_failed = Signal(object)

    def __init__(self, controller: "DatabaseController") -> None:
        super().__init__(controller)
        self._controller = controller

    def resolve(self, choices: "Mapping[str, Choice]", seen: "Mapping[str, str]") -> None:
        self._controller.act("The choices are being stored.", self._resolve(choices, seen))

    def dismiss(self, op_id: str) -> None:
        self._controller.act("The refused change is being forgotten.", self._dismiss(op_id))

    def accept_database(self) -> None:
        self._controller.act("The waiting changes are being sent.", self._accept())

    def read_health(self) -> None:
        """Ask how the database is; a look that is still under way is enough."""
        tasks = self._controller.tasks
        if self._controller.is_attached and not tasks.is_running("database: health"):
            tasks.start("database: health", self._read_health())

    async def _resolve(self, choices: "Mapping[str, Choice]", seen: "Mapping[str, str]") -> None:
        await self._controller.tasks.write(self._controller.core.changes.resolve, choices, seen)
        self._controller.messages.say(f"{count_text(len(choices), 'conflict')} settled.", level="ok")

    async def _dismiss(self, op_id: str) -> None:
        await self._controller.tasks.write(self._controller.core.changes.dismiss, op_id)
        self._controller.messages.say("The refused change is forgotten.", level="ok")

    async def _accept(self) -> None:
        status = await self._controller.tasks.write(self._controller.core.changes.accept_database)
        if status.problem:
            self._controller.messages.problem(status.problem, level="warning")

    async def _read_health(self) -> None:
        try:
            report = await self._controller.tasks.read(self._controller.core.changes.health)
        except CtsError as error:
            # The card of the store says why already; the panel keeps its last figures.
            self.health_failed.emit(error.problem)
        else:
            self.health_read.emit(report)
