"""What a test leaves running: threads, tasks and timers that outlive it fail it, because they fail the next one."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# A thread that has been told to end may need a moment for it, on a machine that is busy.
_PATIENCE = 10.0
_told: set[int] = set()


@contextmanager
def nothing_is_left_running() -> Iterator[None]:
    """Fail where a thread is there at the end that was not at the beginning, or a task or an active timer is.

    To look for tasks and timers takes a walk through all objects: too long for tests that have no event loop.
    """
    threads = set(threading.enumerate())
    yield
    left = [*_threads_since(threads), *_tasks_and_timers()]
    if left:
        pytest.fail("left running: " + "; ".join(left), pytrace=False)


def _threads_since(before: set[threading.Thread]) -> list[str]:
    until = time.monotonic() + _PATIENCE
    new = [thread for thread in threading.enumerate() if thread not in before]
    for thread in new:
        thread.join(max(0.0, until - time.monotonic()))
    return [f"thread {thread.name!r}" for thread in new if thread.is_alive()]


def _tasks_and_timers() -> list[str]:
    from PySide6.QtCore import QTimer
    from shiboken6 import isValid

    left = []
    for each in gc.get_objects():
        if isinstance(each, asyncio.Task):
            text = "" if each.done() else f"task {each.get_name()}: {each.get_coro()}"
        elif isinstance(each, QTimer):
            text = f"timer of {each.parent()!r}" if isValid(each) and each.isActive() else ""
        else:
            continue
        # What one test has left must not fail all that follow.
        if text and id(each) not in _told:
            _told.add(id(each))
            left.append(text)
    return left
