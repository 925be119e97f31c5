"""Writing a file whole, reading it with care, sweeping what killed writers left."""

import socket
import stat
from pathlib import Path

import pytest

from storage.atomic_file import BadFileError, FileCalls, backup_of, read_capped, sweep, temporary_beside, write_atomic


def test_a_new_file_is_private_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, b"one")
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_the_previous_content_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"one", b"two", b"three"):
        write_atomic(path, content)
    assert (path.read_bytes(), backup_of(path).read_bytes()) == (b"three", b"two")
    assert path.stat().st_nlink == backup_of(path).stat().st_nlink == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "a.json.bak"]


def test_an_open_mode_is_not_inherited(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    path.chmod(0o666)
    write_atomic(path, b"new", backup=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not backup_of(path).exists()


def test_writing_over_a_link_leaves_its_target_alone(tmp_path: Path) -> None:
    target = tmp_path / "somebody's"
    target.write_bytes(b"theirs")
    path = tmp_path / "a.json"
    path.symlink_to(target)
    write_atomic(path, b"ours")
    assert (target.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"theirs", b"ours", False)


def test_a_disk_without_hard_links_still_keeps_the_previous(tmp_path: Path) -> None:
    class NoLinks(FileCalls):
        def link(self, source: str, target: str) -> None:
            raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "a.json"
    write_atomic(path, b"one", calls=NoLinks())
    write_atomic(path, b"two", calls=NoLinks())
    assert (path.read_bytes(), backup_of(path).read_bytes()) == (b"two", b"one")


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    class Slow(FileCalls):
        def write(self, descriptor: int, content: bytes | memoryview) -> int:
            return super().write(descriptor, bytes(content[:7]))

    path = tmp_path / "a.json"
    write_atomic(path, bytes(range(256)) * 10, calls=Slow())
    assert path.read_bytes() == bytes(range(256)) * 10


def test_a_missing_folder_is_an_error_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "a.json", b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024])
def test_reading_returns_all_of_it(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * size)
    assert len(read_capped(path)) == size


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 101)
    with pytest.raises(BadFileError, match="larger than 100 bytes"):
        read_capped(path, 100)


def test_a_missing_file_is_not_a_bad_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_capped(tmp_path / "none")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(BadFileError, match="not an ordinary file"):
            read_capped(path)


def test_sweep_takes_temporaries_of_ours_and_nothing_else(tmp_path: Path) -> None:
    orphan = temporary_beside(tmp_path / "settings.json")
    orphan.write_bytes(b"half")
    kept = [tmp_path / "settings.json", tmp_path / "notes.tmp", tmp_path / ".x.tmp", tmp_path / "settings.json.bak"]
    for path in kept:
        path.write_bytes(b"whole")
    folder = temporary_beside(tmp_path / "folder")
    folder.mkdir()
    link = temporary_beside(tmp_path / "link")
    link.symlink_to(kept[0])
    assert sweep(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == sorted([*kept, folder, link])
    assert sweep(tmp_path / "none") == 0


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    path = tmp_path / "a"
    for _ in range(5):
        write_atomic(path, b"x")
        read_capped(path)
        with pytest.raises(BadFileError):
            read_capped(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
