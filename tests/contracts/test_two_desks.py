"""F25 on one file: two desks edit one record from what each saw last. What was called saved is never lost or mixed."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.connection import Connection
from models.problem import Category, StoreError
from models.secret import SealedSecret
from storage.database import Database
from storage.database_repository import DatabaseRepository
from tests.store_kit import a_connection, migrated_database

CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "note": st.sampled_from(["a", "b", "c"]),
        "color": st.sampled_from(["#000000", "#ffffff"]),
        "live_trade": st.booleans(),
        "tags": st.sampled_from([(), ("x",), ("x", "y")]),
        "keys": st.sampled_from(["one", "two", "three"]),
    },
)
# desk, whether it reads anew before it edits, what it changes
STEPS = st.lists(st.tuples(st.booleans(), st.booleans(), CHOICES), max_size=12)


def fields_of(choice: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in choice.items() if name != "keys"}
    if "keys" in choice:
        fields |= {name: SealedSecret(f"{choice['keys']}.{name}") for name in ("api_key", "api_secret")}
    return fields


def read(desk: DatabaseRepository, connection_id: str) -> Connection:
    connection = desk.get(connection_id)
    assert connection is not None
    return connection


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_random_schedules(steps: list[tuple[bool, bool, dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cts.db"
        path.write_bytes(migrated_database())
        databases = [Database.open_sqlite(path), Database.open_sqlite(path)]
        desks = [DatabaseRepository(database, str(number)) for number, database in enumerate(databases)]
        first = a_connection("shared", api_key=SealedSecret("zero.api_key"), api_secret=SealedSecret("zero.api_secret"))
        desks[0].add([first])
        seen = [read(desk, first.id) for desk in desks]
        expected = seen[0]
        for which, anew, choice in steps:
            desk = desks[which]
            if anew:
                seen[which] = read(desk, first.id)
            base, wanted = seen[which], fields_of(choice)
            changed = {name: value for name, value in wanted.items() if getattr(base, name) != value}
            try:
                desk.update(base, replace(base, **wanted))
            except StoreError as error:
                assert error.problem.category is Category.CONFLICT  # noqa: PT017 - what follows needs the case
                assert any(getattr(expected, name) != getattr(base, name) for name in changed)
            else:
                expected = replace(expected, **changed)
            stored = read(desks[1 - which], first.id)
            assert replace(stored, revision=1, updated_at=expected.updated_at) == replace(expected, revision=1)
            key, secret = str(stored.api_key).split(".")[0], str(stored.api_secret).split(".")[0]
            assert key == secret
        for database in databases:
            database.close()
