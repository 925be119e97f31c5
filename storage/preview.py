"""The list of connections for the first paint: bare sqlite3, read-only, before Peewee is imported."""

import os
import sqlite3

from models.connection_row import ConnectionRow
from storage.list_rows import fetch_rows, file_uri


def preview_rows(path: str | os.PathLike[str]) -> list[ConnectionRow]:
    """Return the list as the store will show it, or [] whatever is in the way: the store says later what it is."""
    try:
        connection = sqlite3.connect(file_uri(os.path.abspath(path), "ro"), uri=True, timeout=0.05)  # noqa: PTH100
    except (sqlite3.Error, OSError, ValueError):
        return []
    try:
        return fetch_rows(connection)
    except (sqlite3.Error, OSError, ValueError):
        return []
    finally:
        connection.close()
