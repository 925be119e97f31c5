"""F03: the power goes at any moment of a write. What was called saved is there; a file is old or new, never mixed."""

import shutil
from pathlib import Path

from storage.atomic_file import backup_of, sweep, write_atomic
from storage.data_folder import prepare
from storage.operations import Kind, Operation
from tests.faults.power_loss import Disk, PowerLoss, put_on
from tests.json_kit import a_record, an_operation, open_records


def test_f03_a_file_is_old_or_new_and_new_once_it_is_called_saved(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    contents = [b"one" * 2000, b"second" * 3000, b"third!" * 50]
    calls = PowerLoss(tmp_path)
    states = 0
    for number, content in enumerate(contents):
        may_be = {content, contents[number - 1] if number else None}

        def look(allowed: set[bytes | None] = may_be) -> None:
            nonlocal states
            for disk in calls.disks():
                states += 1
                assert disk.get(path.name) in allowed
                # The copy is never half of something either.
                assert disk.get(backup_of(path).name) in {None, *contents}

        calls.look = look
        write_atomic(path, content, calls=calls)
        assert {disk.get(path.name) for disk in calls.disks()} == {content}
    assert calls.moments > 3 * 4
    assert states > 100


def test_f03_the_model_itself_notices_a_write_that_is_not_synced(tmp_path: Path) -> None:
    """A model that could not fail would prove nothing: without the one or the other fsync it must."""

    class NoFile(PowerLoss):
        def fsync(self, descriptor: int) -> None:
            pass

    class NoFolder(PowerLoss):
        def fsync_folder(self, folder: str) -> None:
            pass

    left = {}
    for kind in (NoFile, NoFolder):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        calls = kind(folder)
        write_atomic(folder / "a", b"whole", calls=calls)
        left[kind] = {disk.get("a") for disk in calls.disks()}
    assert left[NoFile] == {b"", b"\0" * 4096, b'{"half'}
    assert None in left[NoFolder]


class Cuts:
    """Cuts the power at every moment, and starts a program on each thing that is left then.

    `said` must be there. `unsure` may be there: what is being recorded, or what is being forgotten because the database
    has it (sent again, it does nothing).
    """

    def __init__(self, root: Path, scratch: Path) -> None:
        self.said: list[Operation] = []
        self.unsure: list[Operation] = []
        self.seen: set[frozenset[tuple[str, bytes]]] = set()
        self.calls = PowerLoss(prepare(root).connections, self.look)
        self._scratch = scratch

    def look(self) -> None:
        for disk in self.calls.disks():
            key = frozenset((name, content) for name, content in disk.items() if not name.endswith(".tmp"))
            if key not in self.seen:
                self.seen.add(key)
                self._start_on(disk)

    def _start_on(self, disk: Disk) -> None:
        folder = prepare(self._scratch)
        put_on(folder.connections, disk)
        with open_records(self._scratch) as records:
            # The index is a cache: half an index is rebuilt in silence.
            assert records.problems == []
            waiting = records.waiting()
            assert [each for each in self.said if each not in waiting] == []
            assert [each for each in waiting if each not in (*self.said, *self.unsure)] == []
            assert sweep(folder.connections) == 0
        shutil.rmtree(self._scratch)


def test_f03_what_was_recorded_is_there_whenever_the_power_goes(tmp_path: Path) -> None:
    first, second = a_record("first"), a_record("second")
    steps: list[list[Operation]] = [
        [an_operation(first, Kind.ADD)],
        [an_operation(second, Kind.ADD)],
        [an_operation(first, changes={"note": "edited"})],
        [an_operation(first, changes={"note": "again"}), an_operation(second, changes={"color": "#abcdef"})],
        [an_operation(second, Kind.REMOVE)],
    ]
    cuts = Cuts(tmp_path / "data", tmp_path / "after")
    with open_records(tmp_path / "data", calls=cuts.calls) as records:
        for step in steps:
            cuts.unsure = step
            records.record_many(step)
            cuts.said += step
            cuts.unsure = []
            cuts.look()
        for operation in list(cuts.said):
            cuts.said.remove(operation)
            cuts.unsure = [operation]
            records.settle(operation, first if operation.connection_id == first.id else None)
            cuts.unsure = []
            cuts.look()
        assert records.waiting() == []
    assert len(cuts.seen) > 20
