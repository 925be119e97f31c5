"""Threads for what may block: one writer, so that order holds, and a few readers. They never keep the program alive."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any]]


class Workers:
    """Runs calls on daemon threads: those of concurrent.futures are joined at exit, and a stuck one would hang it."""

    def __init__(self, readers: int = 2) -> None:
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [self._start("writer", self._writes)]
        self._threads += [self._start(f"reader-{n}", self._reads) for n in range(readers)]

    def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `call` after every write before it; the future holds its result or its error."""
        return self._submit(self._writes, call, *args, **kwargs)

    def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `call` beside the writer, as soon as a reader is free."""
        return self._submit(self._reads, call, *args, **kwargs)

    def close(self, timeout: float = 2.0) -> bool:
        """Let what is queued finish, for at most `timeout` seconds in all; False if a thread is still stuck."""
        self._writes.put(None)
        for _ in self._threads[1:]:
            self._reads.put(None)
        for thread in self._threads:
            thread.join(timeout / len(self._threads))
        return not any(thread.is_alive() for thread in self._threads)

    @staticmethod
    def _submit(
        jobs: "queue.SimpleQueue[_Job | None]", call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        future: Future[T] = Future()
        jobs.put((future, lambda: call(*args, **kwargs)))
        return future

    @staticmethod
    def _start(name: str, jobs: "queue.SimpleQueue[_Job | None]") -> threading.Thread:
        thread = threading.Thread(target=_work, args=(jobs,), name=name, daemon=True)
        thread.start()
        return thread


def _work(jobs: "queue.SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        future, call = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - the waiter gets it, whatever it is
            future.set_exception(error)
        else:
            future.set_result(result)
        del future, call, job
