"""F24, F43: the server holds newer or older data than it did, or clocks are wrong: nothing is overwritten unasked."""

import time
from datetime import UTC, datetime, timedelta

import pytest

import storage.applying
import storage.database_repository
import storage.json_store.json_repository
from models.change import Choice
from models.problem import Category
from tests.bare_postgres import wait_until
from tests.outages import Shared
from tests.proxy import Proxy


def test_the_story_of_the_overwritten_server_list(shared: Shared, proxy: Proxy) -> None:
    """A desk falls back and edits its old copy; the server comes back with newer data, and that stays."""
    away = shared.desk("away", shared.url(f"127.0.0.1:{proxy.port}"))
    away.add("Same field", "Other field", "Deleted there", "Untouched")
    other = shared.desk("other")
    proxy.refuse()
    # Its old copy is edited, as the file of that manager was.
    away.edit("Same field", note="old copy")
    away.edit("Other field", tags=["old copy"])
    away.edit("Deleted there", note="edited in the old copy")
    away.add("Added to the old copy")
    assert away.is_away
    # Meanwhile the others go on.
    other.edit("Same field", note="newer")
    other.edit("Other field", note="newer")
    other.edit("Untouched", note="newer")
    other.connections.remove([other.get("Deleted there").id])
    other.add("Added by another")
    proxy.mend()
    away.come_home()
    for desk in (away, other):
        desk.store.poll()
        notes = {name: desk.get(name).note for name in ("Same field", "Other field", "Untouched")}
        assert notes == {"Same field": "newer", "Other field": "newer", "Untouched": "newer"}
        assert desk.get("Other field").tags == ("old copy",)
        assert desk.get("Deleted there").note == "edited in the old copy"
    added = ["Added by another", "Added to the old copy"]
    assert shared.names() == [*added, "Deleted there", "Other field", "Same field", "Untouched"]
    (conflict,) = away.store.changes().conflicts
    assert (conflict.name, conflict.fields) == ("Same field", ("note",))
    assert [each["note"] for each in (conflict.base, conflict.mine, conflict.theirs)] == ["", "old copy", "newer"]
    assert other.store.changes().conflicts == away.store.changes().conflicts
    other.store.resolve({conflict.id: Choice.MINE}, {})
    assert away.store.changes().conflicts == ()
    assert shared.sql("SELECT note FROM exchange_connections WHERE name = 'Same field'") == [("old copy",)]


def test_f24_an_older_copy_of_the_database_is_asked_about(shared: Shared, proxy: Proxy) -> None:
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Kept", "Changed")
    shared.end_sessions()
    proxy.refuse()
    shared.end_sessions()
    shared.server.sql(f'CREATE DATABASE "{shared.name}_copy" TEMPLATE "{shared.name}"')
    proxy.mend()
    desk.come_home()
    desk.edit("Changed", note="after the backup")
    desk.add("New")
    proxy.refuse()
    desk.edit("Changed", note="waiting")
    assert desk.is_away
    shared.server.sql(
        f'DROP DATABASE "{shared.name}" WITH (FORCE)', f'ALTER DATABASE "{shared.name}_copy" RENAME TO "{shared.name}"'
    )
    proxy.mend()
    desk.store.retry()
    assert desk.category() is Category.FENCE
    assert "older" in (desk.problem.text if desk.problem else "")
    assert desk.store.status.retry_in is None
    # Nothing is sent by itself, however long nobody answers; what is here can be seen and changed.
    time.sleep(2)
    assert shared.sql("SELECT name, note FROM exchange_connections ORDER BY name") == [("Changed", ""), ("Kept", "")]
    assert sorted(desk.names()) == ["Changed", "Kept", "New"]
    assert desk.get("Changed").note == "waiting"
    desk.store.accept_database()
    desk.wait_home()
    found = dict(shared.sql("SELECT name, note FROM exchange_connections"))
    kept = [conflict.mine["note"] for conflict in desk.store.changes().conflicts]
    assert found["Changed"] == "waiting" or kept == ["waiting"]


def test_f24_what_only_a_desk_still_has_is_kept_and_told(shared: Shared, proxy: Proxy) -> None:
    """Nothing waits, so nothing is asked; but the newer records are here alone, and the mirror would forget them."""
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Changed", "Kept")
    shared.sql("CREATE TABLE backup AS SELECT * FROM exchange_connections")
    desk.edit("Changed", note="newer than the backup")
    desk.add("Newer than the backup")
    proxy.refuse()
    desk.wait_away()
    shared.sql("DELETE FROM exchange_connections", "INSERT INTO exchange_connections SELECT * FROM backup")
    proxy.mend()
    desk.come_home()
    wait_until(lambda: any("older than it was" in said for said in desk.warnings()))
    assert sorted(desk.names()) == ["Changed", "Kept"]
    assert desk.get("Changed").note == ""
    (folder,) = desk.folder.quarantine.iterdir()
    kept = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.json"))
    assert "newer than the backup" in kept
    assert "Newer than the backup" in kept
    assert "Kept" not in kept
    # What is the same from now on is not told again.
    desk.edit("Kept", note="after it")
    proxy.refuse()
    desk.wait_away()
    proxy.mend()
    desk.come_home()
    assert len([said for said in desk.warnings() if "older than it was" in said]) == 1


def test_f24_a_backup_restored_by_the_program_is_asked_about(shared: Shared, proxy: Proxy) -> None:
    """The epoch is raised by a restore: what was based on the time before does not go in by itself."""
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before")
    proxy.refuse()
    desk.edit("Before", note="waiting")
    shared.sql("UPDATE store_identity SET epoch = epoch + 1")
    proxy.mend()
    desk.store.retry()
    assert desk.category() is Category.FENCE
    assert "backup was restored" in (desk.problem.text if desk.problem else "")
    assert shared.sql("SELECT note FROM exchange_connections") == [("",)]
    desk.store.accept_database()
    desk.wait_home()
    assert shared.sql("SELECT note FROM exchange_connections") == [("waiting",)]


@pytest.mark.parametrize("days", [-365, 365])
def test_f43_a_wrong_clock_decides_nothing(
    shared: Shared, proxy: Proxy, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A desk whose clock jumps a year while it is away: by their base the changes are merged, not by their stamps."""
    away = shared.desk("away", shared.url(f"127.0.0.1:{proxy.port}"))
    away.add("Shared", "Merged")
    other = shared.desk("other")
    proxy.refuse()
    away.edit("Shared", note="first")
    with monkeypatch.context() as patched:
        wrong = datetime.now(UTC) + timedelta(days=days)
        real = time.time
        patched.setattr(time, "time", lambda: real() + days * 86400)
        for module in (storage.applying, storage.database_repository, storage.json_store.json_repository):
            if hasattr(module, "now"):
                patched.setattr(module, "now", lambda: wrong)
        away.edit("Merged", note="from a wrong year")
        away.edit("Shared", note="mine")
        other.edit("Shared", note="theirs")
        other.edit("Merged", tags=["theirs"])
        began = time.monotonic()
        proxy.mend()
        # The way back is paced by a clock that nobody sets.
        away.wait_home()
        assert time.monotonic() - began < 15
    merged = away.get("Merged")
    assert (merged.note, merged.tags) == ("from a wrong year", ("theirs",))
    assert away.get("Shared").note == "theirs"
    (conflict,) = away.store.changes().conflicts
    assert conflict.mine["note"] == "mine"


def test_f24_what_was_only_added_after_the_backup_is_kept_and_told(shared: Shared, proxy: Proxy) -> None:
    """Nothing that is left there is older; but a record is gone that nobody deleted. One that somebody did is not."""
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before", "Deleted")
    desk.add("Added after the backup")
    proxy.refuse()
    desk.wait_away()
    other = shared.desk("other")
    other.connections.remove([other.get("Deleted").id])
    shared.sql("DELETE FROM exchange_connections WHERE name = 'Added after the backup'")
    proxy.mend()
    desk.come_home()
    wait_until(lambda: any("nobody deleted" in said for said in desk.warnings()))
    assert "1 record is here alone" in " ".join(desk.warnings())
    (folder,) = desk.folder.quarantine.iterdir()
    (kept,) = folder.glob("*.json")
    assert "Added after the backup" in kept.read_text(encoding="utf-8")
