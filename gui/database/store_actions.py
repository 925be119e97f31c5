"""What a person may do with the database file: back up, look for damage, try again, restore, scrub what is in clear."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.database import take_over_words as words

if TYPE_CHECKING:
    from gui.database.controller import DatabaseController


class StoreActions(QObject):
    """`scrub_previewed` carries the places that hold secrets in clear; `scrubbed` the sentence of what was removed."""

    scrub_previewed = Signal(object)
    scrubbed = Signal(str)

    def __init__(self, controller: "DatabaseController") -> None:
        super().__init__(controller)
        self._controller = controller

    def back_up(self) -> None:
        self._controller.act("A backup is being made and verified.", self._back_up())

    def check(self) -> None:
        self._controller.act("The database is being checked for damage.", self._check())

    def retry(self) -> None:
        self._controller.act("The database is being opened again.", self._retry())

    def restore(self, backup: Path) -> None:
        self._controller.act("The backup is being restored.", self._restore(backup))

    def bring_back(self, folder: Path) -> None:
        self._controller.act("The records are being brought back.", self._bring_back(folder))

    def start_empty(self) -> None:
        self._controller.act("An empty database is being made.", self._start_empty())

    def use_records(self) -> None:
        self._controller.act("The database is being made again from the records.", self._use_records())

    def preview_scrub(self) -> None:
        self._controller.act("Looking for secrets in clear.", self._preview_scrub())

    def scrub(self) -> None:
        self._controller.act("Secrets in clear are being removed.", self._scrub())

    async def _back_up(self) -> None:
        # The service itself says what was made: a command and the window hear the same sentence.
        await self._controller.tasks.write(self._controller.core.backups.make)

    async def _check(self) -> None:
        self._controller.checked = await self._controller.tasks.read(self._controller.core.recovery.check)
        if self._controller.checked == "ok":
            self._controller.messages.say("The database was read through: no damage found.", level="ok")

    async def _retry(self) -> None:
        status = await self._controller.tasks.write(self._controller.core.recovery.retry)
        if status.problem:
            self._controller.messages.problem(status.problem, level="warning")

    async def _restore(self, backup: Path) -> None:
        self._controller.checked = ""
        await self._controller.tasks.write(self._controller.core.recovery.restore, backup)

    async def _bring_back(self, folder: Path) -> None:
        await self._controller.tasks.write(self._controller.core.recovery.bring_back, folder)

    async def _start_empty(self) -> None:
        self._controller.checked = ""
        await self._controller.tasks.write(self._controller.core.recovery.start_empty)

    async def _use_records(self) -> None:
        self._controller.checked = ""
        await self._controller.tasks.write(self._controller.core.recovery.restore_records)

    async def _preview_scrub(self) -> None:
        places = await self._controller.tasks.read(self._controller.core.legacy.plaintext)
        self._controller.set_busy("")
        self.scrub_previewed.emit(places)

    async def _scrub(self) -> None:
        result = await self._controller.tasks.write(self._controller.core.legacy.scrub)
        self.scrubbed.emit(words.scrubbed_line(result))
