"""Rotation, restore and moving as the program does them: built by main, on a real PostgreSQL, two data folders."""

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from main import Arguments, build_core
from models.event import Notice
from models.moving import MoveProgress, TargetState
from models.problem import Category, CtsError, InputError, Problem, StoreError, VaultError
from models.secret import SealedSecret, Secret
from models.status import Backend, StoreState
from services.core import Core
from storage.backup import EXPORT_ENDING
from storage.envelope import split_token
from tests.bare_postgres import BareServer, wait_until
from tests.canary import canaries_in, canaries_under, make_canary
from tests.cheap_passphrases import make_cheap
from tests.databases import connect
from tests.faults.real_faults import child

WORDS = "correct horse battery"
Open = Callable[[str], Core]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open data folders as the window does, each with the passphrase file of the desk; close them at the end."""
    (tmp_path / "words").write_text(WORDS)
    monkeypatch.setenv("CTS_PASSPHRASE_FILE", str(tmp_path / "words"))
    opened: list[Core] = []

    def begin(name: str) -> Core:
        core = build_core(Arguments(str(tmp_path / name)))
        opened.append(core)
        core.startup.run()
        wait_until(lambda: core.status.store().state is StoreState.ONLINE)
        return core

    yield begin
    for core in opened:
        core.startup.close()


@pytest.fixture
def on_server(monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> str:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    return postgres_url


def fields(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "exchange": "bybit", "api_key": make_canary(), "api_secret": make_canary(), **more}


def secret_of(core: Core, name: str) -> str:
    record = core.connections.find(name)
    token = record.api_secret
    assert isinstance(token, SealedSecret)
    return core.connections._vault.open_secret(record.id, "api_secret", token).reveal()


def key_of(core: Core, name: str) -> str:
    token = core.connections.find(name).api_secret
    assert isinstance(token, SealedSecret)
    return split_token(token)[0]


def test_a_rotation_on_one_desk_is_every_desks(open_desk: Open, on_server: str, tmp_path: Path) -> None:
    one, two = open_desk("one"), open_desk("two")
    given = [fields(f"Bybit {number}") for number in range(30)]
    for each in given:
        one.connections.add(each)
    one.connections.remove([one.connections.find("Bybit 29").id])
    wait_until(lambda: len(two.connections.rows()) == 29)
    old = key_of(one, "Bybit 0")
    heard: list[tuple[int, int]] = []
    rotated = one.vault.rotate(watch=lambda done, total: heard.append((done, total)))
    assert (rotated.sealed, rotated.failed, rotated.recovery_key) == (29, 0, None)
    assert heard[-1] == (30, 30)
    assert rotated.kept == ()
    assert key_of(one, "Bybit 0") != old
    for core in (one, two):
        core.startup.close()
    again = [open_desk("one"), open_desk("two")]
    for core in again:
        assert [secret_of(core, each["name"]) for each in given[:29]] == [each["api_secret"] for each in given[:29]]
    again[0].connections.restore(["Bybit 29"])
    for core in again:
        wait_until(lambda core=core: len(core.connections.rows()) == 30)  # type: ignore[misc]
        assert secret_of(core, "Bybit 29") == given[29]["api_secret"]
    database = connect(on_server)
    everything = "\n".join(str(row) for table in database.tables() for row in database.rows(f"TABLE {table}"))
    database.close()
    assert f"cts1.{old}." not in everything
    secrets = [WORDS, *(each[name] for each in given for name in ("api_key", "api_secret"))]
    assert not canaries_in(everything.encode(), secrets)
    assert not canaries_under(tmp_path, secrets, without=[tmp_path / "words"])


def test_a_rotation_that_was_interrupted_is_finished(open_desk: Open) -> None:
    core = open_desk("one")
    for number in range(3):
        core.connections.add(fields(f"Bybit {number}"))
    first = core.vault.make_recovery_key()
    core.vault._vault.opened().begin_rotation()
    core.connections.add(fields("Sealed with the new key"))
    assert len(core.vault._vault.opened().key_ids) == 2
    rotated = core.vault.rotate()
    assert rotated.sealed == 3
    assert rotated.kept == ()
    assert len(core.vault._vault.opened().key_ids) == 1
    # The recovery key of the rotation that was interrupted was never seen: there is another.
    assert rotated.recovery_key is not None
    with pytest.raises(VaultError):
        core.vault.unlock_with_recovery_key(first)
    core.vault.unlock_with_recovery_key(rotated.recovery_key)


def test_a_key_that_something_still_needs_is_kept(open_desk: Open) -> None:
    core = open_desk("one")
    core.connections.add(fields("One"))
    damaged = core.connections.find("One")
    database = core.recovery._store.database
    assert database is not None
    with database.write() as statements:
        statements.execute("UPDATE exchange_connections SET api_key = api_secret WHERE id = ?", (damaged.id,))
    old = key_of(core, "One")
    rotated = core.vault.rotate()
    assert (rotated.sealed, rotated.failed, rotated.kept) == (0, 1, (old,))
    assert secret_of(core, "One")
    # What is damaged for ever does not keep later rotations from making a new key.
    core.connections.add(fields("Two"))
    second = key_of(core, "Two")
    again = core.vault.rotate()
    assert (again.sealed, again.failed) == (1, 1)
    assert key_of(core, "Two") not in {old, second}


def test_backups_from_before_a_rotation_bring_their_secrets_back(open_desk: Open) -> None:
    core = open_desk("one")
    given, gone = fields("Kept", note="y" * 5_000), fields("Gone")
    core.connections.add(given)
    core.connections.add(gone)
    core.connections.remove([core.connections.find("Gone").id])
    first = key_of(core, "Kept")
    backup = Path(core.backups.make().path)
    rotated = core.vault.rotate()
    assert (rotated.sealed, rotated.kept) == (1, (first,))
    second = key_of(core, "Kept")
    assert core.recovery.restore(backup) == 1
    assert key_of(core, "Kept") == first
    assert secret_of(core, "Kept") == given["api_secret"]
    core.connections.restore(["Gone"])
    assert secret_of(core, "Gone") == gone["api_secret"]
    # What was there before the restore is in quarantine, and its key is kept too: somebody may want it back.
    quarantine = backup.parents[1] / "quarantine"
    assert len(list(quarantine.iterdir())) == 1
    assert set(core.vault.rotate().kept) == {first}
    assert key_of(core, "Kept") == second
    backup.unlink()
    kept = core.vault.rotate().kept
    assert first not in kept
    assert second in kept
    for path in quarantine.iterdir():
        path.unlink()
    assert core.vault.rotate().kept == ()


def test_a_server_goes_back_to_its_backup_and_other_desks_hear_of_it(open_desk: Open, on_server: str) -> None:
    one, two = open_desk("one"), open_desk("two")
    one.connections.add(fields("Stays"))
    backup = one.backups.make()
    assert backup.path.endswith(EXPORT_ENDING)
    one.connections.add(fields("Goes"))
    one.connections.edit(one.connections.find("Stays").id, {"note": "later"})
    wait_until(lambda: len(two.connections.rows()) == 2)
    heard: list[Any] = []
    one.events.subscribe(heard.append)
    assert one.recovery.restore(Path(backup.path)) == 1
    assert one.connections.find("Stays").note == ""
    assert [row.name for row in one.connections.rows()] == ["Stays"]
    assert secret_of(one, "Stays")
    assert [each.reason for each in one.backups.list()] == ["before-restore", "by-hand"]
    assert any(isinstance(event, Notice) and "restored" in event.text for event in heard)
    wait_until(lambda: [row.name for row in two.connections.rows()] == ["Stays"])
    # And forward again: nothing that was there is lost.
    assert one.recovery.restore(Path(one.backups.list()[0].path)) == 2
    assert one.connections.find("Stays").note == "later"


def test_a_servers_backup_opens_in_a_folder_of_its_own(
    open_desk: Open, on_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = open_desk("one")
    given = fields("From the server")
    one.connections.add(given)
    backup = Path(one.backups.make().path)
    monkeypatch.delenv("DATABASE_URL")
    alone = open_desk("alone")
    alone.connections.add(fields("Here before"))
    assert alone.recovery.restore(backup) == 1
    assert [row.name for row in alone.connections.rows()] == ["From the server"]
    alone.vault.unlock(Secret(WORDS))
    assert secret_of(alone, "From the server") == given["api_secret"]
    assert not (tmp_path / "alone" / ".restoring").exists()


def test_a_file_backup_goes_into_a_server(open_desk: Open, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = open_desk("alone")
    alone.connections.add(fields("From the file"))
    backup = Path(alone.backups.make().path)
    alone.startup.close()
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    desk = open_desk("alone")
    assert desk.recovery.restore(backup) == 1
    assert [row.name for row in desk.connections.rows()] == ["From the file"]
    assert secret_of(desk, "From the file")


def test_moving_there_and_back_keeps_every_secret(open_desk: Open, postgres_url: str) -> None:
    core = open_desk("one")
    given = [fields(f"Bybit {number}") for number in range(5)]
    for each in given:
        core.connections.add(each)
    preview = core.moving.preview(postgres_url)
    assert (preview.connections, preview.state, preview.problem) == (5, TargetState.EMPTY, None)
    steps: list[MoveProgress] = []
    moved = core.moving.move(postgres_url, steps.append)
    assert (moved.connections, moved.switched, moved.kept) == (5, True, ())
    assert steps[-1].done == steps[-1].total
    wait_until(lambda: core.status.store().state is StoreState.ONLINE)
    assert core.status.store().location.startswith("postgresql://")
    assert [secret_of(core, each["name"]) for each in given] == [each["api_secret"] for each in given]
    core.connections.add(fields("On the server"))
    assert core.moving.preview("sqlite").state is TargetState.REPLACED
    with pytest.raises(InputError):
        core.moving.move(postgres_url)
    back = core.moving.move("sqlite")
    assert back.connections == 6
    assert core.status.store().location.endswith("cts.db")
    assert [secret_of(core, each["name"]) for each in given] == [each["api_secret"] for each in given]
    assert core.connections.find("On the server").exchange == "bybit"


def test_a_desk_moves_into_a_database_that_has_a_vault_already(
    open_desk: Open, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    first = open_desk("first")
    monkeypatch.delenv("DATABASE_URL")
    second = open_desk("second")
    given = fields("Mine")
    second.connections.add(given)
    own = key_of(second, "Mine")
    assert second.moving.move(postgres_url).switched
    wait_until(lambda: [row.name for row in first.connections.rows()] == ["Mine"])
    assert secret_of(first, "Mine") == given["api_secret"]
    assert key_of(first, "Mine") != own


def test_a_move_that_is_stopped_or_refused_changes_nothing(
    open_desk: Open, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CTS_PASSPHRASE_FILE")
    core = open_desk("one")
    core.connections.add(fields("One"))
    assert core.moving.preview(postgres_url).problem is not None
    with pytest.raises(VaultError) as refused:
        core.moving.move(postgres_url)
    assert refused.value.problem.category is Category.PASSPHRASE
    # What cannot go to the server can still be saved at home.
    core.connections.add(fields("Two"))
    core.vault.set_passphrase(Secret(WORDS))
    stop = threading.Event()
    stop.set()
    with pytest.raises(CtsError, match="stopped"):
        core.moving.move(postgres_url, stop=stop)
    assert core.status.store().location == str(tmp_path / "one" / "cts.db")
    assert len(core.connections.rows()) == 2
    assert core.moving.preview(postgres_url).state is TargetState.EMPTY
    assert core.moving.move(postgres_url).connections == 2


def test_a_server_that_goes_away_in_a_move_leaves_the_old_database_in_use(
    open_desk: Open, postgres_server: BareServer, postgres_url: str
) -> None:
    desk = open_desk("desk")
    desk.connections.add(fields("Bybit"))
    ours = "FROM pg_stat_activity WHERE application_name = 'cts-connections'"

    def cut(_progress: MoveProgress) -> None:
        postgres_server.sql(f"SELECT pg_terminate_backend(pid) {ours}")

    with pytest.raises(StoreError) as caught:
        desk.moving.move(postgres_url, cut)
    assert caught.value.problem.text.startswith("The records were not moved. ")
    assert "kept here" not in caught.value.problem.solution
    assert [row.name for row in desk.connections.rows()] == ["Bybit"]
    assert desk.status.store().backend is Backend.SQLITE
    desk.moving.move(postgres_url)
    assert [row.name for row in desk.connections.rows()] == ["Bybit"]


def test_the_environment_decides_and_says_so(open_desk: Open, on_server: str, tmp_path: Path) -> None:
    core = open_desk("one")
    core.connections.add(fields("One"))
    moved = core.moving.move("sqlite")
    assert not moved.switched
    assert "Remove DATABASE_URL" in moved.sentence
    assert core.status.store().location.startswith("postgresql://")
    assert (tmp_path / "one" / "cts.db").is_file()


def test_nothing_is_moved_while_the_database_is_away(
    open_desk: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    core = build_core(Arguments(str(tmp_path / "away")))
    core.startup.run()
    wait_until(lambda: core.status.store().problem is not None)
    for call in (lambda: core.moving.move("sqlite"), core.backups.make, core.vault.rotate):
        with pytest.raises(StoreError):
            call()
    core.startup.close()


def test_what_waited_with_another_vault_goes_once_the_passphrase_is_typed(
    postgres_server: BareServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.url("late"))
    core = build_core(Arguments(str(tmp_path / "early")))
    core.startup.run()
    wait_until(lambda: core.status.store().state is StoreState.FALLBACK)
    given = fields("Made while away")
    core.connections.add(given)
    postgres_server.sql("CREATE DATABASE late")
    (tmp_path / "words").write_text(WORDS)
    monkeypatch.setenv("CTS_PASSPHRASE_FILE", str(tmp_path / "words"))
    other = build_core(Arguments(str(tmp_path / "other")))
    other.startup.run()
    monkeypatch.delenv("CTS_PASSPHRASE_FILE")
    try:
        wait_until(lambda: other.status.store().state is StoreState.ONLINE)
        other.connections.add(fields("There first"))
        core.changes.retry_now()
        wait_until(lambda: (core.status.store().problem or BUSY).category is Category.LOCKED)
        assert core.vault.wants() == "unlock"
        assert core.status.store().waiting == 1
        assert [row.name for row in other.connections.rows()] == ["There first"]
        core.vault.unlock(Secret(WORDS))
        core.changes.retry_now()
        wait_until(lambda: core.status.store().state is StoreState.ONLINE and core.status.store().waiting == 0)
        wait_until(lambda: core.status.store().problem is None)
        wait_until(lambda: len(other.connections.rows()) == 2)
        assert secret_of(other, "Made while away") == given["api_secret"]
        assert secret_of(core, "Made while away") == given["api_secret"]
    finally:
        core.startup.close()
        other.startup.close()
        postgres_server.sql("DROP DATABASE late WITH (FORCE)")


BUSY = Problem(Category.BUSY, "", "")


_ROTATE = """
import sys
from storage.envelope import Kdf
from main import Arguments, build_core
core = build_core(Arguments(sys.argv[1]))
core.startup.run()
print("ready", flush=True)
while True:
    core.vault.rotate()
"""


def test_a_rotation_killed_at_any_moment_loses_no_secret(open_desk: Open, on_server: str, tmp_path: Path) -> None:
    core = open_desk("one")
    given = [fields(f"Bybit {number}") for number in range(150)]
    for each in given:
        core.connections.add(each)
    core.startup.close()
    chance = random.Random(58)
    for _ in range(4):
        with subprocess.Popen(child(_ROTATE, tmp_path / "one"), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.05, 0.7))
            process.kill()
        core = open_desk("one")
        assert [secret_of(core, each["name"]) for each in given] == [each["api_secret"] for each in given]
        core.startup.close()
    core = open_desk("one")
    assert core.vault.rotate().kept == ()
    assert {key_of(core, each["name"]) for each in given} == {key_of(core, "Bybit 0")}
