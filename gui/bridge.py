"""Brings events from worker threads to the GUI's thread, each as a signal of its own."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.event import Event
    from services.events import Events


class EventBridge(QObject):
    """One signal for each kind of event; the argument is the event itself. All come on the GUI's thread, in order."""

    connections_changed = Signal(object)
    store_changed = Signal(object)
    step_finished = Signal(object)
    migrations_changed = Signal(object)
    vault_changed = Signal(object)
    notice = Signal(object)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop: Callable[[], None] | None = None
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def attach(self, events: "Events") -> None:
        self._stop = events.subscribe(self._arrived.emit)

    def detach(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    @Slot(object)
    def _deliver(self, event: "Event") -> None:
        # Imported with the first event: painting the list needs none of it.
        from models.event import (
            ConnectionsChanged,
            MigrationsChanged,
            Notice,
            StepFinished,
            StoreChanged,
            VaultChanged,
        )

        match event:
            case ConnectionsChanged():
                self.connections_changed.emit(event)
            case StoreChanged():
                self.store_changed.emit(event)
            case StepFinished():
                self.step_finished.emit(event)
            case MigrationsChanged():
                self.migrations_changed.emit(event)
            case VaultChanged():
                self.vault_changed.emit(event)
            case Notice():
                self.notice.emit(event)
