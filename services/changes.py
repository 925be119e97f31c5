"""What waits for the database, what it refused, and the conflicts: listed, settled, tried again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from models.change import Changes, Choice, RejectedChange
from models.event import ConnectionsChanged
from models.problem import Category, Problem, StoreError
from models.status import StoreStatus
from services.events import Events

if TYPE_CHECKING:
    from models.health import HealthReport


class ChangingStore(Protocol):
    """The part of the Store that this service uses."""

    @property
    def status(self) -> StoreStatus: ...

    def changes(self) -> Changes: ...

    def resolve(self, choices: Mapping[str, Choice], seen: Mapping[str, str]) -> None: ...

    def dismiss(self, op_id: str) -> None: ...

    def retry(self) -> None: ...

    def accept_database(self) -> None: ...

    def health(self) -> "HealthReport": ...


class ChangesService:
    """Every call blocks and raises CtsError."""

    def __init__(self, store: ChangingStore, events: Events) -> None:
        self._store = store
        self._events = events

    def all(self) -> Changes:
        return self._store.changes()

    def refused(self, op_id: str) -> RejectedChange:
        """Return one refused change. Raises StoreError (NOT_FOUND) where it is dismissed already."""
        found = next((one for one in self._store.changes().rejected if one.op_id == op_id), None)
        if found is None:
            raise StoreError(
                Problem(Category.NOT_FOUND, "That refused change is not there.", "Look at the list again.")
            )
        return found

    def resolve(self, choices: Mapping[str, Choice], seen: Mapping[str, str]) -> None:
        """Settle conflicts by their ids: all of a record's at once is a mix, field by field.

        `seen` is each conflict's own mark of what it showed. Raises StoreError (CONFLICT) where that has changed since.
        """
        self._store.resolve(choices, seen)
        self._events.publish(ConnectionsChanged(everything=True))

    def dismiss(self, op_id: str) -> None:
        """Forget a refused change."""
        self._store.dismiss(op_id)

    def retry_now(self) -> StoreStatus:
        """Try the database again now; returns what came of it."""
        self._store.retry()
        return self._store.status

    def accept_database(self) -> StoreStatus:
        """Answer FENCE: the database that is there now is the right one; what waits goes into it."""
        self._store.accept_database()
        return self._store.status

    def health(self) -> "HealthReport":
        return self._store.health()
