"""The log: lines in memory and on disk, rotation, levels, and what happens when the disk says no."""

import logging
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.secret import Secret
from services.log import LINES_KEPT, LogLine, LogView
from services.log_file import LogFile

log = logging.getLogger("services.test")


@pytest.fixture
def view() -> Iterator[LogView]:
    view = LogView()
    yield view
    view.close()


def texts(view: LogView) -> list[str]:
    return [line.text for line in view.lines()]


def test_lines_are_numbered_kept_and_written(view: LogView, tmp_path: Path) -> None:
    view.set_up(tmp_path / "logs")
    log.info("first %d", 1)
    log.warning("second")
    first, second = view.lines()
    assert (first.number, first.level, first.source, first.text) == (1, "INFO", "services.test", "first 1")
    assert view.lines(after=first.number) == [second]
    assert first.stamp.endswith("Z")
    content = (tmp_path / "logs" / "cts.log").read_text().splitlines()
    assert content == [
        f"{first.stamp} INFO     services.test: first 1",
        f"{second.stamp} WARNING  services.test: second",
    ]


def test_what_was_said_before_the_folder_was_known_is_written_too(view: LogView, tmp_path: Path) -> None:
    view.install()
    log.info("early")
    view.set_up(tmp_path)
    log.info("late")
    assert [line.split(": ")[1] for line in (tmp_path / "cts.log").read_text().splitlines()] == ["early", "late"]


def test_files_are_private_even_if_they_were_not(view: LogView, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        (tmp_path / "cts.log").write_text("from before\n")
        (tmp_path / "cts.log").chmod(0o666)
        view.set_up(tmp_path)
        log.info("x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "cts.log").stat().st_mode) == 0o600
    assert (tmp_path / "cts.log").read_text().startswith("from before\n")


def test_log_file_is_made_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = LogFile(tmp_path / "new" / "cts.log")
        file.write("x")
        file.close()
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new" / "cts.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_rotation_keeps_five_files_and_no_line_is_cut(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "cts.log", size=1_000, kept=5)
    for number in range(400):
        file.write(f"line {number:04d} " + "x" * 40)
    file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["cts.log", "cts.log.1", "cts.log.2", "cts.log.3", "cts.log.4"]
    assert all(path.stat().st_size <= 1_000 for path in tmp_path.iterdir())
    kept = "".join((tmp_path / name).read_text() for name in [*reversed(names[1:]), "cts.log"]).splitlines()
    numbers = [int(line.split()[1]) for line in kept]
    assert numbers == list(range(numbers[0], 400))


def test_two_programs_write_one_log(tmp_path: Path) -> None:
    one, two = (LogFile(tmp_path / "cts.log", size=500) for _ in range(2))
    for number in range(30):
        one.write(f"one {number}")
        two.write(f"two {number}")
    one.close()
    two.close()
    lines = "".join(path.read_text() for path in tmp_path.iterdir()).splitlines()
    assert len(lines) == 60


def test_log_that_was_deleted_is_made_again(view: LogView, tmp_path: Path) -> None:
    view.set_up(tmp_path)
    log.info("one")
    (tmp_path / "cts.log").unlink()
    log.info("two")
    assert "two" in (tmp_path / "cts.log").read_text()


def test_memory_keeps_the_last_lines_only(view: LogView) -> None:
    view.install()
    for number in range(LINES_KEPT + 10):
        log.info("%d", number)
    assert len(view.lines()) == LINES_KEPT
    assert view.lines()[0].number == 11


def test_listeners_hear_until_they_stop_and_a_broken_one_stops_nobody(view: LogView) -> None:
    view.install()
    heard: list[LogLine] = []

    def broken(line: LogLine) -> None:
        raise RuntimeError("listener")

    view.subscribe(broken)
    stop = view.subscribe(heard.append)
    log.info("one")
    stop()
    log.info("two")
    assert [line.text for line in heard] == ["one"]
    assert texts(view) == ["one", "two"]


def test_level_and_other_peoples_debug_lines(view: LogView) -> None:
    view.install()
    log.debug("too low")
    view.set_level("DEBUG")
    log.debug("ours")
    logging.getLogger("peewee").debug(("INSERT ...", ["value of a record"]))
    logging.getLogger("urllib3.connectionpool").debug("GET /?apiKey=abc")
    logging.getLogger("peewee").warning("theirs")
    assert texts(view) == ["ours", "theirs"]


def test_wrong_format_arguments_do_no_harm_and_show_no_value(view: LogView, capsys: pytest.CaptureFixture[str]) -> None:
    view.install()
    # Not through the logger: pytest's own handler fails on such a record.
    view.handle(logging.LogRecord("services.test", logging.INFO, __file__, 1, "two %s %s", ("hunter2",), None))
    (text,) = texts(view)
    assert "services.test" in text
    assert "hunter2" not in text + capsys.readouterr().err


def test_warnings_come_here(view: LogView) -> None:
    view.install()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("something old, password=hunter2", DeprecationWarning, stacklevel=1)
    assert any("something old" in text for text in texts(view))
    assert not any("hunter2" in text for text in texts(view))


def test_line_end_in_a_value_forges_no_entry(view: LogView, tmp_path: Path) -> None:
    view.set_up(tmp_path)
    log.info("name: %s", "x\n2026-01-01T00:00:00.000Z CRITICAL main: forged\r\nagain")
    lines = (tmp_path / "cts.log").read_bytes().decode().split("\n")
    assert [line for line in lines if line and not line.startswith("    ")] == [lines[0]]
    assert "\r" not in "".join(lines)


def test_any_text_can_be_written(view: LogView, tmp_path: Path) -> None:
    view.set_up(tmp_path)
    log.info("odd: \ud800 \0 \u202e 🔑")
    assert "🔑" in (tmp_path / "cts.log").read_text()
    assert view.problem is None


def test_closing_gives_everything_back(tmp_path: Path) -> None:
    import sys
    import threading

    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.excepthook, threading.excepthook, sys.unraisablehook)
    view = LogView()
    view.set_up(tmp_path)
    assert sys.excepthook is not before[2]
    view.close()
    view.close()
    assert (root.level, list(root.handlers), sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_secrets_reach_neither_memory_nor_disk(view: LogView, tmp_path: Path) -> None:
    view.set_up(tmp_path)
    secret = Secret("hunter2hunter2")
    log.info("the value is %s", secret.reveal())
    log.info("the name is %s", {"api_secret": "other-value"})
    assert texts(view) == ["the value is ***", "the name is {'api_secret': '***'}"]
    assert "hunter2" not in (tmp_path / "cts.log").read_text()
