"""F01, F02, F04, F36, F40 on record files: kills, failing calls, damage at every byte, and what is no file at all."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from models.problem import Category, StoreError
from storage.atomic_file import BadFileError, backup_of
from storage.data_folder import prepare
from storage.json_store.names import INDEX_NAME, file_name
from storage.json_store.record_file import Identity, Record, dump_record, load_record, stored_record
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation
from tests.faults.killed_writers import ROUNDS, SEED, killer_of
from tests.faults.real_faults import NOBODY, fill, small_disk
from tests.faults.test_failing_calls import FailingCalls
from tests.json_kit import a_record, an_operation, open_records, path_of
from tests.rights import may_give_away

ROUNDS_A_FOLDER = 25

# Between two operations the index is written now and then, so that kills hit every order of the two files.
WRITER = """
import os
from pathlib import Path
from storage.data_folder import prepare
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation
from storage.connection_codec import stored
from models.connection_rules import validate
stamp = "2026-01-01T00:00:00.000Z"
records = RecordFolder(prepare(Path(sys.argv[1])))
assert records.open() == [], records.problems
ids = [row.id for row in records.rows()]
number = max([0, *(each.sequence for each in records.waiting())])
while True:
    number += 1
    if len(ids) < 5:
        connection = validate({"name": f"c{number}", "exchange": "bybit"})
        ids.append(connection.id)
        operation = Operation("d", number, connection.id, Kind.ADD, 0, stored(connection), made_at=stamp)
    else:
        which, note = ids[number % 5], f"note {number}"
        operation = Operation("d", number, which, Kind.EDIT, 0, {"note": note}, made_at=stamp)
    records.record(operation)
    os.write(1, b"%d\\n" % number)
    if number % 3 == 0:
        records._files.write_index()
"""


def test_f01_f04_what_was_recorded_is_there_after_kill_9(tmp_path: Path) -> None:
    chance = Random(SEED)
    said = 0
    with killer_of(WRITER, seconds=0.03) as killer:
        for number in range(ROUNDS):
            # A change is not settled here, so that a folder's files grow with every round.
            root = tmp_path / str(number // ROUNDS_A_FOLDER)
            last = killer.kill_one(root)[-1]
            said += last if number % ROUNDS_A_FOLDER == ROUNDS_A_FOLDER - 1 else 0
            if chance.random() < 0.5:
                (root / "connections" / INDEX_NAME).unlink(missing_ok=True)
            check_recorded(root, last)
    assert said >= ROUNDS


def check_recorded(root: Path, last: int) -> None:
    """Look at what a killed writer left whose last word was number `last`."""
    with open_records(root) as records:
        assert records.problems == []
        numbers = [each.sequence for each in records.waiting()]
        # The one after the last that it could still name may have been recorded too.
        assert numbers in ([*range(1, last + 1)], [*range(1, last + 2)])
        assert len({each.op_id for each in records.waiting()}) == len(numbers)
        latest = {each.connection_id: each for each in records.waiting()}
        for connection_id, each in latest.items():
            seen = records.get(connection_id)
            assert seen is not None
            assert seen.note == each.changes["note"]
        assert not [path for path in (root / "connections").iterdir() if path.suffix == ".tmp"]


def outcome(records: RecordFolder, changes: list[Operation]) -> Category | None:
    try:
        records.record_many(changes)
    except StoreError as error:
        return error.problem.category
    return None


def test_f02_the_nth_call_of_a_record_fails(tmp_path: Path) -> None:
    connection, other = a_record("Main", note="old"), a_record("Other")
    seen: set[str] = set()
    for stays in (False, True):
        for code in (errno.EIO, errno.ENOSPC):
            for at in range(200):
                root = tmp_path / f"{stays}-{code}-{at}"
                with open_records(root) as records:
                    records.mirror([connection])
                calls = FailingCalls(10**9, code, stays=stays)
                with open_records(root, calls=calls) as records:
                    calls.at = calls.count + at
                    changes = [an_operation(connection, changes={"note": "new"}), an_operation(other, Kind.ADD)]
                    said = outcome(records, changes)
                    assert said in {None, Category.DISK_FULL if code == errno.ENOSPC else Category.IO}
                    expected = changes if said is None else []
                    assert records.waiting() == expected
                    rows, failed = records.rows(), list(calls.failed)
                    calls.at = 10**9
                # What memory told is what the disk tells.
                with open_records(root) as records:
                    assert records.problems == []
                    assert records.rows() == rows
                    assert records.waiting() == expected
                    # Saving again works, from the start.
                    records.record_many(changes)
                    assert len(records.waiting()) == 2
                seen.update(failed)
                shutil.rmtree(root)
                if not failed:
                    break
            else:
                pytest.fail("a record makes more calls than were tried")
    assert seen == {"create", "write", "fsync", "link", "replace", "fsync_folder"}


class FullDisk(FailingCalls):
    """Stands for a small disk where this user may not mount one."""

    def __init__(self) -> None:
        super().__init__(10**9, errno.ENOSPC, stays=True)


def test_a_full_disk_changes_nothing_and_is_told(tmp_path: Path) -> None:
    connection, calls = a_record(), FullDisk()
    with small_disk(tmp_path / "disk", "300k", "calls that fail with ENOSPC") as disk:
        root = (disk or tmp_path) / "data"
        with open_records(root, calls=calls) as records:
            records.mirror([connection])
            before = records.rows()
            if disk is None:
                calls.at = calls.count
            else:
                fill(disk)
            with pytest.raises(StoreError) as caught:
                records.record(an_operation(connection, changes={"note": "x" * 5000}))
            assert caught.value.problem.category is Category.DISK_FULL
            assert (records.rows(), records.waiting()) == (before, [])
            records.mirror([replace(connection, note="y" * 5000, revision=2)])
            assert records.mirror_lag == 1
            assert records.mirror_problem is not None
            calls.at = 10**9
            if disk is not None:
                (disk / "filler").unlink()
            records.mirror([])
            assert records.mirror_lag == 0
        with open_records(root) as records:
            assert [row.revision for row in records.rows()] == [2]


def test_f36_damage_at_every_byte_is_noticed_and_the_copy_before_fills_in(tmp_path: Path) -> None:
    connection = a_record("Main", api_key=None, api_secret=None)
    folder = prepare(tmp_path)
    path = path_of(folder, connection.id)
    record = Record(connection.id, Identity(), stored_record(connection))
    newer = record._replace(base=stored_record(replace(connection, note="newer", revision=2)))
    good, content = dump_record(record)[0], dump_record(newer)[0]
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x01
        path.write_bytes(bytes(damaged))
        path.chmod(0o600)
        with_copy = position % 2 == 0
        if with_copy:
            backup_of(path).write_bytes(good)
        else:
            backup_of(path).unlink(missing_ok=True)
        with open_records(tmp_path) as records:
            if not records.problems:
                # Space between two values may change: it means nothing.
                assert records.base(connection.id) == newer.base
                continue
            assert [problem.category for problem in records.problems] == [Category.BAD_FILE]
            assert str(folder.quarantine) in records.problems[0].solution
            assert records.base(connection.id) == (record.base if with_copy else None)
            # The database fills in what it knows.
            records.mirror([connection])
            assert records.get(connection.id) == connection
        for kept in folder.quarantine.iterdir():
            assert kept.read_bytes() == bytes(damaged)
            kept.unlink()


def test_f36_a_record_that_is_cut_anywhere_is_no_record() -> None:
    connection = a_record("Main", note="é")
    record = Record(connection.id, Identity("d", 1), stored_record(connection), (an_operation(connection),))
    content, name = dump_record(record)[0], file_name(connection.id)
    assert load_record(content, name)[0] == record
    for length in range(len(content.rstrip())):
        with pytest.raises(BadFileError):
            load_record(content[:length], name)


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"[]", b"null", b"{}", b"[" * 100_000, b"x" * 2_000_000])
def test_f36_f38_what_is_no_record_is_put_aside(tmp_path: Path, content: bytes) -> None:
    connection = a_record()
    folder = prepare(tmp_path)
    path = path_of(folder, connection.id)
    path.write_bytes(content)
    path.chmod(0o600)
    with open_records(tmp_path) as records:
        assert [problem.category for problem in records.problems] == [Category.BAD_FILE]
        assert records.rows() == []
        records.record(an_operation(connection, Kind.ADD))
    (kept,) = folder.quarantine.iterdir()
    assert kept.read_bytes() == content


def linked(path: Path) -> None:
    path.with_name("target").write_text("{}")
    path.symlink_to(path.with_name("target"))


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: dict[str, Callable[[Path], None]] = {"link": linked, "zero": endless, "pipe": os.mkfifo, "folder": Path.mkdir}


@pytest.mark.parametrize("kind", ODD)
def test_f40_what_is_no_file_is_not_followed_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    connection = a_record()
    folder = prepare(tmp_path)
    ODD[kind](path_of(folder, connection.id))
    ODD[kind](folder.connections / INDEX_NAME)
    answers: list[object] = []

    def work() -> None:
        with open_records(tmp_path) as records:
            answers.append([problem.category for problem in records.problems])
            records.record(an_operation(connection, Kind.ADD))
        with open_records(tmp_path) as records:
            answers.append([row.name for row in records.rows()])

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(30)
    assert answers == [[Category.BAD_FILE], ["Main"]]
    assert sorted(path.name.split("-", 1)[1] for path in folder.quarantine.iterdir()) == sorted(
        [path_of(folder, connection.id).name, INDEX_NAME]
    )


def test_f40_files_that_others_could_change_are_named_and_closed(tmp_path: Path) -> None:
    loose, theirs, twice = a_record("loose"), a_record("theirs"), a_record("twice")
    folder = prepare(tmp_path)
    for connection in (loose, theirs, twice):
        content = dump_record(Record(connection.id, Identity(), stored_record(connection)))[0]
        path_of(folder, connection.id).write_bytes(content)
        path_of(folder, connection.id).chmod(0o600)
    path_of(folder, loose.id).chmod(0o666)
    os.link(path_of(folder, twice.id), tmp_path / "second name")
    given_away = may_give_away("its own file, which is no reason to warn")
    if given_away:
        os.chown(path_of(folder, theirs.id), NOBODY, NOBODY)
    with open_records(tmp_path) as records:
        texts = " ".join(problem.text for problem in records.problems)
        assert len(records.rows()) == 3
    assert "was open to other users (mode 0666); not now." in texts
    assert "has a second name somewhere" in texts
    assert (f"belongs to another user (number {NOBODY})" in texts) is given_away
    assert path_of(folder, loose.id).stat().st_mode & 0o777 == 0o600


def test_a_record_that_is_damaged_while_the_program_runs(tmp_path: Path) -> None:
    connection = a_record("Main", note="old")
    folder = prepare(tmp_path)
    path = path_of(folder, connection.id)
    with open_records(tmp_path) as records:
        records.mirror([connection])
        records.mirror([replace(connection, note="newer", revision=2)])
        path.write_bytes(path.read_bytes()[:100])
        seen = records.get(connection.id)
        assert seen is not None
        assert seen.note == "old"
        assert "copy before its last change" in records.problems[-1].text
        # Overwriting what somebody put there keeps it.
        path.write_bytes(b"{}")
        records.record(an_operation(connection, changes={"note": "mine"}))
        path.unlink()
        assert [each.changes for each in records.waiting()] == [{"note": "mine"}]
        records.record(an_operation(connection, changes={"color": "#000000"}))
    assert len(list(folder.quarantine.iterdir())) == 2
    value = json.loads(path.read_bytes())
    assert len(value["pending"]) == 2
