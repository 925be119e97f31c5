"""Pages on the real program: real services over a folder of their own, the real loop, no window around them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import qasync
from PySide6.QtWidgets import QApplication, QDialog

from gui.app import pages
from gui.bridge import EventBridge
from gui.main_window import MainWindow
from gui.messages import Message, Messages
from gui.shell import Page, Shell
from gui.tasks import Tasks
from gui.theme import Theme
from main import Arguments, build_core

P = TypeVar("P", bound=Page)
D = TypeVar("D", bound=QDialog)
_DEADLINE = 30.0


class Desk:
    """What a page needs, and the loop that it runs on. `said` collects what went to the message bar."""

    def __init__(self, app: QApplication, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.core = build_core(Arguments(str(folder)), patience=0.0)
        self.theme = Theme(app)
        self.messages, self.bridge = Messages(), EventBridge()
        self.tasks = Tasks(self.messages)
        self.tasks.attach(self.core.workers)
        self.bridge.attach(self.core.events)
        self.said: list[Message] = []
        self.messages.listen(self.said.append)
        self.visited: list[str] = []
        self.on_close: list[Callable[[], object]] = []
        self.shell = Shell(self.theme, self.messages, self.tasks, self.bridge, self.visited.append)
        self._loop = loop

    def run(self, scene: Coroutine[Any, Any, None]) -> None:
        self._loop.run_until_complete(scene)

    async def start(self) -> None:
        """Start the program, as the window does after its first paint."""
        await asyncio.wrap_future(self.core.workers.write(self.core.startup.run))

    async def open(self, build: Callable[[Shell], P], *, started: bool = True) -> P:
        """Show a page; it is attached, and told of the start, as the window would."""
        page = build(self.shell)
        page.resize(1100, 740)
        page.show()
        page.attach(self.core)
        if started:
            await self.start()
            page.started()
        return page

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait for something to come true; a hang is the failure."""
        end = asyncio.get_running_loop().time() + _DEADLINE
        while not true():
            assert asyncio.get_running_loop().time() < end, f"never came true: {what or true}; said: {self.said}"
            await asyncio.sleep(0.01)
        # What said it may not be through yet: its button comes back in the loop's next round.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def idle(self) -> None:
        """Let queued signals and short tasks come to an end."""
        await asyncio.sleep(0.15)

    async def quiet(self) -> None:
        """Wait until nothing is under way but who asks: what arrives late would change what is looked at."""
        await self.idle()
        await self.until(lambda: asyncio.all_tasks() == {asyncio.current_task()}, "quiet")

    async def dialog(self, kind: type[D]) -> D:
        """Wait for a dialog of this kind to be open."""
        await self.until(lambda: _open(kind), kind.__name__)
        return _open(kind)[0]

    def close(self) -> None:
        self.bridge.detach()
        for call in self.on_close:
            call()
        # Events that are queued already may still start tasks: they come first, then everything ends.
        self._loop.run_until_complete(self.idle())
        until = self._loop.time() + _DEADLINE
        self.tasks.cancel_all()
        self._loop.run_until_complete(self.idle())
        while asyncio.all_tasks(self._loop) and self._loop.time() < until:
            self.tasks.cancel_all()
            self._loop.run_until_complete(self.idle())
        self.core.startup.close()
        self.core.workers.close()
        self.core.log.close()


def _open(kind: type[D]) -> list[D]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, kind) and each.isVisible()]


@contextmanager
def desk_on(app: QApplication, folder: Path) -> Iterator[Desk]:
    """A desk on a data folder; everything is closed at the end, whatever happens."""
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    # What no task and no callback catches would otherwise be a line in a log.
    uncaught: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: uncaught.append(context))
    desk = Desk(app, folder, loop)
    try:
        yield desk
    finally:
        desk.close()
        for widget in QApplication.topLevelWidgets():
            widget.close()
            widget.deleteLater()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
        asyncio.set_event_loop(None)
    assert uncaught == []


@pytest.fixture
def desk(qapp: QApplication, tmp_path: Path) -> Iterator[Desk]:
    with desk_on(qapp, tmp_path / "data") as made:
        yield made


async def open_window(desk: Desk) -> MainWindow:
    """Put the whole window on a desk, started: `desk.said` stays empty, the window's own bar has the messages."""
    desk.bridge.detach()
    desk.messages.arrived.disconnect()
    window = MainWindow(desk.theme, desk.messages, desk.tasks, pages())
    desk.on_close.append(window.bridge.detach)
    window.resize(1280, 800)
    window.open_first()
    window.show()
    window.attach(desk.core)
    await desk.start()
    window.settle()
    return window
