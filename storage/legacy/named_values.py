"""Tables of settings, a name and a value in each row: there the row's name says that the value is a secret."""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from models.secret_names import is_secret_name
from storage.legacy.shapes import quote

_NAMES: Final = {"key", "name", "setting", "setting_key", "setting_name", "config_key", "option", "parameter"}
_VALUES: Final = {"value", "val", "data", "setting_value", "config_value", "option_value"}
_LONGEST_NAME: Final = 100


class Named(NamedTuple):
    """A column of values, and the name in `name_column` that says of some rows that theirs is a secret."""

    name_column: str
    column: str
    name: str

    def where(self) -> str:
        """Return the condition for these rows; the name is the one parameter."""
        return f"{quote(self.name_column)} = ? AND typeof({quote(self.column)}) IN ('text', 'blob')"


def named_values(connection: sqlite3.Connection, table: str, columns: list[str], encoding: str) -> Iterator[Named]:
    """Yield what the rows of a table name like secrets; nothing where it is no table of settings."""
    values = [column for column in columns if column.lower() in _VALUES]
    for name_column in columns if values else ():
        if name_column.lower() not in _NAMES:
            continue
        name = quote(name_column)
        # As bytes: text that is not valid would stop the reading.
        found = connection.execute(
            f"SELECT DISTINCT CAST({name} AS BLOB) FROM {quote(table)}"  # noqa: S608 - quoted
            f" WHERE typeof({name}) = 'text' AND length({name}) <= {_LONGEST_NAME}"
        )
        names = [raw.decode(encoding, "replace") for (raw,) in found]
        for word in filter(is_secret_name, names):
            yield from (Named(name_column, column, word) for column in values)
