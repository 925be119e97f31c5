"""F16 to F18, F20 to F23: a PostgreSQL that answers, but not what was hoped for: the right word, and the way back."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from models.problem import Category
from tests.bare_postgres import BareServer, wait_until
from tests.faults.test_restarted_server import everything_is_there_once
from tests.outages import TEMPLATE, Shared
from tests.rights import mounted


@pytest.fixture
def shared(server: BareServer, tmp_path: Path) -> Iterator[Shared]:
    made = Shared(server, tmp_path)
    made.sql(
        f"CREATE ROLE \"{made.name}\" LOGIN PASSWORD 'kanarie'",
        f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{made.name}"',
        f'GRANT ALL ON SCHEMA public TO "{made.name}"',
    )
    yield made
    made.close()


def url_of(shared: Shared, password: str = "kanarie") -> str:
    return shared.url(user=shared.name, password=password)


def refused_logins(shared: Shared) -> int:
    said = (shared.server.folder / "log").read_text(errors="replace")
    return said.count(f'password authentication failed for user "{shared.name}"')


def test_f16_a_password_that_became_wrong_is_tried_once(shared: Shared) -> None:
    desk = shared.desk(url=url_of(shared))
    desk.add("Before")
    shared.sql(f"ALTER ROLE \"{shared.name}\" PASSWORD 'another'")
    shared.end_sessions()
    desk.wait_away()
    desk.add("During")
    desk.get("Before")
    assert desk.category() is Category.AUTH
    assert desk.store.status.retry_in is None
    # Long enough for several tries, had there been any.
    time.sleep(3)
    assert refused_logins(shared) == 1
    desk.url = url_of(shared, "another")
    desk.come_home()
    everything_is_there_once(shared, ["Before", "During"])
    assert refused_logins(shared) == 1


def test_f16_a_wrong_password_at_the_start_is_tried_once(shared: Shared) -> None:
    desk = shared.desk(url=url_of(shared, "wrong"))
    assert desk.category() is Category.AUTH
    desk.add("During")
    time.sleep(2)
    assert refused_logins(shared) == 1
    desk.url = url_of(shared)
    desk.come_home()
    assert shared.names() == ["During"]


def test_f17_a_dropped_database_is_not_replaced_by_another_of_its_name(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("Before")
    shared.server.sql(f'DROP DATABASE "{shared.name}" WITH (FORCE)')
    desk.add("During")
    assert desk.category() is Category.MISSING_DB
    assert desk.store.status.retry_in is None
    assert desk.names() == ["Before", "During"]
    shared.server.sql(f'CREATE DATABASE "{shared.name}" TEMPLATE {TEMPLATE}')
    shared.sql("UPDATE store_identity SET database_id = gen_random_uuid()::text")
    desk.store.retry()
    assert desk.category() is Category.FENCE
    time.sleep(2)
    assert shared.names() == []
    assert desk.names() == ["Before", "During"]
    desk.store.accept_database()
    desk.wait_home()
    assert "During" in shared.names()


def test_f17_a_database_that_is_made_anew_and_empty_needs_no_new_start(shared: Shared) -> None:
    """Nobody but the open window is there to make its tables; then it is another database, and says so."""
    one, two = shared.desk("one"), shared.desk("two")
    one.add("Before")
    wait_until(lambda: two.names() == ["Before"] and len(list(two.folder.connections.glob("*-*.json"))) == 1)
    shared.server.sql(f'DROP DATABASE "{shared.name}" WITH (FORCE)')
    one.add("During")
    two.wait_away()
    shared.server.sql(f'CREATE DATABASE "{shared.name}"')
    two.come_home()
    assert two.names() == []
    (told,) = [said for said in two.warnings() if "another database" in said]
    (kept,) = two.folder.quarantine.iterdir()
    assert "1 record" in told
    assert str(kept) in told
    # Who has something that waits is asked first, and what is here stays to be seen.
    one.store.retry()
    assert one.category() is Category.FENCE
    assert one.names() == ["Before", "During"]
    one.store.accept_database()
    one.wait_home()
    assert shared.names() == ["During"]
    assert [path for path in one.folder.quarantine.glob("*/*.json") if "Before" in path.read_text(encoding="utf-8")]


def test_f17_tables_that_are_dropped_under_an_open_window(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("Before")
    shared.sql("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    desk.add("During")
    # Its tables are made anew by itself; whether what waits belongs there is a person's word.
    wait_until(lambda: desk.category() is Category.FENCE)
    assert desk.names() == ["Before", "During"]
    desk.store.accept_database()
    desk.wait_home()
    assert shared.names() == ["During"]


def test_f18_no_free_connection_is_waited_for(shared: Shared) -> None:
    shared.sql(f'ALTER ROLE "{shared.name}" CONNECTION LIMIT 1')
    with closing(psycopg2.connect(url_of(shared))):
        desk = shared.desk(url=url_of(shared))
        assert desk.category() is Category.TOO_MANY
        desk.add("During")
    shared.sql(f'ALTER ROLE "{shared.name}" CONNECTION LIMIT 5')
    desk.wait_home()
    assert shared.names() == ["During"]


@pytest.mark.parametrize(
    ("take", "give", "category", "words", "by_itself"),
    [
        ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN", Category.AUTH_POLICY, "LOGIN", False),
        (
            "REVOKE CONNECT ON DATABASE {role} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {role} TO PUBLIC",
            Category.NO_PRIVILEGE,
            "GRANT",
            True,
        ),
        (
            "REVOKE INSERT, UPDATE, DELETE ON exchange_connections FROM {role}",
            "GRANT INSERT, UPDATE, DELETE ON exchange_connections TO {role}",
            Category.NO_PRIVILEGE,
            "GRANT",
            True,
        ),
    ],
    ids=["no login", "no connect", "no insert"],
)
def test_f20_a_right_that_is_taken_away(
    shared: Shared, take: str, give: str, category: Category, words: str, by_itself: bool
) -> None:
    desk = shared.desk(url=url_of(shared))
    desk.add("Before")
    role = f'"{shared.name}"'
    shared.sql(take.format(role=role))
    shared.end_sessions()
    desk.add("During")
    assert desk.category() is category
    assert words in (desk.problem.solution + desk.problem.text if desk.problem else "")
    assert desk.names() == ["Before", "During"]
    shared.sql(give.format(role=role))
    assert (desk.store.status.retry_in is not None) == by_itself
    desk.come_home()
    assert shared.names() == ["Before", "During"]


def test_f20_a_server_that_lets_nobody_in_from_here(shared: Shared) -> None:
    desk = shared.desk(url=url_of(shared))
    rules = shared.server.data / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    try:
        shared.server.write_file("pg_hba.conf", f"host all {shared.name} 0.0.0.0/0 reject\n{before}")
        shared.server.reload()
        shared.end_sessions()
        desk.wait_away()
        desk.add("During")
        assert desk.category() is Category.AUTH_POLICY
        assert "pg_hba.conf" in (desk.problem.solution if desk.problem else "")
    finally:
        shared.server.write_file("pg_hba.conf", before)
        shared.server.reload()
    desk.come_home()
    assert shared.names() == ["During"]


@pytest.mark.parametrize("whole", [False, True], ids=["one database", "whole server"])
def test_f21_writes_wait_for_a_read_only_server_and_reads_go_on(shared: Shared, whole: bool) -> None:
    desk = shared.desk()
    desk.add("Before")
    object_ = "SYSTEM" if whole else f'DATABASE "{shared.name}"'
    try:
        shared.server.sql(f"ALTER {object_} SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        shared.end_sessions()
        wait_until(lambda: desk.get("Before").note == "")
        desk.add("During")
        assert desk.category() is Category.READ_ONLY
        assert "kept here" in (desk.problem.text + desk.problem.solution if desk.problem else "")
        assert desk.names() == ["Before", "During"]
        assert desk.get("During").exchange == "bybit"
        assert desk.store.status.waiting == 1
    finally:
        with closing(psycopg2.connect(shared.server.url())) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = off")
                cursor.execute(f"ALTER {object_} RESET default_transaction_read_only")
                cursor.execute("SELECT pg_reload_conf()")
    desk.wait_home()
    assert shared.names() == ["Before", "During"]


@contextmanager
def small_disk(shared: Shared) -> Iterator[Path | None]:
    """Move the list onto a disk of 3 MB of its own; None where we may not mount one."""
    disk = shared.server.folder / "disk"
    disk.mkdir()
    options = "size=3m,uid=65534,gid=65534,mode=0700"
    if not mounted(disk, options, "a trigger that answers as a full disk does"):
        shutil.rmtree(disk)
        yield None
        return
    try:
        shared.server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
        shared.sql(
            "ALTER TABLE exchange_connections ALTER COLUMN note SET STORAGE EXTERNAL",
            "ALTER TABLE exchange_connections SET TABLESPACE small",
        )
        yield disk
    finally:
        shared.sql("ALTER TABLE exchange_connections SET TABLESPACE pg_default")
        shared.server.sql("DROP TABLESPACE small")
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_f22_a_server_without_space(shared: Shared) -> None:
    with small_disk(shared) as disk:
        if disk is None:
            # The same answer of the server, where no disk may be made for it.
            shared.sql(
                "CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '53100'; END $$",
                "CREATE TRIGGER full BEFORE INSERT ON exchange_connections FOR EACH ROW EXECUTE FUNCTION full()",
            )
        else:
            filler = disk / "filler"
            with filler.open("wb") as file, suppress(OSError):
                while True:
                    os.write(file.fileno(), b"x" * 4096)
        desk = shared.desk()
        added: list[str] = []
        while desk.is_home and len(added) < 100:
            added.append(f"Number {len(added):02}")
            desk.connections.add({"name": added[-1], "exchange": "bybit", "note": "x" * 9000})
        assert desk.category() is Category.SERVER_DISK
        assert "administrator" in (desk.problem.solution if desk.problem else "")
        assert desk.names() == added
        # It tries again and again meanwhile, with longer and longer pauses, and says so once.
        time.sleep(6)
        assert len([text for text in desk.warnings() if "Work goes on" in text]) == 1
        assert desk.store.status.waiting == 1
        assert desk.names() == added
        if disk is None:
            shared.sql("DROP TRIGGER full ON exchange_connections")
        else:
            filler.unlink()
        desk.wait_home()
        assert shared.names() == added


def test_f23_a_lock_of_another_desktop_is_waited_for_in_silence(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("Before")
    with closing(psycopg2.connect(shared.url())) as other:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")
        # Longer than the server lets one attempt wait.
        threading.Timer(3.0, other.rollback).start()
        desk.add("Waited")
        assert desk.is_home
    assert shared.names() == ["Before", "Waited"]
    assert desk.warnings() == []


def test_f23_a_deadlock_is_tried_again_in_silence(shared: Shared) -> None:
    """Another program holds what we need second and wants what we hold: the server ends our transaction."""
    desk = shared.desk()
    desk.add("Before")
    with closing(psycopg2.connect(shared.url())) as other, other.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '60s'")
        cursor.execute("LOCK TABLE applied_operations IN ACCESS EXCLUSIVE MODE")
        saving = threading.Thread(target=desk.add, args=("Deadlocked",))
        saving.start()
        waiting = "SELECT 1 FROM pg_locks WHERE relation = 'applied_operations'::regclass AND NOT granted"
        wait_until(lambda: bool(shared.sql(waiting)))
        cursor.execute("LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")
        other.rollback()
        saving.join(15)
        assert not saving.is_alive()
    assert "deadlock detected" in (shared.server.folder / "log").read_text(errors="replace")
    assert desk.is_home
    assert desk.warnings() == []
    assert shared.names() == ["Before", "Deadlocked"]
    assert shared.sql("SELECT count(*) FROM applied_operations") == [(2,)]
    assert desk.store.changes().waiting == ()
