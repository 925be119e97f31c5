"""Secrets that no key of this vault opens: a database that was copied without its vault.json, or one that lost it.

Told at the start. Otherwise everything looks well until the first secret is needed, and by then a new vault is in use.
"""

from collections.abc import Callable, Collection
from typing import Final

from models.connection import CREDENTIALS
from models.problem import Category, Problem
from storage.open_database import OpenDatabase

_SOLUTION: Final = (
    "Put the vault.json that belongs to this database back into the data folder (and vault.key, if it was there too), "
    "or enter these secrets again."
)


def foreign_secrets(database: OpenDatabase, known: Collection[str], can_find: Callable[[str], bool]) -> Problem | None:
    """Return what to say where connections have secrets of keys that are neither `known` nor found. Raises StoreError.

    `can_find` looks for a key that vault.json has lost; it may take long and is only called for unknown keys.
    """
    found = _sealed_otherwise(database, known)
    lost = {key for key in {key for keys in found for key in keys} if not can_find(key)}
    number = sum(not lost.isdisjoint(keys) for keys in found)
    if not number:
        return None
    whose = "1 connection has secrets that were" if number == 1 else f"{number:,} connections have secrets that were"
    return Problem(Category.LOCKED, f"{whose} sealed with a key that this vault does not have.", _SOLUTION)


def _sealed_otherwise(database: OpenDatabase, known: Collection[str]) -> list[set[str]]:
    """Return the foreign keys of each connection that has any."""
    mark = "%s" if database.dialect == "postgresql" else "?"
    one = f"({{0}} LIKE {mark}" + f" AND {{0}} NOT LIKE {mark}" * len(known) + ")"
    where = " OR ".join(map(one.format, CREDENTIALS))
    text = f"SELECT {', '.join(CREDENTIALS)} FROM exchange_connections WHERE {where}"  # noqa: S608 - our own names
    values = ("cts1.%", *(f"cts1.{key}.%" for key in known)) * len(CREDENTIALS)
    with database.read() as statements:
        rows = statements.execute(text, values).fetchall()
    if not rows:
        return []
    # What most starts do not need costs them nothing.
    from storage.rotation import key_of

    return [{key_of(str(token)) for token in row if token} - {"", *known} for row in rows]
