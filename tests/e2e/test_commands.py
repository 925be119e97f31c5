"""The commands on a fresh folder, as a script would use them."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canary import make_canary
from tests.e2e.program import SOURCE, Program

KEY, SECRET = make_canary(), make_canary()


def bybit(name: str = "Bybit main", **fields: object) -> dict[str, object]:
    return {"name": name, "exchange": "bybit", "api_key": KEY, "api_secret": SECRET, **fields}


def test_a_fresh_folder_needs_no_configuration(program: Program) -> None:
    status = program.status()
    assert (status["store"]["backend"], status["store"]["state"]) == ("sqlite", "online")
    assert status["store"]["problem"] is None
    assert status["store"]["temporary"] is False
    assert status["store"]["waiting"] == 0
    assert status["migrations"]["applied"] == status["migrations"]["total"] >= 7
    assert {36, 37, 38, 51, 53, 70, 71} <= {item["number"] for item in status["migrations"]["items"]}
    assert {item["state"] for item in status["migrations"]["items"]} == {"applied"}
    assert status["connections"] == {"total": 0, "enabled": 0}
    assert status["data_folder"] == {"path": str(program.folder), "temporary": False, "writable": True, "reason": ""}
    assert status["vault"]["locked"] is False
    assert status["take_over"] is None
    assert status["problems"] == []
    assert all(step["ok"] for step in status["startup"])
    steps = [step["step"] for step in status["startup"]]
    assert steps[:6] == ["folder", "settings", "configuration", "log", "lock", "vault"]
    assert {"database", "migrations"} <= set(steps)
    assert set(status["startup"][0]) == {"step", "ok", "milliseconds", "detail"}


def test_the_folder_is_private_and_complete(program: Program) -> None:
    program.status()
    assert stat.S_IMODE(program.folder.stat().st_mode) == 0o700
    for name in ("connections", "logs", "backups", "quarantine"):
        assert stat.S_IMODE((program.folder / name).stat().st_mode) == 0o700
    for name in ("cts.db", "vault.json", "vault.key", "logs/cts.log"):
        assert stat.S_IMODE((program.folder / name).stat().st_mode) == 0o600
    log = (program.folder / "logs" / "cts.log").read_text(encoding="utf-8")
    for step in ("folder", "settings", "log", "lock", "vault", "database", "migrations"):
        assert f"Start, {step}: ok in " in log


def test_for_people_the_status_is_aligned_text(program: Program) -> None:
    out = program.run("status").out
    assert "Store        sqlite, online, " in out
    assert "Connections  0, 0 enabled" in out
    assert not out.lstrip().startswith("{")


def test_a_connection_from_cradle_to_grave(program: Program) -> None:
    added = program.add(**bybit(tags=["desk", "eu"], extra_thing=7))
    assert added["name"] == "Bybit main"
    assert (added["api_key_set"], added["api_secret_set"], added["api_passphrase_set"]) == (True, True, False)
    assert added["revision"] == 1

    (listed,) = program.run("--json", "connections", "list").json
    assert {"id", "name", "exchange", "environment", "enabled", "live_trade", "revision"} <= set(listed)
    assert {"api_key_set", "api_secret_set"} <= set(listed)
    assert listed["tags"] == ["desk", "eu"]

    shown = program.run("connections", "show", added["id"], "--json").json
    assert shown["extra"] == {"extra_thing": 7}
    assert not {"api_key", "api_secret", "api_passphrase"} & set(shown)
    assert f"ends in {KEY[-4:]}" in program.run("connections", "show", "bybit MAIN").out

    edited = program.run("connections", "edit", "Bybit main", "--json", stdin='{"note": "moved", "leverage_limit": 5}')
    assert edited.json["revision"] == 2
    assert program.run("connections", "disable", "Bybit main", "--json").json[0]["enabled"] is False
    assert program.run("connections", "enable", "Bybit main", "--json").json[0]["enabled"] is True
    assert program.run("connections", "duplicate", "Bybit main", "--json").json["name"] != "Bybit main"
    assert len(program.names()) == 2

    assert program.run("connections", "remove", "Bybit main", "--json").json[0]["id"] == added["id"]
    assert "Bybit main" not in program.names()
    assert [one["name"] for one in program.run("connections", "deleted", "--json").json] == ["Bybit main"]
    program.run("connections", "restore", "Bybit main")
    again = program.run("connections", "show", "Bybit main", "--json").json
    assert (again["note"], again["leverage_limit"], again["api_secret_set"]) == ("moved", 5, True)


def test_what_show_prints_can_be_sent_back_and_a_stale_one_is_refused(program: Program) -> None:
    program.add(**bybit())
    shown = program.run("connections", "show", "Bybit main", "--json").json
    program.run("connections", "edit", "Bybit main", stdin=json.dumps({**shown, "note": "one"}))
    ran = program.run("--json", "connections", "edit", "Bybit main", stdin=json.dumps({**shown, "note": "two"}), code=1)
    assert ran.problem["category"] == "CONFLICT"
    assert ran.out == ""
    assert program.run("connections", "show", "Bybit main", "--json").json["note"] == "one"


def test_secrets_come_from_a_file_or_a_pipe_too(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    written = {"api_key": make_canary(written=True), "api_secret": make_canary(written=True)}
    file.write_text(json.dumps(bybit(**written)), encoding="utf-8-sig")
    assert program.run("connections", "add", "--file", str(file), "--json").json["api_key_set"]
    read, write = os.pipe()
    os.write(write, json.dumps(bybit("Two")).encode())
    os.close(write)
    program.run("connections", "add", "--file", f"/dev/fd/{read}", pass_fds=(read,))
    os.close(read)
    assert sorted(program.names()) == ["Bybit main", "Two"]


def test_an_ambiguous_name_is_refused(program: Program) -> None:
    program.add(name="Desk", exchange="bybit")
    program.add(name="desk", exchange="okx")
    assert program.run("connections", "show", "Desk", "--json").json["exchange"] == "bybit"
    assert program.run("--json", "connections", "remove", "DESK", code=1).problem["category"] == "AMBIGUOUS"
    assert len(program.names()) == 2


def test_nothing_is_found_nothing_is_changed(program: Program) -> None:
    program.add(name="A", exchange="bybit")
    assert program.run("connections", "remove", "A", "B", "--json", code=1).problem["category"] == "NOT_FOUND"
    assert program.names() == ["A"]
    assert program.run("connections", "show", "B", code=1).err.startswith("NOT_FOUND: ")


@pytest.mark.parametrize(
    ("given", "category", "says"),
    [
        (b"", "BAD_FILE", "is empty"),
        (b"not json", "BAD_FILE", "is not JSON"),
        (b"[1, 2]", "INVALID", "JSON object"),
        (b'{"name": "A", "name": "B"}', "BAD_FILE", "same key twice"),
        ('{"name": "Ü"}'.encode("utf-16"), "BAD_FILE", "is not UTF-8"),
        ('{"name": "Ü"}'.encode("latin-1"), "BAD_FILE", "is not UTF-8"),
        (b'{"volume_factor": NaN}', "BAD_FILE", "NaN"),
        (b'{"name": "A", "exchange": "bybit", "leverage_limit": 1e999}', "BAD_FILE", "too large"),
        (b"[" * 100_000, "BAD_FILE", "nested deeper"),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', "BAD_FILE", "larger than 1 MiB"),
        (b'{"exchange": "bybit"}', "INVALID", "Name is missing"),
        (b'{"name": "A"}', "INVALID", "Exchange is missing"),
        (b'{"name": "A", "exchange": "nowhere"}', "INVALID", "Exchange is not one that we know"),
        (b'{"name": "A\\u202eB", "exchange": "bybit"}', "INVALID", "U+202E"),
        (b'{"name": "A\\u0000B", "exchange": "bybit"}', "INVALID", "U+0000"),
        (b'{"name": "\\ud800", "exchange": "bybit"}', "BAD_FILE", "surrogate"),
        (b'{"name": "' + b"n" * 300 + b'", "exchange": "bybit"}', "INVALID", "300 characters"),
        (b'{"name": "A", "exchange": "bybit", "api_key": "k"}', "INVALID", "API secret is missing"),
    ],
)
def test_bad_input_gets_its_sentence_and_changes_nothing(
    program: Program, given: bytes, category: str, says: str
) -> None:
    ran = program.run("connections", "add", "--json", stdin=given, code=1)
    assert ran.problem["category"] == category
    assert says in ran.problem["text"]
    assert ran.problem["solution"]
    assert ran.out == ""
    assert program.names() == []


def test_odd_but_good_names_live(program: Program) -> None:
    names = ["'; DROP TABLE exchange_connections;--", "100% _ \\", "<b>bold</b>", "👩\u200d🚀 東京", "--json"]
    for name in names:
        program.add(name=name, exchange="bybit")
    assert sorted(program.names()) == sorted(names)
    for name in names:
        assert program.run("--json", "connections", "show", "--", name).json["name"] == name


def test_a_name_that_somebody_forged_moves_no_cursor(program: Program) -> None:
    import sqlite3

    program.status()
    with sqlite3.connect(program.folder / "cts.db") as database:
        database.execute(
            "INSERT INTO exchange_connections (id, name, exchange) VALUES (?, ?, 'bybit')",
            ("0b0e7a4c-5d5f-4c39-9f25-000000000001", "\x1b[2Jgone\u202e"),
        )
    out = program.run("connections", "list").out
    assert "\\x1b[2Jgone\\u202e" in out
    assert "\x1b" not in out


def test_migrations_can_be_read(program: Program) -> None:
    listed = program.run("migrations", "--json").json
    assert listed["applied"] == listed["total"]
    assert {"number", "name", "state", "applied_at", "milliseconds"} <= set(listed["items"][0])
    shown = program.run("migrations", "show", "36", "--json").json
    assert shown["name"] == "create_optimal_indication_tables"
    assert "CREATE TABLE" in shown["sql"]
    assert "CREATE TABLE" in program.run("migrations", "show", "036").out
    assert program.run("migrations", "show", "999", "--json", code=1).problem["category"] == "NOT_FOUND"
    assert program.run("migrations", "apply", "--json").json["applied"] == listed["total"]
    assert program.run("migrations", "rehearse", "--json").json == []
    assert program.run("migrations", "repair", "--json").json == {"done": False, "changes": []}
    assert "--yes" in program.run("migrations", "baseline", "71", code=1).err


def test_a_changed_migration_is_repaired_after_asking(program: Program) -> None:
    import sqlite3

    program.status()
    with sqlite3.connect(program.folder / "cts.db") as database:
        database.execute("UPDATE migrations SET checksum = 'another' WHERE number = 51")
    assert {item["number"]: item["state"] for item in program.status()["migrations"]["items"]}[51] == "changed"
    asked = program.run("migrations", "repair", "--json").json
    assert (asked["done"], [change["number"] for change in asked["changes"]]) == (False, [51])
    assert program.run("migrations", "repair", "--yes", "--json").json["done"] is True
    assert {item["state"] for item in program.status()["migrations"]["items"]} == {"applied"}


def test_backups_are_made_and_listed(program: Program) -> None:
    program.add(**bybit())
    made = program.run("backup", "make", "--json").json
    assert made["connections"] == 1
    assert Path(made["path"]).is_file()
    assert made["path"] in [one["path"] for one in program.run("backup", "list", "--json").json]


def test_a_backup_brings_back_what_was_there(program: Program) -> None:
    program.add(**bybit())
    made = Path(program.run("backup", "make", "--json").json["path"])
    program.run("connections", "remove", "Bybit main")
    program.add(name="Later", exchange="okx")
    asked = program.run("restore", made.name, "--json", code=1)
    assert "--yes" in asked.problem["solution"]
    assert program.names() == ["Later"]
    assert program.run("restore", made.name, "--yes", "--json").json["connections"] == 1
    assert program.names() == ["Bybit main"]
    assert program.run("connections", "show", "Bybit main", "--json").json["api_secret_set"]
    assert len(list((program.folder / "quarantine").iterdir())) >= 1
    assert program.run("restore", "nothing.db", "--yes", "--json", code=1).problem["category"] == "NOT_FOUND"


def test_export_and_import_carry_no_secret(program: Program, tmp_path: Path) -> None:
    program.add(**bybit())
    program.add(name="Two", exchange="okx")
    file = tmp_path / "out.json"
    assert program.run("export", str(file), "--json").json["connections"] == 2
    text = file.read_text(encoding="utf-8")
    assert KEY not in text
    assert SECRET not in text
    assert "cts1." not in text
    other = Program(tmp_path / "other")
    dry = other.run("import", str(file), "--dry-run", "--json").json
    assert (dry["dry_run"], dry["added"]) == (True, 2)
    assert other.names() == []
    assert other.run("import", str(file), "--json").json["added"] == 2
    assert sorted(other.names()) == ["Bybit main", "Two"]


def test_no_secret_is_anywhere(program: Program, tmp_path: Path) -> None:
    program.add(**bybit())
    program.run("connections", "add", stdin=json.dumps(bybit(api_passphrase=7)), code=1)
    program.run("connections", "add", stdin=json.dumps(bybit())[:-1], code=1)
    program.run("connections", "add", f"--api-secret={SECRET}", SECRET, code=2)
    program.run("connections", "duplicate", "Bybit main")
    program.run("connections", "show", "Bybit main", "--json")
    program.run("connections", "remove", "Bybit main")
    program.run("backup", "make")
    program.run("status")
    written = program.everything_written()
    assert SECRET.encode() not in written
    assert KEY.encode() not in written


def test_prepare_makes_ready_and_can_be_repeated(program: Program) -> None:
    for _ in range(2):
        ready = program.run("prepare", "--json").json
        assert ready["migrations"]["sqlite"] == ready["migrations"]["postgresql"] >= 7
        assert {Path(folder).name for folder in ready["folders"]} == {"connections", "logs", "backups", "quarantine"}
        assert ready["problem"] is None
    assert not (program.folder / "cts.db").exists()
    assert not (program.folder / "vault.key").exists()


def test_prepare_checks_what_is_asked_for_without_asking_the_server(program: Program) -> None:
    program.environment["DATABASE_URL"] = f"postgresql://desk:{SECRET}@no-such-host.invalid/cts"
    ready = program.run("prepare", "--json").json
    assert ready["store"] == {"wanted": "postgresql", "location": "postgresql://desk:***@no-such-host.invalid:5432/cts"}
    program.environment["DATABASE_URL"] = f"postgresql://desk:{SECRET}@db1:port/cts"
    assert program.run("prepare", "--json", code=1).problem["category"] == "CONFIG"
    assert SECRET.encode() not in program.everything_written()


def test_wrong_usage_is_two(program: Program) -> None:
    assert program.run("nonsense", code=2).err.startswith("INVALID: ")
    assert program.run("--json", code=2).problem["category"] == "INVALID"
    assert program.run("--data-dir", code=2).err.startswith("INVALID: ")
    assert not program.folder.exists()
    assert "COMMAND" in program.run("--help").out
    assert program.run("--version", "--json").json["version"]


@pytest.mark.parametrize("words", [("status",), ("connections", "list"), ("prepare",), ("--help",)])
def test_commands_import_no_qt(program: Program, words: tuple[str, ...]) -> None:
    program.status()
    look = (
        "import sys, main; code = 0\n"
        "try: code = main.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "names = {name.partition('.')[0] for name in sys.modules} | set(sys.modules)\n"
        "heavy = {'PySide6', 'qasync', 'gui', 'asyncio', 'keyring', 'cryptography', 'storage.postgresql'}\n"
        "sys.stderr.write(' '.join(sorted(names & heavy)))\n"
        "sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", look, "--data-dir", str(program.folder), *words],
        cwd=SOURCE,
        env=program.environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == b""


def test_outputs_that_are_gone(program: Program) -> None:
    program.add(**bybit())
    command = program.command("connections", "list")
    environment = program.environment
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], env=environment, capture_output=True, check=False)
    assert closed.stderr == b""
    piped = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert piped.stdout is not None
    piped.stdout.close()
    _, err = piped.communicate(timeout=60)
    assert (piped.returncode, err) == (141, b"")
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith(b"IO: The output could not be written (No space left on device).")
    assert program.names() == ["Bybit main"]


def test_ctrl_c_while_typing_ends_quietly_and_nobody_had_to_wait(program: Program) -> None:
    import pty
    import signal

    program.status()
    terminal, typed = pty.openpty()
    with subprocess.Popen(
        program.command("connections", "add"),
        env=program.environment,
        stdin=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as waiting:
        assert waiting.stderr is not None
        assert b"Type one JSON object" in waiting.stderr.readline()
        program.add(name="Meanwhile", exchange="bybit")
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=60)
    os.close(terminal)
    os.close(typed)
    assert (waiting.returncode, out, err) == (130, b"", b"")
    assert program.names() == ["Meanwhile"]
