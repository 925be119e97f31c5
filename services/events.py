"""One channel for what happened: services publish, the window and the commands listen."""

import logging
import threading
from collections.abc import Callable

from models.event import Event

Listener = Callable[[Event], None]

_log = logging.getLogger(__name__)


class Events:
    """Hands every event to every listener, on the thread that publishes it. Events before the first listener wait."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._waiting: list[Event] = []
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` from now on, first with what waited; returns the way to stop it."""
        with self._lock:
            self._listeners.append(listener)
            waiting, self._waiting = self._waiting, []
        for event in waiting:
            listener(event)
        return lambda: self._unsubscribe(listener)

    def publish(self, event: Event) -> None:
        with self._lock:
            listeners = list(self._listeners)
            if not listeners:
                self._waiting.append(event)
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - one listener's bug must not keep the others from hearing
                _log.exception("A listener failed on %s.", type(event).__name__)

    def _unsubscribe(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
