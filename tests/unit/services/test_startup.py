"""The start on real folders: every step told, nothing raised, whatever is in the way."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import main
from models.event import Event, Notice, StepFinished
from models.problem import Category, CtsError
from services.core import Core
from storage.folder_lock import FolderLock
from tests.bare_postgres import wait_until
from tests.cheap_passphrases import make_cheap

STEPS = ["folder", "settings", "configuration", "log", "lock", "vault", "database", "take-over", "migrations", "list"]

Start = Callable[..., Core]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a way to build the program in a folder of its own; it is closed at the end."""
    cores: list[Core] = []

    def build(*, run: bool = True) -> Core:
        core = main.build_core(main.Arguments(str(tmp_path / "data")), patience=0)
        cores.append(core)
        if run:
            core.startup.run()
        return core

    yield build
    for core in cores:
        core.startup.close()
        core.log.close()


def problems(core: Core) -> dict[str, Category]:
    return {step.step: step.problem.category for step in core.startup.steps if step.problem}


def test_building_opens_nothing(start: Start, tmp_path: Path) -> None:
    core = start(run=False)
    assert core.startup.steps == ()
    assert not (tmp_path / "data" / "cts.db").exists()
    assert not (tmp_path / "data" / "vault.json").exists()
    with pytest.raises(CtsError):
        core.connections.rows()
    assert core.status.vault().locked
    assert core.status.as_json()["migrations"]["items"] == []


def test_every_step_is_told_as_it_ends(start: Start) -> None:
    core = start(run=False)
    heard: list[Event] = []
    core.events.subscribe(heard.append)
    steps = core.startup.run()
    assert [step.step for step in steps] == STEPS
    assert [event.step for event in heard if isinstance(event, StepFinished)] == list(steps)
    assert all(step.ok and step.detail for step in steps)
    lines = " ".join(line.text for line in core.log.lines())
    assert all(f"Start, {step}: ok in" in lines for step in STEPS)


def test_a_second_run_only_tells(start: Start) -> None:
    core = start()
    assert core.startup.run() is not None
    assert [step.step for step in core.startup.steps] == STEPS


def test_closing_lets_the_folder_go(start: Start, tmp_path: Path) -> None:
    core = start()
    other = FolderLock(tmp_path / "data" / ".lock")
    assert not other.acquire()
    core.startup.close()
    assert other.acquire()
    other.release()


def test_a_folder_in_use_is_only_read(start: Start) -> None:
    start()
    second = start()
    assert problems(second)["lock"] is Category.IN_USE
    assert second.startup.in_use is not None
    assert second.connections.rows() == []
    with pytest.raises(CtsError) as caught:
        second.connections.add({"name": "A", "exchange": "bybit"})
    assert caught.value.problem.category is Category.IN_USE


def test_a_program_that_waits_takes_the_folder_over_and_says_so_once(start: Start) -> None:
    first = start()
    second = start()
    heard: list[Event] = []
    second.events.subscribe(heard.append)
    assert problems(second)["lock"] is Category.IN_USE
    first.startup.close()
    wait_until(lambda: not any(thread.name == "folder-lock" for thread in threading.enumerate()))
    assert problems(second) == {}
    assert second.status.store().state == "online"
    assert second.connections.add({"name": "A", "exchange": "bybit"}).row.revision == 1
    assert sum(isinstance(event, Notice) and "free now" in event.text for event in heard) == 1
    assert [step.step for step in second.startup.steps] == STEPS


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({"USE_FILE_STORAGE": "true"}, "online"),
        ({"DATABASE_URL": "postgresql://u@127.0.0.1:1/d"}, "fallback"),
        ({"DATABASE_URL": "postgresql://u@h:port/d"}, "fallback"),
    ],
)
def test_record_files_that_another_program_writes_are_only_read(
    start: Start, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], state: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    first = start()
    first.connections.add({"name": "A", "exchange": "bybit"})
    second = start()
    assert [row.name for row in second.connections.rows()] == ["A"]
    with pytest.raises(CtsError) as caught:
        second.connections.add({"name": "B", "exchange": "bybit"})
    assert caught.value.problem.category is Category.IN_USE
    first.connections.add({"name": "C", "exchange": "bybit"})
    first.startup.close()
    wait_until(lambda: not any(thread.name == "folder-lock" for thread in threading.enumerate()))
    assert second.status.store().state == state
    second.connections.add({"name": "B", "exchange": "bybit"})
    assert sorted(row.name for row in second.connections.rows()) == ["A", "B", "C"]
    assert sum(thread.name == "keeper" for thread in threading.enumerate()) == 1


def test_a_program_that_ends_stops_waiting(start: Start, tmp_path: Path) -> None:
    first = start()
    start().startup.close()
    first.startup.close()
    wait_until(lambda: not any(thread.name == "folder-lock" for thread in threading.enumerate()))
    other = FolderLock(tmp_path / "data" / ".lock")
    assert other.acquire()
    other.release()


def test_logs_that_cannot_be_written_stay_in_memory(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "logs").write_text("a file")
    core = start()
    assert "log" in problems(core)
    assert core.connections.rows() == []
    assert core.log.lines()


def test_a_lock_that_is_no_file_stops_nothing_but_writing(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data" / ".lock").mkdir(parents=True)
    core = start()
    assert problems(core)["lock"] is Category.IN_USE
    assert core.status.as_json()["store"]["backend"] == "sqlite"


def test_half_written_files_of_a_crash_are_swept(start: Start, tmp_path: Path) -> None:
    start().startup.close()
    orphan = tmp_path / "data" / ".settings.json.0123456789abcdef.tmp"
    orphan.write_text("{")
    core = start()
    assert not orphan.exists()
    assert "1 half-written" in next(step.detail for step in core.startup.steps if step.step == "lock")


def test_migrations_that_cannot_be_read_are_a_problem_and_no_crash(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_one.sql").write_text("CREATE TABLE a (b);")
    (folder / "001_other.sql").write_text("CREATE TABLE c (d);")
    monkeypatch.setattr(main, "resource", lambda name: tmp_path / name)
    core = start()
    assert problems(core)["migrations"] is Category.MIGRATION
    assert "001_one.sql" in next(step.detail for step in core.startup.steps if step.step == "migrations")
    with pytest.raises(CtsError):
        core.startup.prepare()


def test_the_settings_for_the_first_paint_touch_nothing(tmp_path: Path) -> None:
    arguments = main.Arguments(str(tmp_path))
    assert main.look(arguments).theme == "system"
    file = tmp_path / "settings.json"
    file.write_text('{"theme": "dark"}')
    assert main.look(arguments).theme == "dark"
    file.write_bytes(b"\xff\xfe{")
    assert main.look(arguments).theme == "system"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_a_database_without_its_vault_is_told_at_the_start(start: Start, tmp_path: Path) -> None:
    core = start()
    for name in ("One", "Two"):
        core.connections.add({"name": name, "exchange": "bybit", "api_key": "k" * 20, "api_secret": "s" * 20})
    core.connections.add({"name": "Without", "exchange": "bybit"})
    core.startup.close()
    kept = {path.name: path.read_bytes() for path in (tmp_path / "data").glob("vault*")}
    assert sorted(kept) == ["vault.json", "vault.json.bak", "vault.key"]
    for name in kept:
        (tmp_path / "data" / name).unlink()
    for _ in range(2):
        # Not only at the start that makes a new vault: until somebody has done something about it.
        core = start()
        assert problems(core) == {"vault": Category.LOCKED}
        assert "2 connections have secrets" in core.startup.problems[0].text
        assert "vault.json" in core.startup.problems[0].solution
        core.startup.close()
    core = start()
    core.connections.edit(core.connections.find("One").id, {"api_key": "n" * 20, "api_secret": "n" * 20})
    core.startup.close()
    core = start()
    assert "1 connection has secrets" in core.startup.problems[0].text
    core.startup.close()
    # The old key file alone is enough: the key is found in it by its id.
    (tmp_path / "data" / "vault.json").unlink()
    (tmp_path / "data" / "vault.json.bak").unlink()
    (tmp_path / "data" / "vault.key").write_bytes(kept["vault.key"])
    core = start()
    assert "1 connection has secrets" in core.startup.problems[0].text


@pytest.mark.parametrize("content", [b"", b"garbage", b'{"format": 1, "keys": []}', None])
def test_a_key_file_that_is_no_good_is_told_at_the_start(start: Start, tmp_path: Path, content: bytes | None) -> None:
    start().startup.close()
    (tmp_path / "data" / "vault.key").unlink()
    if content is not None:
        (tmp_path / "data" / "vault.key").write_bytes(content)
    core = start()
    assert problems(core) == {"vault": Category.LOCKED}
    assert core.status.vault().sentence == "locked"
    assert "vault.key" in core.startup.problems[0].text + core.startup.problems[0].solution


def test_a_key_beside_the_data_is_told_when_it_is_made_and_only_then(start: Start) -> None:
    said = []
    for _ in range(2):
        core = start(run=False)
        heard: list[Event] = []
        core.events.subscribe(heard.append)
        core.startup.run()
        core.startup.close()
        said.append([event.problem for event in heard if isinstance(event, Notice) and event.problem])
    (problem,) = said[0]
    assert (problem.category, "passphrase" in problem.solution) == (Category.KEYRING, True)
    assert said[1] == []


def test_a_wrong_passphrase_is_told_behind_the_window(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cheap(monkeypatch)
    words = tmp_path / "words"
    words.write_text("a few good words")
    monkeypatch.setenv("CTS_PASSPHRASE_FILE", str(words))
    start().startup.close()
    words.write_text("other words")
    core = start(run=False)
    heard: list[Event] = []
    core.events.subscribe(heard.append)
    core.startup.run()
    wait_until(lambda: any(isinstance(event, Notice) for event in heard))
    assert core.status.vault().locked
    assert problems(core) == {"vault": Category.LOCKED}
    (notice,) = [event for event in heard if isinstance(event, Notice)]
    assert "another passphrase" in notice.text
