"""Between the database form and its service; where the vault needs a passphrase first, it is asked for on the spot."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell
from gui.vault_asking import ASKED_FOR
from models.problem import InputError, VaultError

if TYPE_CHECKING:
    from models.database_form import DatabaseForm
    from services.core import Core


class DatabaseFormController(QObject):
    """`read` carries the DatabaseSettings in force and whether they were just saved; `tested` a TestedDatabase.

    `refused` carries a field and a sentence, `failed` a Problem, `passphrase_needed` the Problem that a passphrase
    would solve, and what was being done.
    """

    read = Signal(object, bool)
    tested = Signal(object)
    saved = Signal(str)
    refused = Signal(str, str)
    failed = Signal(object)
    busy = Signal(bool)
    passphrase_needed = Signal(object, object)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._tasks = shell.tasks
        self._core: Core | None = None

    def attach(self, core: "Core") -> None:
        self._core = core

    @property
    def core(self) -> "Core":
        assert self._core is not None
        return self._core

    def reload(self) -> None:
        self._tasks.start("settings: database", self._read())

    def test(self, form: "DatabaseForm") -> None:
        self._act(lambda: self._test(form))

    def save(self, form: "DatabaseForm") -> None:
        self._act(lambda: self._save(form))

    def clear(self) -> None:
        self._act(self._clear)

    def _act(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.start("settings: database act", self._guarded(work), busy=self.busy.emit, failed=self.failed.emit)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except InputError as error:
            self.refused.emit(error.field, str(error))
        except VaultError as error:
            if error.problem.category not in ASKED_FOR:
                raise
            self.failed.emit(error.problem)
            self.passphrase_needed.emit(error.problem, lambda: self._act(work))

    async def _read(self) -> None:
        self.read.emit(await self._tasks.read(lambda: self.core.database_settings.current), False)  # noqa: FBT003

    async def _test(self, form: "DatabaseForm") -> None:
        self.tested.emit(await self._tasks.read(self.core.database_settings.test, form))

    async def _save(self, form: "DatabaseForm") -> None:
        settings = await self._tasks.write(self.core.database_settings.save, form)
        self.read.emit(settings, True)  # noqa: FBT003
        held = " It is used once the environment no longer decides." if settings.fixed else ""
        self.saved.emit(f"Saved.{held}")

    async def _clear(self) -> None:
        settings = await self._tasks.write(self.core.database_settings.clear)
        self.read.emit(settings, True)  # noqa: FBT003
        self.saved.emit("The records of the data folder are used again. The PostgreSQL keeps its own.")
