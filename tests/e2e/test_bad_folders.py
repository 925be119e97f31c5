"""Data folders that somebody or something damaged: each gets its Problem, and nothing is lost."""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import NOBODY, SOURCE, Program


@pytest.fixture
def filled(program: Program) -> Program:
    """Return a program with two connections and a verified backup of them."""
    program.add(name="One", exchange="bybit", api_key="k" * 18, api_secret="s" * 36)
    program.add(name="Two", exchange="okx")
    program.run("backup", "make")
    return program


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Return a folder that another, unprivileged user may enter; root may write anywhere, so root cannot test this."""
    folder = Path("/tmp") / f"cts-nobody-{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def quarantined(program: Program) -> list[str]:
    return sorted(path.name for path in (program.folder / "quarantine").iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not a database, at all\n" * 100),
        lambda path: path.write_bytes(os.urandom(20_000)),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000),
    ],
    ids=["text", "random", "cut", "header"],
)
def test_a_damaged_database_is_kept_and_rebuilt_from_the_backup(filled: Program, damage: object) -> None:
    damage(filled.folder / "cts.db")  # type: ignore[operator]
    ran = filled.run("status", "--json", code=None)
    assert [problem["category"] for problem in ran.json["problems"]] == ["CORRUPT"]
    assert ran.json["connections"]["total"] == 2
    assert any(name.endswith("cts.db") for name in quarantined(filled))
    assert sorted(filled.names()) == ["One", "Two"]
    # The next start finds a sound database.
    assert filled.status()["problems"] == []
    filled.add(name="Three", exchange="bybit")


def test_what_came_back_from_the_records_is_told_once(filled: Program) -> None:
    for backup in (filled.folder / "backups").iterdir():
        backup.unlink()
    (filled.folder / "cts.db").write_bytes(b"garbage" * 1000)
    (problem,) = filled.run("status", "--json", code=None).json["problems"]
    assert "2 connections were brought back from data/connections" in problem["text"]


def test_garbage_without_any_backup_starts_anew_and_keeps_the_garbage(program: Program) -> None:
    program.folder.mkdir()
    (program.folder / "cts.db").write_bytes(b"garbage" * 1000)
    ran = program.run("status", "--json", code=None)
    assert "CORRUPT" in {problem["category"] for problem in ran.json["problems"]}
    assert ran.json["migrations"]["applied"] == ran.json["migrations"]["total"] > 0
    (kept,) = quarantined(program)
    assert (program.folder / "quarantine" / kept).read_bytes() == b"garbage" * 1000
    program.add(name="One", exchange="bybit")


def test_an_empty_file_is_not_taken_for_an_empty_list(filled: Program) -> None:
    (filled.folder / "cts.db").write_bytes(b"")
    ran = filled.run("status", "--json", code=1)
    assert ran.problem["category"] == "EMPTY_DB"
    assert filled.run("connections", "add", stdin='{"name": "X", "exchange": "bybit"}', code=1).out == ""
    words = ran.problem["solution"].rpartition("restore ")[2].split()
    filled.run("restore", *words)
    assert sorted(filled.names()) == ["One", "Two"]


@pytest.mark.parametrize(("answer", "left"), [("records", ["One", "Two"]), ("nothing", [])])
def test_a_lost_database_is_asked_about_and_answered(filled: Program, answer: str, left: list[str]) -> None:
    for lost in (filled.folder / "cts.db", *(filled.folder / "backups").iterdir()):
        lost.unlink()
    ran = filled.run("status", "--json", code=1)
    assert ran.problem["category"] == "EMPTY_DB"
    assert ran.json["connections"]["total"] == 2
    assert f"restore {answer} --yes" in ran.problem["solution"]
    assert sorted(filled.names()) == ["One", "Two"]
    assert filled.run("restore", answer, "--json", code=1).problem["category"] == "EMPTY_DB"
    assert filled.run("restore", answer, "--yes", "--json").json["connections"] == len(left)
    assert sorted(filled.names()) == left
    assert filled.status()["problems"] == []
    assert filled.run("restore", answer, "--yes", "--json", code=1).problem["solution"]


def test_a_new_empty_file_is_just_a_first_start(program: Program) -> None:
    program.folder.mkdir()
    (program.folder / "cts.db").touch()
    status = program.status()
    assert status["problems"] == []
    assert status["store"]["state"] == "online"


def test_a_folder_where_the_database_should_be(program: Program) -> None:
    (program.folder / "cts.db").mkdir(parents=True)
    ran = program.run("status", "--json", code=3)
    assert ran.problem["category"] == "CANT_OPEN"
    assert ran.json["store"]["problem"]["category"] == "CANT_OPEN"
    assert (ran.json["store"]["backend"], ran.json["store"]["state"]) == ("json", "fallback")
    program.run("connections", "add", stdin='{"name": "Kept", "exchange": "bybit"}', code=3)
    assert (program.folder / "cts.db").is_dir()
    (program.folder / "cts.db").rmdir()
    assert program.names() == ["Kept"]
    assert program.status()["store"]["backend"] == "sqlite"


def test_a_database_of_a_newer_program_is_only_read(filled: Program) -> None:
    with sqlite3.connect(filled.folder / "cts.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(migrations)")]
        row = list(database.execute("SELECT * FROM migrations ORDER BY number DESC LIMIT 1").fetchone())
        row[columns.index("number")], row[columns.index("name")] = 999, "from_the_future"
        if "program_version" in columns:
            row[columns.index("program_version")] = "99.0.0"
        marks = ", ".join("?" * len(columns))
        database.execute(f"INSERT INTO migrations ({', '.join(columns)}) VALUES ({marks})", row)
    before = (filled.folder / "cts.db").read_bytes()
    ran = filled.run("status", "--json", code=1)
    assert ran.problem["category"] == "SCHEMA"
    assert ran.json["store"]["state"] == "read_only"
    assert {item["number"]: item["state"] for item in ran.json["migrations"]["items"]}[999] == "future"
    assert sorted(filled.names()) == ["One", "Two"]
    refused = filled.run("connections", "add", "--json", stdin='{"name": "X", "exchange": "bybit"}', code=1)
    assert refused.problem["category"] == "SCHEMA"
    assert (filled.folder / "cts.db").read_bytes() == before


def test_a_database_that_another_program_locked(filled: Program) -> None:
    holder = sqlite3.connect(filled.folder / "cts.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    ran = filled.run("connections", "add", "--json", stdin='{"name": "X", "exchange": "bybit"}', code=3)
    assert ran.problem["category"] == "BUSY"
    # It was held before anybody had saved anything.
    assert "could not be opened yet" in ran.problem["text"]
    assert "saved" not in ran.problem["solution"]
    holder.execute("ROLLBACK")
    holder.close()
    assert sorted(filled.names()) == ["One", "Two", "X"]


@pytest.mark.parametrize(
    "content",
    [
        '{"theme": "dark"}'.encode("utf-16"),
        b"{garbage",
        b"",
        b"\0" * 64,
        b"[1]",
        b'{"theme": "dark", "theme": "light"}',
    ],
    ids=["utf-16", "garbage", "empty", "zeros", "list", "twice"],
)
def test_damaged_settings_are_kept_and_said_once(program: Program, content: bytes) -> None:
    program.status()
    (program.folder / "settings.json").write_bytes(content)
    status = program.status()
    assert [problem["category"] for problem in status["problems"]] == ["BAD_FILE"]
    assert [step["step"] for step in status["startup"] if not step["ok"]] == ["settings"]
    (kept,) = quarantined(program)
    assert (program.folder / "quarantine" / kept).read_bytes() == content
    assert program.status()["problems"] == []


def test_a_second_program_reads_and_is_refused_to_write(filled: Program) -> None:
    with open(filled.folder / ".lock", "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"CTS Connections, process 4711, since 2026-01-01\n")
        file.flush()
        status = filled.status()
        assert [problem["category"] for problem in status["problems"]] == ["IN_USE"]
        assert "4711" in status["problems"][0]["text"]
        assert status["store"]["state"] == "read_only"
        assert status["connections"]["total"] == 2
        assert sorted(filled.names()) == ["One", "Two"]
        assert filled.run("connections", "show", "One", "--json").json["name"] == "One"
        filled.run("backup", "make")
        filled.run("migrations", "list")
        for words in (
            ("connections", "remove", "One"),
            ("migrations", "apply"),
            ("legacy", "scrub", "--yes"),
        ):
            assert filled.run("--json", *words, code=1).problem["category"] == "IN_USE"
        ran = filled.run("connections", "add", stdin='{"name": "X", "exchange": "bybit"}', code=1)
        assert ran.err.startswith("IN_USE: ")
        assert ran.out == ""
    assert sorted(filled.names()) == ["One", "Two"]


def test_many_programs_at_once_lose_nothing(program: Program) -> None:
    """Each gets through or says that the folder is in use; whoever got through is in the list."""
    starts = [
        subprocess.Popen(
            program.command("connections", "add", "--json"),
            env=program.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for number, start in enumerate(starts):
        assert start.stdin is not None
        start.stdin.write(
            json.dumps({"name": f"N{number}", "exchange": "bybit", "api_key": "k", "api_secret": "s"}).encode()
        )
        start.stdin.close()
        start.stdin = None
    done = [(number, start, *start.communicate(timeout=60)) for number, start in enumerate(starts)]
    saved = [f"N{number}" for number, start, _, _ in done if start.returncode == 0]
    refused = [json.loads(err)["category"] for _, start, _, err in done if start.returncode != 0]
    assert sorted(program.names()) == sorted(saved)
    assert saved
    assert set(refused) <= {"IN_USE", "BUSY"}
    status = program.status()
    assert status["migrations"]["applied"] == status["migrations"]["total"]
    for name in saved:
        assert program.run("connections", "show", name, "--json").json["api_secret_set"]


# Interpreter and checkout may be closed to nobody: a first run as ourselves, elsewhere, imports all that the second one
# needs, and the migrations are read from a copy.
_AS_NOBODY = f"""
import os, pathlib, sys, tempfile
sys.path.insert(0, {str(SOURCE)!r})
import main
main.resource = lambda name: pathlib.Path(os.environ["CTS_TEST_RESOURCES"], name)
warm, *words = sys.argv[1:]
said = os.dup(1), os.dup(2)
nowhere = os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1), os.dup2(nowhere, 2)
main.main(["--data-dir", warm, *words[2:]])
os.dup2(said[0], 1), os.dup2(said[1], 2)
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
tempfile.tempdir = os.environ["CTS_TEST_TMP"]
sys.exit(main.main(words))
"""


def run_as_nobody(program: Program, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as an unprivileged user where this is root, else as the user that this is."""
    outside = program.folder.parent
    if not (outside / "migrations").exists():
        copied = shutil.copytree(SOURCE / "migrations", outside / "migrations")
        for path in (copied, *copied.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(outside / "warm"), "--data-dir", str(program.folder), *words],
        env={**program.environment, "CTS_TEST_TMP": str(outside / "tmp"), "CTS_TEST_RESOURCES": str(outside)},
        capture_output=True,
        timeout=60,
        check=False,
        cwd="/",
    )


def test_a_folder_that_cannot_be_written_gives_temporary_data_and_says_so(nobody: Path) -> None:
    (nobody / "tmp").mkdir(mode=0o777)
    (nobody / "tmp").chmod(0o777)
    folder = nobody / "data"
    folder.mkdir(mode=0o555)
    program = Program(folder)
    ran = run_as_nobody(program, "status", "--json")
    assert ran.returncode == 0, ran
    status = json.loads(ran.stdout)
    assert status["store"]["temporary"] is True
    assert status["data_folder"]["temporary"] is True
    assert status["data_folder"]["path"] != str(folder)
    assert str(folder) in status["data_folder"]["reason"]
    assert status["problems"][0]["category"] == "TEMPORARY"
    assert b"temporary" in run_as_nobody(program, "status").stdout
    log = Path(status["data_folder"]["path"]) / "logs" / "cts.log"
    assert "temporary" in log.read_text(encoding="utf-8")
    assert list(folder.iterdir()) == []


def test_a_folder_that_can_only_be_read_is_read(nobody: Path) -> None:
    program = Program(nobody / "data")
    program.add(name="One", exchange="bybit")
    for path in (program.folder, *program.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() == 0:
        for path in (program.folder, *program.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    before = (program.folder / "cts.db").read_bytes()
    ran = run_as_nobody(program, "connections", "list", "--json")
    assert ran.returncode == 0, ran
    assert [row["name"] for row in json.loads(ran.stdout)] == ["One"]
    status = json.loads(run_as_nobody(program, "status", "--json").stdout)
    assert status["store"]["state"] == "read_only"
    assert "NOT_WRITABLE" in {problem["category"] for problem in status["problems"]}
    refused = run_as_nobody(program, "--json", "connections", "remove", "One")
    assert (refused.returncode, json.loads(refused.stderr)["category"]) == (1, "NOT_WRITABLE")
    assert (program.folder / "cts.db").read_bytes() == before


def test_without_any_place_to_write_there_is_a_sentence(nobody: Path) -> None:
    folder = nobody / "data"
    folder.mkdir(mode=0o555)
    (nobody / "tmp").mkdir(mode=0o555)
    ran = run_as_nobody(Program(folder), "status", "--json")
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert json.loads(ran.stderr)["category"] == "NOT_WRITABLE"


def test_a_folder_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    """A copy from a stick or an archive has the modes of there; whatever the program left there itself is its own."""
    program = Program(tmp_path / "data")
    program.add(name="One", exchange="bybit", api_key="k" * 20, api_secret="s" * 20)
    program.run("connections", "edit", "One", stdin='{"note": "x"}')
    program.run("backup")
    for path in program.folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    program.folder.chmod(0o755)
    status = program.status()
    assert "not ours" not in status["startup"][0]["detail"]
    kept = [
        program.folder,
        program.folder / "vault.json.bak",
        *(each for each in program.folder.iterdir() if each.is_dir()),
    ]
    assert [path for path in kept if path.stat().st_mode & 0o077] == []
