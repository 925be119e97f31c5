"""One suite for every backend that keeps connections: what services may rely on, whichever one is behind."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.connection import CREDENTIALS, NEVER, Environment
from models.connection_rules import NAME_LENGTH, validate
from models.problem import Category, StoreError
from models.secret import SealedSecret
from storage.data_folder import prepare
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.device import Device
from storage.json_store.json_repository import JsonRepository
from storage.json_store.record_folder import RecordFolder
from storage.migrator.runner import Migrator
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.repository import Repository
from tests.store_kit import MIGRATIONS, a_connection

MakeRepository = Callable[[str], Repository]

# What ends a text, begins a comment or stands for a parameter or for anything in one of the two databases or drivers.
_PIECES = [
    "'",
    '"',
    "`",
    ";",
    "--",
    "/*",
    "%",
    "%s",
    "%(name)s",
    "_",
    "\\",
    "\\'",
    "?",
    "?1",
    ":name",
    "$1",
    "$$",
    "{0}",
]
_PIECES += [
    "'; DROP TABLE exchange_connections; --",
    "' OR '1'='1",
    "E'\\x27",
    ",",
    "(",
    ")",
    "{",
    "}",
    "NULL",
    "a",
    " b",
]
HOSTILE = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join).filter(str.strip)


def _sqlite(folder: Path) -> Iterator[MakeRepository]:
    """Every call opens the same file again, as another desktop would."""
    opened: list[Database] = []

    def make(device: str) -> Repository:
        database = Database.open_sqlite(folder / "cts.db", patience=1.0)
        opened.append(database)
        Migrator(database, MIGRATIONS, backup=lambda: None).apply()
        return DatabaseRepository(database, device)

    yield make
    for database in opened:
        database.close()


def _postgresql(url: str) -> Iterator[MakeRepository]:
    opened: list[PostgresDatabase] = []

    def make(device: str) -> Repository:
        database = PostgresDatabase.open(parse_address(url))
        opened.append(database)
        Migrator(database, MIGRATIONS, backup=lambda: None).apply()
        return DatabaseRepository(database, device)

    yield make
    for database in opened:
        database.close()


def _json(folder: Path) -> Iterator[MakeRepository]:
    """A data folder belongs to one program at a time: both desks write through the same one."""
    data = prepare(folder / "data")
    records = RecordFolder(data)
    assert records.open() == []

    yield lambda device: JsonRepository(records, Device(data.root / f"{device}.json", data.quarantine))
    records.close()


@pytest.fixture(params=["sqlite", "postgresql", "json"])
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeRepository]:
    if request.param == "postgresql":
        yield from _postgresql(request.getfixturevalue("migrated_postgres_url"))
    elif request.param == "json":
        yield from _json(tmp_path)
    else:
        yield from _sqlite(tmp_path)


@pytest.fixture
def here(desks: MakeRepository) -> Repository:
    return desks("here")


@pytest.fixture
def there(here: Repository, desks: MakeRepository) -> Repository:
    return desks("there")


def test_what_is_added_is_listed_and_read(here: Repository, there: Repository) -> None:
    connection = a_connection("Main", tags=["a"], extra={"k": [1, None]}, note="line\nline", leverage_limit=3)
    (row,) = here.add([connection])
    assert there.rows() == [row]
    read = there.get(connection.id)
    assert read is not None
    assert replace(read, created_at=NEVER, updated_at=NEVER) == connection
    assert read.created_at == read.updated_at > NEVER
    assert isinstance(read.api_key, SealedSecret)


def test_what_is_not_there_is_none(here: Repository) -> None:
    assert here.get("no such id") is None
    assert here.find("no such name") == []
    assert here.rows() == []
    assert here.deleted() == []
    assert here.names() == set()


def test_the_list_is_ordered_by_name_whatever_its_case(here: Repository) -> None:
    here.add([a_connection(name) for name in ("b", "C", "a", "Äb", "A2")])
    assert [row.name for row in here.rows()] == ["a", "A2", "b", "C", "Äb"]


def test_find_prefers_the_exact_name(here: Repository) -> None:
    first, second = a_connection("Main"), a_connection("main")
    here.add([first, second])
    assert here.find("main") == [second.id]
    assert here.find("MAIN") == sorted([first.id, second.id])
    assert here.names() == {"Main", "main"}


def test_a_taken_name_is_refused_and_nothing_is_added(here: Repository) -> None:
    here.add([a_connection("Main")])
    with pytest.raises(StoreError) as caught:
        here.add([a_connection("Other"), a_connection("Main")])
    assert caught.value.problem.category is Category.CONSTRAINT
    assert "Main" in caught.value.problem.text
    assert here.names() == {"Main"}


def test_a_taken_name_gets_a_suffix_where_that_is_wanted(here: Repository) -> None:
    long = "n" * NAME_LENGTH
    rows = here.add([a_connection(name) for name in ("Main", "Main", "Main", long, long)], rename=True)
    assert [row.name for row in rows[:3]] == ["Main", "Main (2)", "Main (3)"]
    assert len(rows[4].name) == NAME_LENGTH
    assert rows[4].name.endswith(" (2)")


def test_an_id_is_added_once(here: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    with pytest.raises(StoreError) as caught:
        here.add([replace(connection, name="Other")], rename=True)
    assert caught.value.problem.category is Category.CONSTRAINT
    assert [row.name for row in here.rows()] == ["Main"]


def test_a_change_raises_the_revision_and_touches_nothing_else(here: Repository) -> None:
    connection = a_connection("Main", note="old")
    here.add([connection])
    base = here.get(connection.id)
    assert base is not None
    row = here.update(base, replace(base, note="new"))
    after = here.get(connection.id)
    assert after is not None
    assert row.revision == after.revision == 2
    assert replace(after, revision=1, note="old", updated_at=base.updated_at) == base


def test_no_change_is_no_write(here: Repository) -> None:
    connection = a_connection()
    here.add([connection])
    base = here.get(connection.id)
    assert base is not None
    assert here.update(base, replace(base)).revision == 1


def test_no_change_brings_nothing_back(here: Repository, there: Repository) -> None:
    connection = a_connection()
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.remove([connection.id])
    with pytest.raises(StoreError) as caught:
        there.update(base, replace(base))
    assert caught.value.problem.category is Category.NOT_FOUND
    assert here.rows() == there.rows() == []


def test_changes_of_different_fields_from_two_desks_are_both_kept(here: Repository, there: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.update(base, replace(base, note="from here"))
    there.update(base, replace(base, color="#00ff00", name="Renamed"))
    after = here.get(connection.id)
    assert after is not None
    assert (after.note, after.color, after.name, after.revision) == ("from here", "#00ff00", "Renamed", 3)


def test_the_same_field_changed_differently_is_a_conflict_and_the_first_stays(
    here: Repository, there: Repository
) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.update(base, replace(base, note="from here"))
    with pytest.raises(StoreError) as caught:
        there.update(base, replace(base, note="from there", color="#00ff00"))
    assert caught.value.problem.category is Category.CONFLICT
    assert "note" in caught.value.problem.text
    after = here.get(connection.id)
    assert after is not None
    assert (after.note, after.color, after.revision) == ("from here", "", 2)


def test_the_same_change_on_both_sides_is_no_conflict(here: Repository, there: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.update(base, replace(base, note="same"))
    assert there.update(base, replace(base, note="same")).revision == 2


@pytest.mark.parametrize("field", CREDENTIALS)
def test_credentials_are_never_mixed(here: Repository, there: Repository, field: str) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.update(base, replace(base, api_key=SealedSecret("theirs"), api_secret=SealedSecret("theirs")))
    mine = {field: SealedSecret("mine")}
    with pytest.raises(StoreError) as caught:
        there.update(base, replace(base, **mine))  # type: ignore[arg-type]
    assert "credentials" in caught.value.problem.text
    after = here.get(connection.id)
    assert after is not None
    assert (after.api_key, after.api_secret, after.api_passphrase) == ("theirs", "theirs", None)


def test_exchange_and_environment_are_one(here: Repository, there: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.update(base, replace(base, environment=Environment.TESTNET))
    with pytest.raises(StoreError) as caught:
        there.update(base, replace(base, exchange="okx"))
    assert "exchange and environment" in caught.value.problem.text


def test_a_rename_to_a_taken_name_is_refused(here: Repository) -> None:
    one, two = a_connection("One"), a_connection("Two")
    here.add([one, two])
    base = here.get(two.id)
    assert base is not None
    with pytest.raises(StoreError) as caught:
        here.update(base, replace(base, name="One"))
    assert caught.value.problem.category is Category.CONSTRAINT
    assert {row.name: row.revision for row in here.rows()} == {"One": 1, "Two": 1}


def test_deleting_can_be_undone_with_everything(here: Repository, there: Repository) -> None:
    connection = a_connection("Main", extra={"deep": {"er": [1]}}, tags=["t"])
    here.add([connection])
    (gone,) = here.remove([connection.id, "not there", connection.id])
    assert (gone.id, gone.name, gone.exchange) == (connection.id, "Main", "bybit")
    assert there.rows() == []
    assert there.deleted() == [gone]
    (row,) = there.restore([connection.id])
    assert row.revision == 2
    back = here.get(connection.id)
    assert back is not None
    assert replace(back, revision=1, created_at=NEVER, updated_at=NEVER) == connection
    assert here.deleted() == []
    assert here.restore([connection.id]) == []


def test_a_restored_name_that_is_taken_by_now_gets_a_suffix(here: Repository) -> None:
    first = a_connection("Main")
    here.add([first])
    here.remove([first.id])
    here.add([a_connection("Main")])
    (row,) = here.restore([first.id])
    assert row.name == "Main (2)"


def test_deleting_again_after_restoring_keeps_the_newest(here: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    here.remove([connection.id])
    here.restore([connection.id])
    base = here.get(connection.id)
    assert base is not None
    here.update(base, replace(base, note="newer"))
    here.remove([connection.id])
    here.restore([connection.id])
    back = here.get(connection.id)
    assert back is not None
    assert back.note == "newer"


def test_an_edit_wins_over_a_deletion(here: Repository, there: Repository) -> None:
    connection = a_connection("Main")
    here.add([connection])
    base = there.get(connection.id)
    assert base is not None
    here.remove([connection.id])
    row = there.update(base, replace(base, note="still wanted"))
    assert here.rows() == [row]
    assert here.deleted() == []


def test_an_edit_of_what_never_was_is_not_found(here: Repository) -> None:
    connection = a_connection("Main")
    with pytest.raises(StoreError) as caught:
        here.update(connection, replace(connection, note="x"))
    assert caught.value.problem.category is Category.NOT_FOUND


def test_flags_change_only_where_they_differ(here: Repository, there: Repository) -> None:
    on, off = a_connection("On"), a_connection("Off", enabled=False)
    here.add([on, off])
    changed = there.set_flag([on.id, off.id, "not there"], "enabled", False)
    assert [(row.name, row.enabled, row.revision) for row in changed] == [("On", False, 2)]
    assert changed[0] in here.rows()
    with pytest.raises(ValueError, match="yes-or-no"):
        here.set_flag([on.id], "name = 'x' --", True)


def test_ids_of_other_programs_work_as_parameters(here: Repository) -> None:
    odd = "'; DROP TABLE exchange_connections; --"
    assert here.get(odd) is None
    assert here.remove([odd, "../../etc/passwd", "a\n", "x" * 300]) == []
    assert here.restore([odd]) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(HOSTILE, min_size=6, max_size=6, unique_by=lambda text: text.strip().casefold()))
def test_no_text_is_ever_taken_for_sql(here: Repository, there: Repository, texts: list[str]) -> None:
    """F50: what SQL, LIKE or a driver's placeholders could take for their own is stored and found as it is."""
    name, new_name, other_name, note, new_note, long_tag = texts
    tag = long_tag.strip()[:50]
    extra = {note: [tag, new_note]}
    one = a_connection(name, note=note, tags=[tag], extra=extra, api_passphrase=SealedSecret(note))
    other = a_connection(other_name, note=name, tags=[tag])
    here.add([one, other])
    base = there.get(one.id)
    assert base is not None
    assert replace(base, created_at=NEVER, updated_at=NEVER) == one
    untouched = there.get(other.id)
    assert there.find(one.name) == [one.id]
    assert here.names() == {one.name, other.name}

    renamed = validate({"name": new_name, "exchange": "bybit"}).name
    there.update(base, replace(base, name=renamed, note=new_note))
    assert here.find(one.name) == []
    assert here.find(renamed) == [one.id]
    assert [row.name for row in here.set_flag([one.id], "enabled", False)] == [renamed]
    after = here.get(one.id)
    assert after is not None
    assert (after.name, after.note, after.extra, after.tags) == (renamed, new_note, extra, one.tags)

    assert [each.name for each in here.remove([one.id])] == [renamed]
    assert renamed in {each.name for each in there.deleted()}
    assert [row.name for row in there.restore([one.id])] == [renamed]
    assert here.get(other.id) == untouched
    here.remove([one.id, other.id])
    assert here.rows() == []
