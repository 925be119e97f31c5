"""F60: errors that nobody catches, on any thread, are in the log and stop nothing; F28 to F30 for the log file."""

import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from models.secret import Secret
from services.log import LogView
from services.workers import Workers
from tests.faults.real_faults import own_disk

log = logging.getLogger("services.test")


def fill(path: Path) -> None:
    """Write to `path` until its disk is full."""
    with suppress(OSError), open(path, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def is_said(view: LogView) -> bool:
    return view.problem is not None


@pytest.fixture
def view(tmp_path: Path) -> Iterator[LogView]:
    view = LogView()
    view.set_up(tmp_path / "logs")
    yield view
    view.close()


def test_error_in_a_thread(view: LogView, tmp_path: Path) -> None:
    secret = Secret("hunter2hunter2")

    def fail() -> None:
        raise ValueError(f"bad {secret.reveal()}")

    thread = threading.Thread(target=fail, name="market data")
    thread.start()
    thread.join()
    (line,) = view.lines()
    assert line.level == "CRITICAL"
    assert "market data" in line.text
    assert "ValueError: bad ***" in line.text
    assert "in fail" in line.text
    assert "hunter2" not in (tmp_path / "logs" / "cts.log").read_text()


def test_leaving_a_thread_on_purpose_is_no_error(view: LogView) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert view.lines() == []


def test_error_that_reaches_the_top(view: LogView, capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret("hunter2hunter2")
    try:
        raise RuntimeError(f"top {secret.reveal()}")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert "RuntimeError: top ***" in view.lines()[-1].text
    assert "RuntimeError" in capsys.readouterr().err
    assert log.isEnabledFor(logging.INFO)


def test_interrupt_by_the_person_is_no_error(view: LogView) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert view.lines() == []


def test_error_while_an_object_is_cleaned_up(view: LogView) -> None:
    class Leaves:
        def __repr__(self) -> str:
            return "repr with hunter2"

        def __del__(self) -> None:
            raise ValueError("password=hunter2")

    Leaves()
    gc.collect()
    (line,) = view.lines()
    assert "Leaves" in line.text
    assert "hunter2" not in line.text


def test_error_in_a_worker_goes_to_its_waiter_and_the_worker_lives(view: LogView) -> None:
    workers = Workers(readers=1)

    def fail() -> None:
        raise ValueError("in a worker")

    with pytest.raises(ValueError, match="in a worker"):
        workers.write(fail).result(10)
    assert workers.write(lambda: 7).result(10) == 7
    assert workers.close()


def test_hundred_threads_log_at_once(view: LogView, tmp_path: Path) -> None:
    def talk(number: int) -> None:
        for count in range(15):
            log.info("%d/%d", number, count)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({line.number for line in view.lines()}) == 1_500
    lines = (tmp_path / "logs" / "cts.log").read_text().splitlines()
    assert len(lines) == 1_500
    assert [line.text for line in view.lines()] == [line.partition("services.test: ")[2] for line in lines]


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "file instead of the folder"])
def test_log_that_is_not_a_file_is_said_once_and_nothing_stops(tmp_path: Path, kind: str) -> None:
    logs = tmp_path / "logs"
    target = tmp_path / "target"
    target.write_text("not ours\n")
    if kind == "file instead of the folder":
        logs.write_text("")
    else:
        logs.mkdir()
        path = logs / "cts.log"
        match kind:
            case "folder":
                path.mkdir()
            case "link":
                path.symlink_to(target)
            case _:
                os.mkfifo(path)
    view = LogView()
    try:
        view.set_up(logs)
        for number in range(20):
            log.info("line %d", number)
        said = [line for line in view.lines() if "cannot be written" in line.text]
        assert len(said) == 1
        assert len(view.lines()) == 21
        assert view.problem is not None
        assert target.read_text() == "not ours\n"
    finally:
        view.close()


def test_full_disk_and_what_was_missed_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.log_file._RETRY_SECONDS", 0.0)
    folder = tmp_path / "disk"
    with own_disk(folder, "64k"):
        view = LogView()
        try:
            view.set_up(folder / "logs")
            log.info("before")
            fill(folder / "filler")
            for number in range(100):
                log.info("while full %d %s", number, "x" * 100)
            assert is_said(view)
            assert sum("cannot be written" in line.text for line in view.lines()) == 1
            (folder / "filler").unlink()
            log.info("after")
            assert not is_said(view)
            content = (folder / "logs" / "cts.log").read_text()
            assert all(f"while full {number} " in content for number in range(100))
            assert content.rstrip().endswith("after")
        finally:
            view.close()
