"""F40: what stands where a file should be is a link, a pipe, a device, a folder, or belongs to others."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from models.problem import Category
from models.settings import Settings
from storage import settings_file
from storage.atomic_file import BadFileError, backup_of, read_capped, write_atomic
from storage.data_folder import prepare
from storage.folder_lock import FolderLock
from tests.faults.real_faults import NOBODY
from tests.rights import may_give_away


def link(path: Path) -> None:
    target = path.with_name("target")
    target.write_text('{"theme": "dark"}')
    path.symlink_to(target)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "link": (link, "is a link, and links are not followed"),
    "link to /dev/zero": (endless, "is a link, and links are not followed"),
    "link to itself": (loop, "is a link, and links are not followed"),
    "pipe": (os.mkfifo, "is not an ordinary file"),
    "folder": (Path.mkdir, "is a folder, not a file"),
}


@pytest.mark.parametrize("kind", ODD)
def test_f40_it_is_not_followed_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    make, why = ODD[kind]
    path = tmp_path / "record.json"
    make(path)
    answers: list[str] = []

    def read() -> None:
        with pytest.raises(BadFileError) as caught:
            read_capped(path)
        answers.append(caught.value.why)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert answers == [why]


@pytest.mark.parametrize("kind", ODD)
def test_f40_settings_start_anew_and_the_thing_itself_is_moved_aside(tmp_path: Path, kind: str) -> None:
    make, why = ODD[kind]
    path = tmp_path / "settings.json"
    make(path)
    before = stat.S_IFMT(path.lstat().st_mode)
    settings, problem = settings_file.load(path, tmp_path / "quarantine")
    assert settings == Settings()
    assert problem is not None
    assert problem.category is Category.BAD_FILE
    assert why in problem.text
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert stat.S_IFMT(kept.lstat().st_mode) == before
    assert not os.path.lexists(path)
    settings_file.save(path, settings)
    assert settings_file.load(path, tmp_path / "quarantine") == (settings, None)


def test_f40_a_device_that_never_ends_is_not_read() -> None:
    with pytest.raises(BadFileError, match="not an ordinary file"):
        read_capped(Path("/dev/zero"))


def test_f40_a_second_name_of_a_file_is_named_and_not_written_through(tmp_path: Path) -> None:
    root = tmp_path / "data"
    prepare(root)
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "elsewhere").chmod(0o600)
    os.link(tmp_path / "elsewhere", root / "settings.json")
    assert prepare(root).warnings == (f"{root / 'settings.json'} has a second name somewhere (a hard link).",)
    write_atomic(root / "settings.json", b"ours")
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert prepare(root).warnings == ()


def test_f40_the_second_name_that_a_killed_writer_leaves_is_no_reason_to_warn(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "data")
    write_atomic(folder.settings, b"{}")
    os.link(folder.settings, backup_of(folder.settings))
    assert prepare(folder.root).warnings == ()


def test_f40_a_file_of_another_user_and_one_that_all_may_write(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "data")
    folder.settings.write_bytes(b"{}")
    folder.settings.chmod(0o666)
    folder.vault.write_bytes(b"{}")
    folder.vault.chmod(0o600)
    given_away = may_give_away("its own file, which is no reason to warn")
    if given_away:
        os.chown(folder.vault, NOBODY, NOBODY)
    warnings = prepare(folder.root).warnings
    assert f"{folder.settings} was open to other users (mode 0666); not now." in warnings
    assert stat.S_IMODE(folder.settings.stat().st_mode) == 0o600
    theirs = f"{folder.vault} belongs to another user (number {NOBODY})."
    assert (theirs in warnings) is given_away


def test_f40_links_among_our_files_are_named(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "data")
    folder.backups.rmdir()
    folder.backups.symlink_to(tmp_path)
    folder.database.symlink_to("/dev/null")
    assert prepare(folder.root).warnings == (
        f"{folder.backups} is a link to another place.",
        f"{folder.database} is a link to another place.",
    )


@pytest.mark.parametrize("kind", ODD)
def test_f40_a_lock_that_is_not_a_file_counts_as_taken(tmp_path: Path, kind: str) -> None:
    ODD[kind][0](tmp_path / ".lock")
    lock = FolderLock(tmp_path / ".lock")
    assert not lock.acquire()
    assert not lock.held
    assert str(tmp_path / ".lock") in lock.problem().text
