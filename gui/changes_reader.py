"""Keeps a page's knowledge of waiting, refused and conflicting changes fresh, without asking when there are none."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gui.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.change import Changes
    from models.status import StoreStatus
    from services.core import Core

_TOGETHER = 150
"""Milliseconds in which events are taken together: sending 10,000 changes says so many times."""


class ChangesReader(QObject):
    """`read` carries, whenever the changes may be others, what `of` makes of them on a thread: else the Changes.

    `name` tells one reader's tasks from another's.
    """

    read = Signal(object)

    def __init__(
        self,
        shell: Shell,
        name: str,
        parent: QObject | None = None,
        *,
        of: "Callable[[Changes], object]" = lambda changes: changes,
    ) -> None:
        super().__init__(parent)
        self._tasks, self._bridge = shell.tasks, shell.bridge
        self._name = f"changes: {name}"
        self._of = of
        self._core: Core | None = None
        self._any = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TOGETHER)
        self._pause.timeout.connect(self.ask)

    def attach(self, core: "Core") -> None:
        self._core = core
        self._bridge.store_changed.connect(lambda event: self._take(event.status))
        self._bridge.connections_changed.connect(lambda _event: self._ask_soon() if self._any else None)

    def ask(self) -> None:
        """Read them now."""
        if self._core is not None:
            self._tasks.start(self._name, self._read(self._core))

    def _take(self, status: "StoreStatus") -> None:
        if self._any or _counts(status):
            self._ask_soon()

    def _ask_soon(self) -> None:
        if not self._pause.isActive():
            self._pause.start()

    async def _read(self, core: "Core") -> None:
        from models.change import Changes

        status = await self._tasks.read(core.status.store)
        self._any = _counts(status)
        self.read.emit(await self._tasks.read(lambda: self._of(core.changes.all() if self._any else Changes())))


def _counts(status: "StoreStatus") -> bool:
    return bool(status.waiting or status.rejected or status.conflicts)
