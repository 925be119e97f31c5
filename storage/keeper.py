"""The thread that keeps a store: it probes, goes home, shares changes. Never in the way of quitting."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from models.problem import CtsError
from storage.machine import Machine

EVERY_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


class Keeper:
    """Takes one turn of the machine after the other. `wake` makes the next one come at once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._event = threading.Event()
        self._first: Callable[[], None] | None = None
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        machine.sharing.wake = self._event.set

    def start(self, first: Callable[[], None] | None = None) -> None:
        """Start the thread; `first` is done before the first turn, or now where the thread runs already."""
        if self._thread is not None and self._thread.is_alive():
            if first is not None:
                self._guarded(first)
            return
        self._first = first
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def wait_for_first(self, seconds: float) -> bool:
        """Wait until `first` is done; False if it is not in time."""
        return self._done.wait(seconds)

    def wake(self) -> None:
        self._event.set()

    def stop(self, seconds: float) -> bool:
        """End the thread; the machine must be closed already. False if it is still busy."""
        self._event.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def _run(self) -> None:
        if self._first is not None:
            self._guarded(self._first)
        self._done.set()
        while not self._machine.closed:
            self._guarded(self._turn)
            self._event.wait(self._pause())
            self._event.clear()

    def _turn(self) -> None:
        with self._machine.work:
            self._machine.turn()

    def _pause(self) -> float:
        due = self._machine.breaker.due_in
        return EVERY_SECONDS if due is None else min(EVERY_SECONDS, max(due, 0.01))

    @staticmethod
    def _guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except CtsError as error:
            _log.warning("%s %s", error.problem.text, error.problem.detail)
        except Exception:  # noqa: BLE001 - the thread must outlive a bug, which the log shows
            _log.exception("Keeping the store failed.")
