"""What the store needs of a database, whichever kind it is: transactions, reads, and the way to end them."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from storage.database import Place


class Statements(Protocol):
    """Runs statements written in the dialect's own parameter style; what comes back is a driver's cursor."""

    def execute(self, text: str, parameters: Sequence[Any] = (), /) -> Any: ...

    def executemany(self, text: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


class OpenDatabase(Protocol):
    """One open database, usable from any thread. Every error that comes out is a StoreError.

    `read_only` refuses every write; `location` is a path or a URL with its password masked.
    """

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]: ...

    @property
    def read_only(self) -> bool: ...

    @property
    def location(self) -> str: ...

    def cursor_connection(self) -> Any:
        """Return the writer's own driver connection, outside of any transaction; see `hold`."""

    def hold(self) -> AbstractContextManager[Any]:
        """Keep the writer's driver connection for a block that has transactions of its own."""

    def write(self) -> AbstractContextManager[Statements]:
        """One transaction that may write, alone among all programs; rolled back whole when anything fails.

        CommitUnknownError: the answer to its COMMIT was lost.
        """

    def read(self) -> AbstractContextManager[Statements]:
        """Give a reading connection that no other thread has; writers go on beside it."""

    def quick_check(self) -> str:
        """Return "ok", or what is found damaged first."""

    def changed_elsewhere(self) -> bool:
        """Tell, at once, whether another program committed since the last call, where the database can be asked."""

    def place(self) -> Place: ...

    def check_place(self) -> None: ...

    def forbid_writing(self) -> None:
        """Turn read-only from now on."""

    def interrupt(self) -> None:
        """End every call under way, in whatever thread, because the program quits. Nothing works afterwards."""

    def close(self) -> None: ...
