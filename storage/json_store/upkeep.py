"""The thread that writes what can be made again: the mirror's backlog, and the index once nothing changes."""

import logging
import threading
import time
from typing import Final

from models.problem import Problem, StoreError
from storage.json_store.record_files import RecordFiles

AT_A_TIME: Final = 32
RETRY_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Starts its thread when there is something to do. `problem` is why the mirror stands still, None while it runs."""

    def __init__(self, files: RecordFiles) -> None:
        self.problem: Problem | None = None
        self._files = files
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._is_timed = False
        self._lock = threading.Lock()

    def wake(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="record upkeep", daemon=True)
                self._thread.start()
            if self._is_timed:
                # It looks by itself when the index is due; to wake it at every save would cost the saver time.
                return
        self._event.set()

    def mirror_soon(self) -> None:
        """Begin with the backlog now."""
        self.wake()
        self._event.set()

    def mirror_now(self) -> None:
        """Write the backlog in the caller's thread; what does not go stays in it."""
        while self._mirror_some():
            pass

    def close(self, patience: float) -> None:
        """Stop the thread, write on for at most `patience` seconds, then the index."""
        deadline = time.monotonic() + patience
        with self._lock:
            self._closing = True
            thread, self._thread = self._thread, None
        self._event.set()
        if thread is not None:
            thread.join()
        while time.monotonic() < deadline and self._mirror_some():
            pass
        self._files.write_index()

    def _run(self) -> None:
        while not self._closing:
            wait = self._step()
            with self._lock:
                self._is_timed = wait is not None
            self._event.wait(wait)
            with self._lock:
                self._is_timed = False
                self._event.clear()

    def _step(self) -> float | None:
        """Do a little; return after how many seconds there is more to do, None: when something changes."""
        while self._files.unwritten_count and not self._closing:
            if not self._mirror_some():
                return RETRY_SECONDS
            # Whoever waits for the records gets them between two groups.
            time.sleep(0)
        due = self._files.index_due_in()
        if due is None or due > 0 or self._closing:
            return due
        return None if self._files.write_index() else RETRY_SECONDS

    def _mirror_some(self) -> bool:
        """Write some of the backlog; False where there is none or the disk refuses."""
        try:
            written = self._files.write_some(AT_A_TIME)
        except StoreError as error:
            if self.problem != error.problem:
                _log.warning("The mirror in data/connections is behind: %s", error.problem.text)
            self.problem = error.problem
            return False
        if written:
            self.problem = None
        return written > 0
