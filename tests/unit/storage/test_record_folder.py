"""Record files: what waits stays until it is settled, the mirror never touches it, the index is believed by entry."""

import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.connection_rules import new_connection_id
from models.problem import Category, Problem, StoreError
from models.secret import SealedSecret
from storage.atomic_file import RECORD_LIMIT, backup_of
from storage.connection_codec import stamp_text, stored
from storage.data_folder import prepare
from storage.json_store.names import INDEX_NAME, file_name
from storage.json_store.record_file import Identity, Record, dump_record, load_record, stored_record
from storage.json_store.record_files import RecordFiles
from storage.json_store.scan import scan
from storage.operations import Kind
from tests.json_kit import a_record, an_operation, open_records, path_of

REFUSED = Problem(Category.CONSTRAINT, "It breaks a rule.", "Correct it.", "23514")


def test_a_file_tells_a_person_what_it_holds(tmp_path: Path) -> None:
    connection = a_record("Main", note="line\nline", tags=["é"])
    with open_records(tmp_path) as records:
        records.identity = Identity("database-1", 3)
        records.mirror([connection])
        records.record(an_operation(connection, changes={"note": "new"}))
        path = path_of(prepare(tmp_path), connection.id)
        value = json.loads(path.read_bytes())
    assert value["format"] == "cts-connections record 1"
    assert value["database"] == {"id": "database-1", "epoch": 3}
    assert value["id"] == connection.id
    assert value["base"]["revision"] == 1
    assert value["base"]["fields"] == stored(connection)
    assert value["mine"] == {"fields": {"note": "new"}}
    assert [each["changes"] for each in value["pending"]] == [{"note": "new"}]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8").count("\n") > 40


def test_a_file_that_a_person_has_set_differently_is_the_same_file() -> None:
    connection = a_record("Ü")
    record = Record(connection.id, Identity("d", 1), stored_record(connection), (an_operation(connection),))
    content, digest = dump_record(record)
    name = file_name(connection.id)
    value = json.loads(content)
    for other in (
        content,
        json.dumps(value, indent=4).encode("utf-8-sig"),
        json.dumps(dict(reversed(value.items())), sort_keys=True).encode(),
    ):
        assert load_record(other, name) == (record, digest)
    value["base"]["fields"]["note"] = "forged"
    with pytest.raises(StoreError, match="sha256"):
        load_record(json.dumps(value).encode(), name)


def test_mirrored_records_are_there_after_a_restart_with_and_without_the_index(tmp_path: Path) -> None:
    connections = [a_record(f"c{number}", tags=["t"], note="n") for number in range(5)]
    with open_records(tmp_path) as records:
        records.identity = Identity("database-1", 3)
        records.mirror(connections)
        rows = records.rows()
        assert records.mirror_lag == 0
    index = prepare(tmp_path).connections / INDEX_NAME
    for damage in (None, b"", b"[]", index.read_bytes()[:-20], index.read_bytes().replace(b"c3", b"x3")):
        if damage is not None:
            index.write_bytes(damage)
        with open_records(tmp_path) as records:
            assert records.rows() == rows
            assert records.identity == Identity("database-1", 3)
            assert records.get(connections[0].id) == connections[0]
    index.unlink()
    with open_records(tmp_path) as records:
        assert records.rows() == rows
    assert index.exists()


def test_the_index_is_one_json_document_without_secrets(tmp_path: Path) -> None:
    connection = a_record(api_key=SealedSecret("cts1.token.of-the-key"))
    other = a_record("Other", enabled=False)
    with open_records(tmp_path) as records:
        records.mirror([connection, other])
    content = (tmp_path / "connections" / INDEX_NAME).read_bytes()
    value = json.loads(content)
    (line,) = value["records"]
    columns = dict(zip(value["columns"], line, strict=True))
    assert (columns["exchange"], columns["api_key_set"]) == (["bybit"], [True])
    entries = zip(columns["id"], columns["name"], columns["enabled"], strict=True)
    assert set(entries) == {(connection.id, "Main", True), (other.id, "Other", False)}
    assert b"cts1." not in content


def settled_index(root: Path) -> None:
    """Write an index whose entries are old enough to be believed, as after a while."""
    folder = prepare(root)
    for path in folder.connections.glob("*.json"):
        os.utime(path, (1_000_000, 1_000_000.5))
    (folder.connections / INDEX_NAME).unlink(missing_ok=True)
    with open_records(root):
        pass
    found = scan(folder)
    assert found.from_index == len(found.summaries)


@pytest.mark.parametrize("keep_stamps", [False, True])
def test_a_file_that_was_changed_behind_the_index_is_read_again(tmp_path: Path, keep_stamps: bool) -> None:
    connection, other = a_record("before"), a_record("other")
    with open_records(tmp_path) as records:
        records.mirror([connection, other])
    settled_index(tmp_path)
    path = path_of(prepare(tmp_path), connection.id)
    before = path.stat()
    changed = replace(connection, name="behind")
    assert len(changed.name) == len(connection.name)
    # In place, of the same size, and as a copying program does with the old stamps: only the inode's own stamp tells.
    path.write_bytes(dump_record(Record(connection.id, Identity(), stored_record(changed)))[0])
    if keep_stamps:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    with open_records(tmp_path) as records:
        assert [row.name for row in records.rows()] == ["behind", "other"]


def test_f39_files_that_went_away_and_came_since_the_index(tmp_path: Path) -> None:
    gone, stays, back = a_record("gone"), a_record("stays"), a_record("back")
    with open_records(tmp_path) as records:
        records.mirror([gone, stays])
    settled_index(tmp_path)
    folder = prepare(tmp_path)
    path_of(folder, gone.id).unlink()
    path_of(folder, back.id).write_bytes(dump_record(Record(back.id, Identity(), stored_record(back)))[0])
    with open_records(tmp_path) as records:
        assert [row.name for row in records.rows()] == ["back", "stays"]
    with open_records(tmp_path) as records:
        assert [row.name for row in records.rows()] == ["back", "stays"]


def test_f39_an_index_that_lists_twice_and_what_is_not_there(tmp_path: Path) -> None:
    with open_records(tmp_path) as records:
        records.mirror([a_record("one"), a_record("two")])
    settled_index(tmp_path)
    index = prepare(tmp_path).connections / INDEX_NAME
    head, _, rest = index.read_bytes().partition(b"\n")
    place = json.loads(index.read_bytes())["columns"].index("id")
    columns = json.loads(rest[: rest.rindex(b'\n], "blake2b"')])
    # Of a column in which all are alike the first stands there.
    entries = list(zip(*[column if len(column) == 2 else column * 2 for column in columns], strict=True))
    assert len(entries) == 2
    foreign = [*entries[0][:place], new_connection_id(), *entries[0][place + 1 :]]
    elsewhere = [*entries[1][:place], "../../x", *entries[1][place + 1 :]]
    listed = list(zip(*[*entries, entries[0], foreign, elsewhere], strict=True))
    body = head + b"\n" + json.dumps(listed).encode()
    digest = hashlib.blake2b(body, digest_size=32).hexdigest()
    index.write_bytes(body + f'\n], "blake2b": "{digest}"}}\n'.encode())
    assert json.loads(index.read_bytes())["blake2b"] == digest
    # It is believed, and only in what is there.
    assert scan(prepare(tmp_path)).from_index == 2
    with open_records(tmp_path) as records:
        assert [row.name for row in records.rows()] == ["one", "two"]
        assert records.problems == []
    assert not (tmp_path.parent / "x").exists()


def test_f39_the_record_of_another_file_is_put_aside(tmp_path: Path) -> None:
    mine, other = a_record("mine"), new_connection_id()
    folder = prepare(tmp_path)
    content = dump_record(Record(mine.id, Identity(), stored_record(mine)))[0]
    path_of(folder, mine.id).write_bytes(content)
    path_of(folder, other).write_bytes(content)
    (folder.connections / "copy of mine.json").write_bytes(content)
    with open_records(tmp_path) as records:
        texts = sorted(problem.text for problem in records.problems)
        assert [row.name for row in records.rows()] == ["mine"]
    assert any(f"{other}.json holds the record of another file" in text for text in texts)
    assert any("copy of mine.json" in text for text in texts)
    assert [path.name.split("-", 1)[1] for path in folder.quarantine.iterdir()] == [f"{other}.json"]


def test_what_waits_is_neither_overwritten_nor_removed_by_the_mirror(tmp_path: Path) -> None:
    connection = a_record("Main", note="old")
    with open_records(tmp_path) as records:
        records.mirror([connection])
        operation = an_operation(connection, changes={"note": "mine"})
        records.record(operation)
        records.mirror([replace(connection, note="theirs", revision=2)])
        records.mirror([], [connection.id])
        records.mirror_all([])
    with open_records(tmp_path) as records:
        assert records.waiting() == [operation]
        assert (records.waiting_count, records.waiting_ids()) == (1, {connection.id})
        seen = records.get(connection.id)
        assert seen is not None
        assert (seen.note, seen.revision) == ("mine", 2)
        base = records.base(connection.id)
        assert base is not None
        assert (base.fields["note"], base.revision) == ("old", 1)
        records.settle(operation, replace(connection, note="mine", color="#ffffff", revision=3))
        assert records.waiting() == []
        seen = records.get(connection.id)
        assert seen is not None
        assert (seen.note, seen.color, seen.revision) == ("mine", "#ffffff", 3)
        records.mirror_all([])
        assert records.rows() == []
        assert [each.id for each in records.deleted()] == [connection.id]


def test_an_operation_is_kept_once(tmp_path: Path) -> None:
    connection = a_record()
    with open_records(tmp_path) as records:
        operation = an_operation(connection, Kind.ADD)
        records.record(operation)
        records.record(operation)
        assert records.waiting() == [operation]
    with open_records(tmp_path) as records:
        records.record(operation)
        assert records.waiting() == [operation]
        records.settle(operation, connection)
        records.settle(operation, connection)
        assert records.waiting_count == 0
        assert records.get(connection.id) == connection


def test_a_new_record_that_is_deleted_again_leaves_nothing_once_it_is_settled(tmp_path: Path) -> None:
    connection = a_record()
    add, remove = an_operation(connection, Kind.ADD), an_operation(connection, Kind.REMOVE)
    with open_records(tmp_path) as records:
        records.record_many([add, remove])
        assert records.rows() == []
        assert [each.id for each in records.deleted()] == [connection.id]
        records.settle(add, connection)
        assert records.rows() == []
        records.settle(remove, None)
        assert [each.id for each in records.deleted()] == [connection.id]
        assert records.waiting() == []


def test_what_is_refused_leaves_the_queue_and_is_kept_to_be_seen(tmp_path: Path) -> None:
    connection, fresh = a_record("Main", note="old"), a_record("Fresh")
    refused, stays = (an_operation(connection, changes={name: "x"}) for name in ("note", "color"))
    add = an_operation(fresh, Kind.ADD)
    with open_records(tmp_path) as records:
        records.mirror([connection])
        records.record_many([refused, add, stays])
        records.reject(refused, REFUSED)
        records.reject(add, REFUSED)
        assert [row.name for row in records.rows()] == ["Main"]
    with open_records(tmp_path) as records:
        assert [(each.operation, each.problem) for each in records.rejected()] == [(refused, REFUSED), (add, REFUSED)]
        assert records.waiting() == [stays]
        seen = records.get(connection.id)
        assert seen is not None
        assert (seen.note, seen.color) == ("old", "x")
        assert records.dismiss(add.op_id)
        assert not records.dismiss(add.op_id)
        assert not path_of(prepare(tmp_path), fresh.id).exists()
        assert [each.operation for each in records.rejected()] == [refused]


def test_tombstones_go_after_90_days_but_not_while_they_wait(tmp_path: Path) -> None:
    old, recent, waiting = a_record("old"), a_record("recent"), a_record("waiting")
    folder = prepare(tmp_path)
    long_ago = "2020-01-01T00:00:00.000Z"
    remove = replace(an_operation(waiting, Kind.REMOVE), made_at=long_ago)
    for connection, stamp in ((old, long_ago), (recent, stamp_text(recent.updated_at))):
        base = stored_record(connection)._replace(deleted_at=stamp)
        path_of(folder, connection.id).write_bytes(dump_record(Record(connection.id, Identity(), base))[0])
    record = Record(waiting.id, Identity(), stored_record(waiting), (remove,))
    path_of(folder, waiting.id).write_bytes(dump_record(record)[0])
    with open_records(tmp_path) as records:
        assert {each.name for each in records.deleted()} == {"recent", "waiting"}
    assert not path_of(folder, old.id).exists()


def test_many_are_mirrored_in_the_background_and_seen_at_once(tmp_path: Path) -> None:
    connections = [a_record(f"c{number:03}") for number in range(300)]
    with open_records(tmp_path) as records:
        records.mirror_all(connections)
        assert len(records.rows()) == 300
        assert records.get(connections[299].id) == connections[299]
        # A change to one that is not written yet takes its base along.
        records.record(an_operation(connections[298], changes={"note": "mine"}))
        deadline = time.monotonic() + 60
        while records.mirror_lag and time.monotonic() < deadline:
            time.sleep(0.01)
        assert records.mirror_lag == 0
        records.mirror_all(connections)
        assert records.mirror_lag == 0
    with open_records(tmp_path) as records:
        assert len(records.rows()) == 300
        base = records.base(connections[298].id)
        assert base is not None
        assert base == stored_record(connections[298])


def test_ids_of_other_programs_never_become_paths(tmp_path: Path) -> None:
    ids = ["../../x", "/etc/x", "a\n", "nul\0", "CON", "x" * 300, "", "é", new_connection_id().upper()]
    connections = [replace(a_record(f"c{number}"), id=each) for number, each in enumerate(ids)]
    with open_records(tmp_path) as records:
        records.mirror(connections)
        records.record_many([an_operation(each, changes={"note": "x"}) for each in connections])
        assert {row.id for row in records.rows()} == set(ids)
    settled_index(tmp_path)
    with open_records(tmp_path) as records:
        assert {row.id for row in records.rows()} == set(ids)
        assert records.problems == []
        assert [each.connection_id for each in records.waiting()] == ids
    assert {path.name for path in tmp_path.iterdir()} <= {"connections", "logs", "backups", "quarantine", INDEX_NAME}


def test_a_read_only_folder_is_read_and_refuses_changes(tmp_path: Path) -> None:
    connection = a_record()
    with open_records(tmp_path) as records:
        records.mirror([connection])
    folder = prepare(tmp_path)._replace(writable=False)
    path_of(folder, (damaged := new_connection_id())).write_bytes(b"{")
    files = RecordFiles(folder)
    files.load()
    assert [problem.category for problem in files.problems][-1] is Category.BAD_FILE
    assert path_of(folder, damaged).exists()
    with pytest.raises(StoreError) as caught:
        files.save([Record(connection.id, Identity(), stored_record(connection))])
    assert caught.value.problem.category is Category.NOT_WRITABLE
    files.expect([(connection.id, None)])
    assert files.unwritten_count == 0


def test_a_record_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    connection = a_record()
    with open_records(tmp_path) as records:
        records.mirror([connection])
        for changes in ({"note": "x" * RECORD_LIMIT}, {"note": "\ud800"}, {"volume_factor": float("nan")}):
            with pytest.raises(StoreError) as caught:
                records.record(an_operation(connection, changes=changes))
            assert caught.value.problem.category is Category.DATA
        for odd in ({"id": "x"}, {"tags": ["a"]}, {"enabled": 1}):
            with pytest.raises(StoreError) as caught:
                records.record(replace(an_operation(connection), changes=odd))
            assert caught.value.problem.category is Category.DATA
        assert records.waiting() == []
        assert records.get(connection.id) == connection


def test_a_record_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    connection = a_record()
    folder = prepare(tmp_path)
    path = path_of(folder, connection.id)
    body = b'{"format": "cts-connections record 2",\n  "id": "?"'
    digest = hashlib.sha256(body + b"}").hexdigest()
    newer = body + f',\n  "sha256": "{digest}"}}\n'.encode()
    path.write_bytes(newer)
    with open_records(tmp_path) as records:
        assert "newer version" in records.problems[-1].text
        with pytest.raises(StoreError, match="newer version"):
            records.record(an_operation(connection, Kind.ADD))
        others = [a_record(name) for name in ("One", "Two")]
        records.mirror([connection, *others])
        assert (records.mirror_lag, records.mirror_problem) == (0, None)
        assert all(path_of(folder, other.id).exists() for other in others)
    assert path.read_bytes() == newer
    assert not backup_of(path).exists()
