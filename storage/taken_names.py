"""Which names are taken, inside a transaction: all that are asked about are looked up together."""

from collections.abc import Collection, Sequence
from typing import Final

from storage.list_rows import as_text
from storage.open_database import Statements
from storage.sql_texts import names_text, texts

_AT_ONCE: Final = 250


class TakenNames:
    """Knows the names in the database with what the transaction itself adds and drops."""

    def __init__(self, statements: Statements, dialect: str) -> None:
        self._run = statements
        self._dialect = dialect
        self._texts = texts(dialect)
        self._all = False
        self._asked: set[str] = set()
        self._taken: set[str] = set()

    def know_all(self, names: Collection[str]) -> None:
        """Take over what was read: these are all names."""
        self._all, self._taken = True, set(names)

    def ask(self, names: Collection[str]) -> None:
        """Look up names that will be needed. Many questions of one at a time would be as many round trips."""
        wanted = list(names)
        for start in range(0, len(wanted), _AT_ONCE):
            self._look_up(wanted[start : start + _AT_ONCE])

    def __contains__(self, name: str) -> bool:
        if not self._all and name not in self._asked:
            self._look_up([name])
        return name in self._taken

    def add(self, name: str) -> None:
        self._asked.add(name)
        self._taken.add(name)

    def drop(self, name: str) -> None:
        self._asked.add(name)
        self._taken.discard(name)

    def free(self, name: str) -> str:
        """Return the name with a suffix that nobody has."""
        if not self._all:
            found = self._run.execute(self._texts.ids_and_names).fetchall()
            there = {as_text(each) for _, each in found}
            self.know_all((there - self._asked) | self._taken)
        # Imported here, because reading the list is what most starts do.
        from models.connection_names import free_name

        return free_name(name, self._taken)

    def _look_up(self, names: Sequence[str]) -> None:
        found = self._run.execute(names_text(self._dialect, len(names)), names).fetchall()
        self._asked.update(names)
        self._taken.update(as_text(name) for (name,) in found)
