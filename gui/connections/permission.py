"""Whether connections may be changed now; where the store is read-only, why not, in words that stay in sight."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.shell import Shell
from gui.widgets.labels import PlainLabel

if TYPE_CHECKING:
    from models.problem import Problem
    from models.status import StoreStatus
    from services.core import Core


_LONG = 220


class Permission(QObject):
    """`reason` is why nothing may be changed, "" where it may. `line` says it above the list.

    `changed` carries the reason each time it is another one; `temporary` whether what is added will be lost.
    """

    changed = Signal(str)
    temporary = Signal(bool)

    def __init__(self, shell: Shell, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._core: Core | None = None
        self._problem: Problem | None = None
        self.reason = ""
        self.line = PlainLabel(wrap=True, selectable=True)
        self.line.setProperty("surface", "notice")
        self.line.hide()
        shell.bridge.store_changed.connect(lambda event: self._follow(event.status))

    def attach(self, core: "Core") -> None:
        self._core = core

    def ask(self, then: Callable[[], object]) -> None:
        """Look how the store is; `then` comes when that is known. Later changes come as events."""
        if self._core is not None:
            self._shell.tasks.start("connections: permission", self._read(self._core, then))

    def allowed(self) -> bool:
        """Tell whether something may be changed; says in the message bar why not."""
        if self._problem is None:
            return True
        solution = self._problem.solution
        self._shell.messages.say(f"Read-only. {self._problem.text}", solution=solution)
        return False

    async def _read(self, core: "Core", then: Callable[[], object]) -> None:
        try:
            self._follow(await self._shell.tasks.read(core.status.store))
        finally:
            then()

    def _follow(self, status: "StoreStatus") -> None:
        from models.status import StoreState

        self.temporary.emit(status.temporary)
        self._problem = status.problem if status.state is StoreState.READ_ONLY else None
        words = (self._problem.text, self._problem.solution) if self._problem else ()
        reason = " ".join(filter(None, words))
        if reason == self.reason:
            return
        self.reason = reason
        # What is too long to stand above the list is told in full on the Database page.
        told = reason if self._problem is None or len(reason) <= _LONG else self._problem.text
        text = f"Read-only: connections can be looked at, not changed. {told}" if reason else ""
        self.line.setText(text)
        self.line.setAccessibleName(text)
        self.line.setVisible(bool(reason))
        self.changed.emit(reason)
