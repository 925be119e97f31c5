"""Which folder it is, and making it. Folders that cannot be written are in tests/faults/test_no_permission.py."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from models.problem import Category, InputError
from storage.data_folder import SUBFOLDERS, DataFolder, locate, prepare


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def temporary_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder for this test."""
    root = tmp_path / "tmp"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    return root


def test_the_order_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    environment = {"CTS_DATA_DIR": "/from/environment"}
    assert locate("/from/option", environment, tmp_path) == Path("/from/option")
    assert locate(None, environment, tmp_path) == Path("/from/environment")
    assert locate(None, {}, tmp_path) == tmp_path / "data"
    assert locate(None, {}, None) == tmp_path / "share" / "cts-connections"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_counts_as_unset_and_an_empty_option_as_a_mistake(tmp_path: Path, empty: str) -> None:
    assert locate(None, {"CTS_DATA_DIR": empty}, tmp_path) == tmp_path / "data"
    with pytest.raises(InputError, match="--data-dir is empty"):
        locate(empty, {}, tmp_path)


def test_paths_are_absolute_and_know_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert locate("here", {}, None) == tmp_path / "here"
    assert locate("~/cts", {}, None) == tmp_path / "home" / "cts"


def test_a_new_folder_is_private_at_every_level(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        folder = prepare(tmp_path / "new" / "data")
    finally:
        os.umask(old)
    assert folder == DataFolder(tmp_path / "new" / "data")
    assert folder.writable
    assert not folder.temporary
    assert mode(folder.root) == 0o700
    for name in SUBFOLDERS:
        assert mode(folder.root / name) == 0o700
    assert sorted(entry.name for entry in folder.root.iterdir()) == sorted(SUBFOLDERS)
    assert folder.database == folder.root / "cts.db"
    assert {folder.connections, folder.logs, folder.backups, folder.quarantine} == set(folder.root.iterdir())


def test_preparing_again_changes_nothing(tmp_path: Path) -> None:
    first = prepare(tmp_path / "data")
    assert prepare(tmp_path / "data") == first


def test_a_folder_of_ours_is_closed_to_others_with_what_is_in_it(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "backups").mkdir(parents=True)
    (root / "cts.db").write_bytes(b"")
    for path, loose in ((root, 0o755), (root / "backups", 0o777), (root / "cts.db", 0o644)):
        path.chmod(loose)
    folder = prepare(root)
    assert (mode(root), mode(root / "backups"), mode(root / "cts.db")) == (0o700, 0o700, 0o600)
    assert folder.warnings == (f"{root / 'cts.db'} was open to other users (mode 0644); not now.",)


def test_a_folder_with_files_of_others_keeps_its_mode(tmp_path: Path) -> None:
    root = tmp_path / "shared"
    root.mkdir()
    root.chmod(0o755)
    (root / "thesis.odt").write_bytes(b"")
    folder = prepare(root)
    assert mode(root) == 0o755
    assert mode(root / "backups") == 0o700
    assert "left so" in folder.warnings[0]


def test_a_link_to_a_folder_is_where_somebody_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    folder = prepare(tmp_path / "data")
    assert folder.writable
    assert (tmp_path / "disk" / "logs").is_dir()


def test_a_file_in_the_place_of_a_subfolder_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"")
    assert prepare(tmp_path).warnings == (f"{tmp_path / 'logs'} is not a folder; move it away.",)


@pytest.mark.parametrize("kind", ["file", "dangling link", "fifo"])
def test_a_path_that_is_not_a_folder_has_its_problem_and_a_temporary_folder(
    tmp_path: Path, temporary_root: Path, kind: str
) -> None:
    path = tmp_path / "data"
    if kind == "file":
        path.write_bytes(b"keep me")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "nowhere")
    folder = prepare(path)
    assert folder.temporary
    assert folder.root.parent == temporary_root
    assert folder.problem is not None
    assert folder.problem.category is Category.CANT_OPEN
    assert folder.reason == f"{path} is {'a file, not a folder' if kind == 'file' else 'not a folder'}."
    assert str(folder.root) in folder.problem.text
    if kind == "file":
        assert path.read_bytes() == b"keep me"


def test_the_temporary_folder_is_the_same_at_the_next_start_and_another_for_another_folder(
    tmp_path: Path, temporary_root: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"")
    first = prepare(tmp_path / "one")
    assert mode(first.root) == 0o700
    assert prepare(tmp_path / "one") == first
    assert prepare(tmp_path / "two").root != first.root


@pytest.mark.parametrize("trap", ["link", "open to others", "file"])
def test_a_temporary_folder_that_may_be_somebody_elses_is_not_used(
    tmp_path: Path, temporary_root: Path, trap: str
) -> None:
    (tmp_path / "data").write_bytes(b"")
    stable = prepare(tmp_path / "data").root
    stable.rename(tmp_path / "stolen")
    if trap == "link":
        stable.symlink_to(tmp_path / "stolen")
    elif trap == "file":
        stable.write_bytes(b"")
    else:
        stable.mkdir()
        stable.chmod(0o777)
    fresh = prepare(tmp_path / "data").root
    assert fresh != stable
    assert fresh.name.startswith(stable.name)
    assert mode(fresh) == 0o700


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("x" * 300, "file name too long"),
        ("a\0b", "its name is not one that a folder can have"),
        ("file/below", "not a directory"),
    ],
)
def test_a_name_that_no_folder_can_have_gives_a_temporary_one(
    tmp_path: Path, temporary_root: Path, name: str, why: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = prepare(tmp_path / name)
    assert folder.temporary
    assert folder.reason.endswith(f" cannot be written: {why}.")
    assert folder.problem is not None
    assert folder.problem.category is Category.TEMPORARY
