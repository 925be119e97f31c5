"""Import and export: first what would happen, then what did."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gui.connections.actions import count_text
from gui.shell import Shell
from models.problem import VaultError

if TYPE_CHECKING:
    from gui.vault_asking import VaultAsking
    from services.core import Core


class Transfers(QObject):
    """`previewed` carries (paths, items); `imported` says that the list is another one."""

    previewed = Signal(object, object)
    imported = Signal()

    def __init__(
        self,
        shell: Shell,
        core: "Callable[[], Core]",
        vault_asking: "Callable[[], VaultAsking]",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._shell, self._core, self._vault_asking = shell, core, vault_asking
        self._tasks = shell.tasks

    def preview_import(self, paths: Sequence[str]) -> None:
        self._tasks.start("connections: import", self._preview_import([Path(path) for path in paths]))

    def apply_import(self, paths: Sequence[Path], over: QWidget, *, secrets: bool) -> None:
        """Add what the files hold. `secrets`: there are some among it, so that the vault may have to be asked about."""
        self._tasks.start("connections: import", self._apply_import(list(paths), over, secrets=secrets))

    def export(self, path: str, ids: Sequence[str] | None) -> None:
        self._tasks.start("connections: export", self._export(Path(path), None if ids is None else list(ids)))

    async def _preview_import(self, paths: list[Path]) -> None:
        items = await self._tasks.read(self._core().transfer.preview, paths)
        self.previewed.emit(paths, items)

    async def _apply_import(self, paths: list[Path], over: QWidget, *, secrets: bool) -> None:
        def again() -> None:
            self.apply_import(paths, over, secrets=secrets)

        asking = self._vault_asking()
        if secrets and await asking.asks_first(again, over):
            return
        try:
            items = await self._tasks.write(self._core().transfer.apply, paths)
        except VaultError as error:
            if not asking.ask(error.problem, again, over):
                raise
            return
        added = sum(item.action == "add" for item in items)
        left = len(items) - added
        text = f"Imported {count_text(added)}." + (f" {left:,} left out." if left else "")
        self._shell.messages.say(text, level="ok" if added else "warning")
        self.imported.emit()

    async def _export(self, path: Path, ids: list[str] | None) -> None:
        count = await self._tasks.read(self._core().transfer.export, path, ids)
        self._shell.messages.say(f"Exported {count_text(count)} to {path}, without secrets.", level="ok")
