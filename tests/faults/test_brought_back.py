"""F24's way back: what a restored or an emptied database lacks is kept on a desk, and one call puts it in again."""

from pathlib import Path

from models.problem import Category
from storage.bringing_back import Lacking, bring_back, kept_folders, lacking, put_away, read_kept
from tests.bare_postgres import wait_until
from tests.outages import LiveDesk, Shared
from tests.proxy import Proxy


def counts(wanted: Lacking) -> tuple[int, int, int]:
    return len(wanted.missing), len(wanted.older), wanted.left


def bring_all_back(desk: LiveDesk) -> tuple[int, int, int]:
    """Do what the button does with the newest folder; return how many were missing, older, or left as they are."""
    folder = Path(kept_folders(desk.folder.quarantine)[0].path)
    database = desk.store.database
    assert database is not None
    wanted = lacking(desk.store.repository, read_kept(folder))
    bring_back(database, desk.store.repository, wanted, desk.vault.renew)
    put_away(folder)
    desk.store.refresh()
    return counts(wanted)


def test_after_an_older_backup_two_desks_bring_back_what_they_kept(shared: Shared, proxy: Proxy) -> None:
    url = shared.url(f"127.0.0.1:{proxy.port}")
    desks = [shared.desk("one", url), shared.desk("two", url)]
    one, two = desks
    one.add("Changed", "Same", "Deleted later")
    shared.sql("CREATE TABLE backup AS SELECT * FROM exchange_connections")
    for note in ("first", "second", "third"):
        one.edit("Changed", note=note)
    one.add("Added")
    wait_until(lambda: all(desk.folder.connections.joinpath(f"{one.get('Added').id}.json").exists() for desk in desks))
    proxy.refuse()
    for desk in desks:
        desk.wait_away()
    shared.sql("DELETE FROM exchange_connections", "INSERT INTO exchange_connections SELECT * FROM backup")
    proxy.mend()
    for desk in desks:
        desk.come_home()
        wait_until(lambda desk=desk: any("Bring back" in said for said in desk.warnings()))  # type: ignore[misc]
    assert bring_all_back(one) == (1, 1, 0)
    assert shared.names() == ["Added", "Changed", "Deleted later", "Same"]
    assert one.get("Changed").note == "third"
    one.edit("Changed", note="after it")
    one.connections.remove([one.get("Added").id])
    # The other desk kept the same: it must not go over what was changed since, nor over a deletion.
    assert bring_all_back(two) == (0, 0, 2)
    assert shared.names() == ["Changed", "Deleted later", "Same"]
    assert two.get("Changed").note == "after it"
    assert kept_folders(one.folder.quarantine) == []


def test_after_an_emptied_database_everything_comes_back_by_one_call(shared: Shared, proxy: Proxy) -> None:
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Edited away", "Other")
    proxy.refuse()
    desk.wait_away()
    desk.edit("Edited away", note="waits")
    shared.sql("DELETE FROM exchange_connections", "UPDATE store_identity SET database_id = 'another'")
    proxy.mend()
    desk.store.retry()
    assert desk.category() is Category.FENCE
    desk.store.accept_database()
    desk.wait_home()
    assert (desk.names(), len(kept_folders(desk.folder.quarantine))) == ([], 1)
    assert bring_all_back(desk) == (2, 0, 0)
    assert shared.names() == ["Edited away", "Other"]
    # With what waited, although the database could not take it.
    assert desk.get("Edited away").note == "waits"
    desk.edit("Other", note="can be edited again")
    assert shared.sql("SELECT note FROM exchange_connections WHERE name = 'Other'") == [("can be edited again",)]
