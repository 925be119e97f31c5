"""Where sealed secrets stand in the tables, to seal all of them anew or to tell which keys are still needed."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from models.connection import CREDENTIALS
from models.secret import SealedSecret
from storage.whole.snapshot import Table
from storage.whole.values import Row

Renew = Callable[[str, str, SealedSecret], SealedSecret]

# The column with the connection's id, and the columns whose JSON object holds its fields.
_JSON: Final = {
    "deleted_connections": ("id", ("record",)),
    "conflicts": ("connection_id", ("base", "mine", "theirs")),
}
SEALED_TABLES: Final = ("exchange_connections", *_JSON)


def renewed(table: Table, row: Row, renew: Renew) -> Row:
    """Return the row with every token as `renew` gives it; the same row where nothing changes."""
    if table.name not in SEALED_TABLES:
        return row
    values = dict(zip(table.names, row, strict=True))
    owner = values["id"] if table.name not in _JSON else values[_JSON[table.name][0]]
    for name in _columns(table.name):
        values[name] = _renewed_value(table, owner, name, values[name], renew)
    return tuple(values.values())


def tokens(table: Table, row: Row) -> Iterator[str]:
    """Give every token of a row."""
    if table.name not in SEALED_TABLES:
        return
    values = dict(zip(table.names, row, strict=True))
    for name in _columns(table.name):
        found = {name: values[name]} if table.name == "exchange_connections" else _object(values[name])
        yield from (found[each] for each in CREDENTIALS if isinstance(found.get(each), str) and found[each])


def sealed_columns(name: str) -> tuple[str, ...]:
    """Return the columns of a table that hold secrets, and the one that tells whose they are."""
    return _columns(name) if name == "exchange_connections" else (*_columns(name), *_owners(name))


def _owners(name: str) -> tuple[str, ...]:
    return () if _JSON[name][0] == "id" else (_JSON[name][0],)


def _columns(name: str) -> tuple[str, ...]:
    return _JSON[name][1] if name in _JSON else CREDENTIALS


def _renewed_value(table: Table, owner: str, column: str, value: Any, renew: Renew) -> Any:
    if not isinstance(value, str) or not value:
        return value
    if table.name == "exchange_connections":
        return str(renew(owner, column, SealedSecret(value)))
    fields = _object(value)
    found = {name: fields[name] for name in CREDENTIALS if isinstance(fields.get(name), str) and fields[name]}
    new = {name: str(renew(owner, name, SealedSecret(token))) for name, token in found.items()}
    return value if new == found else json.dumps({**fields, **new})


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
