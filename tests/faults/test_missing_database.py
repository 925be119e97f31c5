"""cts.db is gone or emptied, and the record files know what it held. A person is asked; no answer loses a change."""

from pathlib import Path
from typing import Any

import pytest

from models.problem import Category, Problem, StoreError
from models.status import Backend, StoreState
from tests.fixtures.cts31 import Canaries, json_record, write
from tests.store_kit import Kit, open_kit

HOW = ["empty", "missing"]


def lose(root: Path, how: str, *, backups: bool = False) -> None:
    """Take the database away, and the backups unless they stay."""
    for path in [root / "cts.db", *(() if backups else (root / "backups").iterdir())]:
        path.unlink()
    if how == "empty":
        (root / "cts.db").touch()


def filled(root: Path) -> dict[str, Any]:
    """Leave three connections and a deleted one; return the rows as they were."""
    with open_kit(root) as kit:
        kit.add("one", "two", "three", "gone")
        two = kit.connections.find("two")
        kit.connections.edit(two.id, {"note": "kept too", "api_key": "k" * 18, "api_secret": "s" * 36})
        kit.connections.remove([kit.connections.find("gone").id])
        return contents(kit)


def contents(kit: Kit) -> dict[str, Any]:
    return {row.name: kit.store.repository.get(row.id) for row in kit.store.repository.rows()}


def with_waiting(root: Path, how: str) -> None:
    """Lose the database, after an edit, a deletion and an addition were made that it never had."""
    path = root / "cts.db"
    path.unlink()
    path.mkdir()
    with open_kit(root) as kit:
        assert kit.state() is StoreState.FALLBACK
        kit.connections.edit(kit.connections.find("one").id, {"note": "waits"})
        kit.connections.remove([kit.connections.find("three").id])
        kit.add("four")
        assert kit.store.status.waiting == 3
    path.rmdir()
    path.touch()
    lose(root, how)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("backups", [True, False], ids=["with backups", "without"])
def test_a_person_is_asked_while_the_list_is_shown(tmp_path: Path, how: str, backups: bool) -> None:
    root = tmp_path / "data"
    before = filled(root)
    lose(root, how, backups=backups)
    files = sorted((root / "connections").iterdir())
    for _ in range(2):
        with open_kit(root) as kit:
            status = kit.store.status
            assert (status.state, status.backend) == (StoreState.READ_ONLY, Backend.JSON)
            assert kit.problem is not None
            assert kit.problem.category is Category.EMPTY_DB
            assert "hold 3 connections" in kit.problem.text
            assert ("the backup of" in kit.problem.text) == backups
            assert "restore records --yes" in kit.problem.by_command
            assert contents(kit) == before
            with pytest.raises(StoreError) as caught:
                kit.add("would hide the question")
            assert caught.value.problem.category is Category.EMPTY_DB
        assert sorted((root / "connections").iterdir()) == files
        assert not list((root / "quarantine").iterdir())


@pytest.mark.parametrize("how", HOW)
def test_the_records_make_it_again_as_it_was(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    before = filled(root)
    with open_kit(root) as kit:
        identity = kit.store._home.identity()
    lose(root, how)
    with open_kit(root) as kit:
        assert kit.store.restore_records() == 3
        assert (kit.state(), kit.problem) == (StoreState.ONLINE, None)
        assert contents(kit) == before
        assert [each.name for each in kit.store.repository.deleted()] == ["gone"]
        assert kit.store._home.identity() == identity
        kit.connections.restore(["gone"])
        kit.add("four")
    with open_kit(root) as kit:
        assert kit.problem is None
        assert kit.names() == ["four", "gone", "one", "three", "two"]


@pytest.mark.parametrize("how", HOW)
def test_what_waits_goes_into_the_database_that_the_records_make(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    filled(root)
    with_waiting(root, how)
    with open_kit(root) as kit:
        assert kit.problem is not None
        assert "with 3 changes that wait" in kit.problem.text
        assert kit.names() == ["four", "one", "two"]
        assert kit.store.restore_records() == 3
        assert (kit.state(), kit.store.status.waiting) == (StoreState.ONLINE, 0)
        assert kit.store.status.problem is None
        assert kit.names() == ["four", "one", "two"]
        assert kit.connections.find("one").note == "waits"
        assert {each.name for each in kit.store.repository.deleted()} == {"gone", "three"}
        assert not kit.store.changes().rejected


@pytest.mark.parametrize("how", HOW)
def test_what_waits_survives_an_empty_beginning(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    filled(root)
    with_waiting(root, how)
    with open_kit(root) as kit:
        waiting = kit.store.changes().waiting
        kit.store.start_empty()
        assert kit.problem is not None
        assert kit.problem.category is Category.FENCE
        assert "DATABASE_URL" not in kit.problem.solution
        assert kit.store.changes().waiting == waiting
    with open_kit(root) as kit:
        assert kit.store.changes().waiting == waiting
        kit.store.accept_database()
        assert kit.names() == ["four"]
        assert [each.name for each in kit.store.changes().rejected] == ["one"]
    # One folder for each second in which something was put aside.
    asides = [path for path in (root / "quarantine").iterdir() if path.is_dir()]
    assert asides
    assert all(any(path.name.endswith(".json") for path in aside.iterdir()) for aside in asides)


def test_an_empty_beginning_keeps_the_records_in_quarantine(tmp_path: Path) -> None:
    root = tmp_path / "data"
    filled(root)
    lose(root, "missing")
    with open_kit(root) as kit:
        kit.store.start_empty()
        assert (kit.state(), kit.problem, kit.names()) == (StoreState.ONLINE, None, [])
        for answer in (kit.store.start_empty, kit.store.restore_records):
            with pytest.raises(StoreError):
                answer()
        kit.add("new")
    with open_kit(root) as kit:
        assert (kit.problem, kit.names()) == (None, ["new"])
    (aside,) = (path for path in (root / "quarantine").iterdir() if path.is_dir())
    assert len([path for path in aside.iterdir() if path.suffix == ".json"]) == 5


def test_putting_the_file_back_is_an_answer_too(tmp_path: Path) -> None:
    root = tmp_path / "data"
    before = filled(root)
    kept = (root / "cts.db").read_bytes()
    lose(root, "missing")
    with open_kit(root) as kit:
        (root / "cts.db").write_bytes(kept)
        kit.store.retry()
        assert (kit.state(), kit.problem) == (StoreState.ONLINE, None)
        assert contents(kit) == before


def test_a_second_program_is_shown_the_list_and_may_not_answer(tmp_path: Path) -> None:
    root = tmp_path / "data"
    before = filled(root)
    lose(root, "missing")
    held = Problem(Category.IN_USE, "Another program has the folder.", "Use that one.")
    with open_kit(root, held=held) as kit:
        assert contents(kit) == before
        for answer in (kit.store.start_empty, kit.store.restore_records):
            with pytest.raises(StoreError) as caught:
                answer()
            assert caught.value.problem.category is Category.IN_USE
    assert not (root / "cts.db").exists()


@pytest.mark.parametrize("how", HOW)
def test_a_new_folder_with_files_of_cts31_is_taken_over(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    write(root / "connections" / "bingx-x01.json", json_record(Canaries(), "bingx-x01"))
    if how == "empty":
        (root / "cts.db").touch()
    with open_kit(root) as kit:
        assert kit.problem is None
        assert len(kit.names()) == 1


def test_what_came_from_cts31_is_not_taken_over_twice(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write(root / "connections" / "bingx-x01.json", json_record(Canaries(), "bingx-x01"))
    with open_kit(root) as kit:
        kit.store.poll()
        names = kit.names()
    lose(root, "missing")
    with open_kit(root) as kit:
        assert kit.store.restore_records() == 1
        assert kit.names() == names
    with open_kit(root) as kit:
        assert kit.names() == names
