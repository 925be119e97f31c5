"""CTS v3.1 kept its own JSON files in the folder that is ours: both sides leave the other's alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.connection import Connection
from models.problem import StoreError
from services.events import Events
from services.legacy import LegacyService
from storage.data_folder import prepare
from storage.json_store.names import INDEX_NAME, is_our_index
from storage.json_store.record_folder import RecordFolder
from tests.canary import canaries_under
from tests.fixtures.cts31 import Canaries, json_record, write
from tests.json_kit import a_record, an_operation, open_records, path_of
from tests.store_kit import Kit, open_kit

UUID = "9b2f6c1e-8d5a-4a63-9d0e-0d3f4d7f1a55"


def left_by_cts31(root: Path) -> Canaries:
    """Leave an array under the name of our index, a record under the name of one of ours, and a cut one."""
    canaries = Canaries()
    write(root / "connections" / INDEX_NAME, [json_record(canaries, "okx-x01", exchange="okx", name="Array")])
    write(root / f"connections/{UUID}.json", json_record(canaries, UUID, name="File"))
    return canaries


def mirrored(kit: Kit) -> RecordFolder:
    """Open the record files beside the store, and mirror all that it has."""
    records = RecordFolder(kit.folder)
    records.open()
    records.mirror_all(everything(kit))
    return records


def everything(kit: Kit) -> list[Connection]:
    found = [kit.store.repository.get(row.id) for row in kit.store.repository.rows()]
    return [connection for connection in found if connection is not None]


def test_the_take_over_reads_theirs_and_not_ours(tmp_path: Path) -> None:
    ours = a_record("Ours")
    with open_records(tmp_path) as records:
        records.mirror([ours])
    left_by_cts31(tmp_path / "other")
    for path in (tmp_path / "other/connections").iterdir():
        if path.name != INDEX_NAME:
            path.rename(tmp_path / "connections" / path.name)
    with open_kit(tmp_path, fresh=True) as kit:
        assert kit.names() == ["File"]
        report = LegacyService(kit.store, kit.folder, kit.vault, Events()).report()
        assert report is not None
        assert report.skipped == ()
    with open_records(tmp_path) as records:
        assert [row.name for row in records.rows()] == ["Ours"]
        assert records.problems == []


def test_our_records_make_room_and_nothing_comes_over_twice(tmp_path: Path) -> None:
    canaries = left_by_cts31(tmp_path)
    texts = {path.name: path.read_bytes() for path in (tmp_path / "connections").iterdir()}
    with open_kit(tmp_path, fresh=True) as kit:
        assert kit.names() == ["Array", "File"]
        records = mirrored(kit)
        assert records.problems == []
        assert [row.name for row in records.rows()] == ["Array", "File"]
        records.close()
    folder = prepare(tmp_path)
    assert is_our_index(folder.connections / INDEX_NAME)
    assert json.loads(path_of(folder, UUID).read_bytes())["format"] == "cts-connections record 1"
    # What they were is there under another name, byte for byte, and in no .bak of ours.
    assert (folder.connections / "connections.cts31.json").read_bytes() == texts[INDEX_NAME]
    assert (folder.connections / f"{UUID}.cts31.json").read_bytes() == texts[f"{UUID}.json"]
    assert list(folder.quarantine.iterdir()) == []
    for _ in range(2):
        with open_kit(tmp_path) as kit:
            assert kit.names() == ["Array", "File"]
            assert kit.problem is None
            legacy = LegacyService(kit.store, kit.folder, kit.vault, Events())
            report = legacy.report()
            assert report is not None
            assert (report.connections, report.skipped) == (2, ())
            with open_records(tmp_path) as again:
                assert again.problems == []
                assert len(again.rows()) == 2
    assert canaries_under(tmp_path, canaries.made)
    with open_kit(tmp_path) as kit:
        legacy = LegacyService(kit.store, kit.folder, kit.vault, Events())
        done = legacy.scrub()
        assert {"connections/connections.cts31.json", f"connections/{UUID}.cts31.json"} <= set(done.files)
        assert legacy.plaintext() == ()
        again = mirrored(kit)
        assert again.mirror_lag == 0
        again.close()
    assert canaries_under(tmp_path, canaries.made) == []


def test_a_file_of_cts31_that_is_cut_off_is_left_for_the_scrub(tmp_path: Path) -> None:
    canaries = Canaries()
    text = json.dumps(json_record(canaries, UUID))
    folder = prepare(tmp_path)
    path_of(folder, UUID).write_text(text[:-20], encoding="utf-8")
    with open_records(tmp_path) as records:
        assert records.problems == []
        connection = replace(a_record(), id=UUID)
        records.mirror([connection])
        records.record(an_operation(connection, changes={"note": "x"}))
        assert records.waiting_count == 1
    assert (folder.connections / f"{UUID}.cts31.json").read_text(encoding="utf-8") == text[:-20]
    with open_kit(tmp_path) as kit:
        LegacyService(kit.store, kit.folder, kit.vault, Events()).scrub()
    assert canaries_under(tmp_path, canaries.made) == []
    with open_records(tmp_path) as records:
        assert records.problems == []


def test_a_file_that_comes_while_the_program_runs_is_not_overwritten(tmp_path: Path) -> None:
    canaries = Canaries()
    connection = replace(a_record(), id=UUID)
    with open_records(tmp_path) as records:
        write(tmp_path / f"connections/{UUID}.json", json_record(canaries, UUID))
        records.mirror([connection])
        write(tmp_path / f"connections/{UUID}.json", json_record(canaries, UUID, name="Later"))
        with pytest.raises(StoreError, match="of CTS v3"):
            records.record(an_operation(connection, changes={"note": "x"}))
        records.mirror([connection])
        records.mirror([replace(connection, note="y", revision=2)])
        # With a copy of ours beside it, theirs makes room at once.
        write(tmp_path / f"connections/{UUID}.json", json_record(canaries, UUID, name="Last"))
        records.record(an_operation(connection, changes={"note": "x"}))
        assert records.waiting_count == 1
    kept = [json.loads(path.read_bytes())["name"] for path in (tmp_path / "connections").glob("*.cts31.json")]
    assert sorted(kept) == [UUID.upper(), "Last", "Later"]
