"""What is done to connections that exist: enable, disable, duplicate, delete, and take a deletion back."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell

if TYPE_CHECKING:
    from services.core import Core


class ConnectionActions(QObject):
    """`stored` carries the ids of what came into the list, to be selected."""

    stored = Signal(object)

    def __init__(self, shell: Shell, core: "Callable[[], Core]", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell, self._core = shell, core
        self._tasks = shell.tasks
        self._deleted: list[list[str]] = []

    def set_enabled(self, ids: Sequence[str], *, on: bool) -> None:
        self._tasks.start("connections: enable", self._set_enabled(list(ids), on=on))

    def duplicate(self, ids: Sequence[str]) -> None:
        self._tasks.start(f"connections: duplicate {ids[0]}", self._duplicate(list(ids)))

    def remove(self, ids: Sequence[str]) -> None:
        self._tasks.start(f"connections: remove {ids[0]}", self._remove(list(ids)))

    def undo(self) -> None:
        """Restore what was deleted last."""
        if self._deleted:
            self._restore(self._deleted[-1])
        else:
            self._shell.messages.say("There is no deletion to undo.")

    async def _set_enabled(self, ids: list[str], *, on: bool) -> None:
        rows = await self._tasks.write(self._core().connections.set_enabled, ids, on)
        if len(ids) > 1:
            self._shell.messages.say(f"{count_text(len(rows))} {'enabled' if on else 'disabled'}.", level="ok")

    async def _duplicate(self, ids: list[str]) -> None:
        made: list[str] = []
        try:
            for connection_id in ids:
                saved = await self._tasks.write(self._core().connections.duplicate, connection_id)
                made.append(saved.row.id)
        finally:
            if made:
                self.stored.emit(made)
                text = f"{count_text(len(made))} duplicated; a copy never trades live by itself."
                self._shell.messages.say(text, level="ok")

    async def _remove(self, ids: list[str]) -> None:
        gone = await self._tasks.write(self._core().connections.remove, ids)
        if not gone:
            return
        restorable = [each.id for each in gone]
        self._deleted.append(restorable)
        what = f"“{gone[0].name}”" if len(gone) == 1 else count_text(len(gone))
        self._shell.messages.say(f"Deleted {what}.", level="info", action=("Undo", lambda: self._restore(restorable)))

    def _restore(self, ids: list[str]) -> None:
        self._tasks.start(f"connections: restore {ids[0]}", self._restore_now(ids))

    async def _restore_now(self, ids: list[str]) -> None:
        rows = await self._tasks.write(self._core().connections.restore, ids)
        if ids in self._deleted:
            self._deleted.remove(ids)
        self.stored.emit([row.id for row in rows])
        what = f"“{rows[0].name}” is" if len(rows) == 1 else f"{count_text(len(rows))} are"
        self._shell.messages.say(f"{what} back.", level="ok")


def count_text(number: int) -> str:
    return f"{number:,} connection" if number == 1 else f"{number:,} connections"
