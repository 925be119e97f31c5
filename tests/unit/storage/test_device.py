"""The count of operations: a number is given once, whatever happens to the file that keeps it."""

import errno
from pathlib import Path

import pytest

from models.problem import Category, StoreError
from storage.atomic_file import backup_of
from storage.device import BLOCK, GAP, Device
from tests.faults.test_failing_calls import FailingCalls


def device(tmp_path: Path, **options: object) -> Device:
    return Device(tmp_path / "device.json", tmp_path / "quarantine", **options)  # type: ignore[arg-type]


def test_numbers_grow_over_restarts_and_the_id_stays(tmp_path: Path) -> None:
    first = device(tmp_path)
    numbers = [first.next_sequence() for _ in range(3)]
    for _ in range(3):
        again = device(tmp_path)
        assert again.id == first.id
        numbers += [again.next_sequence() for _ in range(2)]
    assert numbers == sorted(set(numbers))
    assert numbers[:3] == [1, 2, 3]


def test_a_block_is_on_the_disk_before_its_first_number_is_given(tmp_path: Path) -> None:
    first = device(tmp_path)
    for _ in range(BLOCK + 1):
        last = first.next_sequence()
    # The program is killed here.
    assert device(tmp_path).next_sequence() > last


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": "x"}', b'{"reserved": -1}', bytes(100)])
def test_a_damaged_file_costs_numbers_and_never_repeats_one(tmp_path: Path, damage: bytes) -> None:
    first = device(tmp_path)
    for _ in range(3 * BLOCK):
        last = first.next_sequence()
    (tmp_path / "device.json").write_bytes(damage)
    again = device(tmp_path)
    assert again.id == first.id
    assert again.next_sequence() > last
    assert [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()] == [damage]


def test_a_lost_file_goes_on_from_what_others_know(tmp_path: Path) -> None:
    first = device(tmp_path)
    first.next_sequence()
    for path in (tmp_path / "device.json", backup_of(tmp_path / "device.json")):
        path.unlink(missing_ok=True)
    again = device(tmp_path, known=lambda: (first.id, 77))
    assert (again.id, again.next_sequence()) == (first.id, 77 + GAP + 1)
    new = Device(tmp_path / "other.json", tmp_path)
    assert new.id != first.id
    new.at_least(10)
    assert new.next_sequence() == 11


def test_no_number_without_a_place_for_it(tmp_path: Path) -> None:
    calls = FailingCalls(0, errno.ENOSPC, stays=False)
    full = device(tmp_path, calls=calls)
    with pytest.raises(StoreError) as caught:
        full.next_sequence()
    assert caught.value.problem.category is Category.DISK_FULL
    assert full.next_sequence() == 1


def test_where_nothing_can_be_written_numbers_last_as_long_as_the_program(tmp_path: Path) -> None:
    reader = device(tmp_path, writable=False)
    assert [reader.next_sequence(), reader.next_sequence()] == [1, 2]
    assert list(tmp_path.iterdir()) == []
