"""The record files against bare reading, decoding and writing of the same bytes."""

import itertools
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import in_turns, report
from models.connection import Connection
from models.connection_rules import validate
from models.secret import SealedSecret
from storage.connection_codec import now, stamp_text, stored
from storage.data_folder import DataFolder, prepare
from storage.device import Device
from storage.json_store.json_repository import JsonRepository
from storage.json_store.names import INDEX_NAME
from storage.json_store.record_file import Record, dump_record, stored_record
from storage.json_store.record_files import RecordFiles
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation

RECORDS = 10_000
SAVES = 101


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("CTS_BENCH_FOLDER")) as scratch:
        root = Path(scratch)
        _saving(root / "saving")
        _opening(root / "opening", RECORDS)
        _growth(root)


def _connection(name: str) -> Connection:
    token = SealedSecret("cts1.0123456789ab." + "A" * 88)
    fields = {"name": name, "exchange": "bybit", "api_key": token, "api_secret": token, "tags": ["desk", name[-1]]}
    made = validate({**fields, "note": "a note of usual length", "extra": {"api_type": "perpetual_futures"}})
    return replace(made, created_at=now(), updated_at=now())


def _fill(root: Path, count: int) -> DataFolder:
    """Make records as they lie there after a while: with an index, and stamps older than it."""
    folder = prepare(root)
    for number in range(count):
        connection = _connection(f"connection {number}")
        path = folder.connections / f"{connection.id}.json"
        path.write_bytes(dump_record(Record(connection.id, base=stored_record(connection)))[0])
        path.chmod(0o600)
        os.utime(path, (1_700_000_000, 1_700_000_000.5))
    files = RecordFiles(folder)
    files.load()
    files.write_index()
    return folder


def _opening(root: Path, count: int) -> None:
    folder = _fill(root, count)
    index, aside = folder.connections / INDEX_NAME, root / "index"

    def raw() -> None:
        for path in folder.connections.iterdir():
            if path != index:
                json.loads(path.read_bytes())

    def with_index() -> None:
        files = RecordFiles(folder)
        files.load()
        assert len(files.summaries) == count

    def without_index() -> float:
        index.rename(aside)
        try:
            started = time.perf_counter()
            with_index()
            return time.perf_counter() - started
        finally:
            aside.rename(index)

    runs: dict[str, Callable[[], object]] = {
        "read and decode the same files": raw,
        "open without index": without_index,
        "open with a fresh index": with_index,
    }
    bars = {"open without index": 1.5, "open with a fresh index": 0.3}
    report(f"Open {count:,} records", in_turns(runs), "read and decode the same files", bars)
    _loop(folder, without_index)


def mirror(records: RecordFolder, connections: list[Connection]) -> None:
    records.mirror(connections)
    time.sleep(3.0)


def _loop(folder: DataFolder, without_index: Callable[[], float]) -> None:
    connections = [_connection(f"connection {number}") for number in range(RECORDS)]
    records = RecordFolder(folder)
    records.open()
    gaps = {
        "without anything": _longest_gap(lambda: time.sleep(1.0)),
        "open without index": _longest_gap(without_index),
    }
    gaps["mirror 10,000, 3 s of it"] = _longest_gap(lambda: mirror(records, connections))
    gaps["rows() of 20,000"] = _longest_gap(records.rows)
    gaps["write the index"] = _longest_gap(records._files.write_index)
    started, lag = time.perf_counter(), records.mirror_lag
    records.close(patience=2.0)
    took = (time.perf_counter() - started) / max(1, lag - records.mirror_lag)
    print("\nLongest gap of a 5 ms timer in another thread, milliseconds (bar 50)")
    for name, gap in gaps.items():
        print(f"  {name:<44} {gap * 1000:10.1f}")
    print(f"  one record of the mirror's backlog: {took * 1000:.2f} ms")


def _longest_gap(work: Callable[[], object]) -> float:
    gap, done = 0.0, threading.Event()

    def run() -> None:
        work()
        done.set()

    worker = threading.Thread(target=run)
    worker.start()
    before = time.perf_counter()
    while not done.is_set():
        time.sleep(0.005)
        after = time.perf_counter()
        gap, before = max(gap, after - before), after
    worker.join()
    return gap


def _saving(root: Path) -> None:
    folder = prepare(root)
    records = RecordFolder(folder)
    records.open()
    base = _connection("edited")
    records.mirror([base])
    repository = JsonRepository(records, Device(root / "device.json", folder.quarantine))
    numbers = itertools.count(1)
    content = (folder.connections / f"{base.id}.json").read_bytes()
    raw_folder = root / "raw"
    raw_folder.mkdir()

    def raw(name: str) -> None:
        json.dumps(stored(_connection(name)))
        temporary, path = raw_folder / "temporary", raw_folder / f"{name}.json"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.close(descriptor)
        temporary.replace(path)
        descriptor = os.open(raw_folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def record_new() -> None:
        new = _connection(f"n{next(numbers)}")
        records.record(Operation("d", next(numbers), new.id, Kind.ADD, 0, stored(new), made_at=stamp_text(now())))

    def mirror_change() -> None:
        records.mirror([replace(base, note=f"note {next(numbers)}", revision=next(numbers))])

    runs: dict[str, Callable[[], object]] = {
        "temporary, fsync, rename, fsync of the folder": lambda: raw(f"r{next(numbers)}"),
        "record() of a new record": record_new,
        "mirror() of a change, keeping a .bak": mirror_change,
        "repository.add()": lambda: repository.add([_connection(f"a{next(numbers)}")]),
    }
    floor = "temporary, fsync, rename, fsync of the folder"
    bars = {"record() of a new record": 1.3, "mirror() of a change, keeping a .bak": 1.3}
    report("One durable record", in_turns(runs, rounds=SAVES), floor, bars)
    records.close()


def _growth(root: Path) -> None:
    medians = {}
    for count in (1_000, 20_000):
        folder = _fill(root / f"growth-{count}", count)
        files = RecordFiles(folder)
        medians[f"one record of {count:,}, fresh index"] = in_turns({"open": files.load}, rounds=5)["open"] / count
        shutil.rmtree(folder.root)
    report("Growth", medians, "one record of 1,000, fresh index", {"one record of 20,000, fresh index": 1.3})


if __name__ == "__main__":
    main()
