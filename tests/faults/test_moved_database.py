"""F34: cts.db deleted, replaced, or its folder renamed while it is open: noticed, and nothing lost."""

import shutil
from pathlib import Path

import pytest

from models.connection_row import ConnectionRow
from models.event import ConnectionsChanged, Notice
from models.problem import Category, StoreError
from models.status import StoreState
from storage.repository import Repository
from tests.store_kit import a_connection, open_kit


def test_a_deleted_file_is_written_again_with_all_it_held(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one", "two")
        (root / "cts.db").unlink()
        kit.add("three")
        assert kit.names() == ["one", "three", "two"]
        (notice,) = [event for event in kit.heard if isinstance(event, Notice)]
        assert notice.problem is not None
        assert notice.problem.category is Category.MOVED
        assert "2 connections. Nothing was lost." in notice.text
        assert kit.problem is None
    with open_kit(root) as kit:
        assert kit.names() == ["one", "three", "two"]


def test_poll_notices_a_deleted_file_before_anybody_writes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
        (root / "cts.db").unlink()
        kit.store.poll()
        assert (root / "cts.db").stat().st_mode & 0o777 == 0o600
        assert ConnectionsChanged(everything=True) in kit.heard
        assert kit.names() == ["one"]


@pytest.mark.parametrize("content", [b"", b"garbage " * 1000])
def test_a_file_that_is_no_database_does_not_take_its_place(tmp_path: Path, content: bytes) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
        other = tmp_path / "other"
        other.write_bytes(content)
        other.replace(root / "cts.db")
        kit.add("two")
        assert kit.names() == ["one", "two"]
        (kept,) = (root / "quarantine").iterdir()
        assert kept.read_bytes() == content


def test_another_database_is_shown_and_nothing_is_written_into_it_unseen(tmp_path: Path) -> None:
    with open_kit(tmp_path / "other") as kit:
        kit.add("theirs")
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("mine")
        shutil.copy(tmp_path / "other" / "cts.db", tmp_path / "copy.db")
        (tmp_path / "copy.db").replace(root / "cts.db")
        with pytest.raises(StoreError) as caught:
            kit.add("draft")
        problem = caught.value.problem
        assert problem.category is Category.MOVED
        (kept,) = (root / "quarantine").iterdir()
        assert kept.name in problem.text
        assert kit.names() == ["theirs"]
        assert kit.state() is StoreState.ONLINE
        kit.add("draft")
        assert kit.names() == ["draft", "theirs"]
    kept.replace(root / "cts.db")
    with open_kit(root) as kit:
        assert kit.names() == ["mine"]


def test_a_renamed_folder_is_waited_for(tmp_path: Path) -> None:
    root, away = tmp_path / "data", tmp_path / "away"
    with open_kit(root) as kit:
        kit.add("one")
        root.rename(away)
        with pytest.raises(StoreError) as caught:
            kit.add("two")
        assert caught.value.problem.category is Category.MOVED
        assert str(root) in caught.value.problem.text
        assert kit.state() is StoreState.READ_ONLY
        assert not root.exists()
        kit.store.poll()
        assert not root.exists()
        away.rename(root)
        kit.store.poll()
        assert kit.state() is StoreState.ONLINE
        kit.add("two")
        assert kit.names() == ["one", "two"]


def test_a_commit_into_a_file_that_just_lost_its_name_is_not_lost(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
        path = root / "cts.db"

        def add_and_unlink(repository: Repository) -> list[ConnectionRow]:
            rows = repository.add([a_connection("two")])
            path.unlink()
            return rows

        (row,) = kit.store.gate.writing(add_and_unlink)
        assert row.name == "two"
        assert kit.names() == ["one", "two"]
        assert (root / "cts.db").exists()
