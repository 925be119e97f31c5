"""The one way to start background work: named, kept alive, cancelled by a newer one, never failing in silence."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from PySide6.QtCore import QObject
from shiboken6 import isValid

from gui.messages import Messages, bug
from models.problem import CtsError, Problem

if TYPE_CHECKING:
    import asyncio

    from services.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")


class Tasks(QObject):
    """Coroutines of the controllers, by name, and the calls to workers that they await.

    asyncio is imported with the first task: before the first paint there is none.
    """

    def __init__(self, messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._running: dict[str, asyncio.Task[None]] = {}
        self._workers: Workers | None = None

    def attach(self, workers: "Workers") -> None:
        """Take the workers that blocking calls run on; the asyncio loop runs by now."""
        self._workers = workers

    def start(
        self,
        name: str,
        work: Coroutine[Any, Any, None],
        *,
        busy: Callable[[bool], object] | None = None,
        failed: Callable[[Problem], object] | None = None,
    ) -> None:
        """Run `work` to its end; a running task of the same name is cancelled first.

        `busy` hears True now and False at the end, whatever happens. `failed` gets the Problem of a failure; without
        it, the message bar shows the failure.
        """
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # The loop has ended and with it the program: what a late event still asks for is not begun.
            work.close()
            return
        self.cancel(name)
        if busy is not None:
            busy(True)  # noqa: FBT003 - a callback's only argument has no name here
        task = loop.create_task(self._guard(work, failed), name=name)
        self._running[name] = task
        task.add_done_callback(lambda done: self._finish(done, work, busy))

    def cancel(self, name: str) -> None:
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()

    def cancel_all(self) -> None:
        for name in list(self._running):
            self.cancel(name)

    def is_running(self, name: str) -> bool:
        return name in self._running

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call that only reads, on a reader thread, and return its result."""
        import asyncio

        assert self._workers is not None
        return await asyncio.wrap_future(self._workers.read(call, *args, **kwargs))

    async def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking call after every write before it. Once it has begun, cancelling does not undo it."""
        import asyncio

        assert self._workers is not None
        return await asyncio.wrap_future(self._workers.write(call, *args, **kwargs))

    async def _guard(self, work: Coroutine[Any, Any, None], failed: Callable[[Problem], object] | None) -> None:
        try:
            await work
        except CtsError as error:
            problem = error.problem
        except Exception as error:
            # The task boundary: a bug is logged, shown, and the window survives.
            import logging

            logging.getLogger(__name__).exception("A task failed.")
            problem = bug(error)
        else:
            return
        (failed if failed is not None and _can_hear(failed) else self._messages.problem)(problem)

    def _finish(
        self, task: "asyncio.Task[None]", work: Coroutine[Any, Any, None], busy: Callable[[bool], object] | None
    ) -> None:
        # A task that is cancelled before its first step never awaited its work.
        work.close()
        newer = self._running.get(task.get_name())
        if newer is task:
            del self._running[task.get_name()]
        if busy is not None and newer in {None, task} and _can_hear(busy):
            busy(False)  # noqa: FBT003
        if not task.cancelled() and (error := task.exception()) is not None:
            self._messages.problem(bug(error))


def _can_hear(callback: Callable[..., object]) -> bool:
    """Tell whether the widget of a callback is still there: a dialog may be closed before its task ends."""
    owner = getattr(callback, "__self__", None)
    return not isinstance(owner, QObject) or isValid(owner)
