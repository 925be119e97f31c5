"""A whole session with secrets that occur nowhere else: no byte of one is in any file, log, output or export (P4).

A CTS v3.1 folder comes over and is scrubbed; connections are added, edited, exported, imported and removed; backups are
made and restored, migrations rehearsed; keys are refused, the database is damaged, the program is killed, the vault is
locked; and the window crashes in a slot, a task and a thread with secrets in their tracebacks.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.canary import canaries_in, canaries_under
from tests.e2e.program import SOURCE, Program
from tests.fixtures.cts31 import Canaries, json_record, shape_a, write

# The window crashes in a slot, in a task and in a thread, with a secret of a connection in hand, Qt complains about it,
# and the window is closed after that.
CRASHING = """
import asyncio, gc, sys, threading, main
from PySide6.QtCore import QTimer, qCritical, qWarning
from gui.program import Program
from models.secret import Secret
real = Program._start_up
async def start_up(self, core):
    await real(self, core)
    found = core.connections.get(core.connections.rows()[0].id)
    # As a form has it: remembered by the redaction from its first day, also where somebody reveals it into a message.
    key = Secret(sys.stdin.readline().strip())
    def slot(secret=key):
        raise ValueError(f"refused {secret.reveal()} {found!r}")
    def thread(secret=key):
        raise OSError("refused", secret.reveal(), secret, found)
    async def task(secret=key):
        raise RuntimeError(f"refused task {secret.reveal()}")
    async def leave_alone():
        asyncio.get_running_loop().create_task(task())
        await asyncio.sleep(0.1)
        gc.collect()
    def complain(secret=key):
        qWarning(f"refused by Qt {secret.reveal()}")
        qCritical(f"refused by Qt too, api_secret={secret.reveal()}")
    QTimer.singleShot(0, slot)
    QTimer.singleShot(50, complain)
    self._left = asyncio.get_running_loop().create_task(leave_alone())
    threading.Thread(target=thread).start()
    QTimer.singleShot(700, self._frame.close)
Program._start_up = start_up
sys.exit(main.main(sys.argv[1:]))
"""


def fields(canaries: Canaries, name: str, exchange: str = "okx") -> dict[str, object]:
    return {
        "name": name,
        "exchange": exchange,
        "api_key": canaries.new(),
        "api_secret": canaries.new(),
        "api_passphrase": canaries.new(),
    }


def work(program: Program, canaries: Canaries, outside: Path) -> None:
    """What a person does on a day, mistakes included."""
    program.status()
    program.run("legacy", "scrub", "--yes")
    program.add(**fields(canaries, "One"))
    program.run(
        "connections", "edit", "One", stdin=json.dumps({"api_key": canaries.new(), "api_secret": canaries.new()})
    )
    refused = [
        {**fields(canaries, "Two"), "exchange": "nowhere"},
        {**fields(canaries, "Three"), "leverage_limit": "many"},
        {**fields(canaries, "One")},
        {**fields(canaries, "Four"), "api_key": f"{canaries.new()}\u202e\0"},
        [fields(canaries, "Five")],
    ]
    for given in refused:
        program.run("connections", "add", stdin=json.dumps(given), code=None)
    program.run("connections", "add", stdin=json.dumps(fields(canaries, "Six"))[:-9], code=1)
    program.run("connections", "add", "--api-key", "not-on-the-command-line", code=2)
    records = [
        json_record(canaries, "new-x01"),
        fields(canaries, "Seven"),
        {**fields(canaries, "Eight"), "exchange": "x"},
    ]
    source = write(outside / "import.json", records)
    for options in (["--dry-run"], ["--json"]):
        program.run("import", str(source), *options, code=None)
    program.run("export", str(program.folder / "export.json"))
    program.run("backup")
    program.run("migrations", "rehearse")
    program.run("migrations", "repair", code=None)
    program.run("connections", "remove", "One")
    program.run("connections", "restore", "One")
    program.run("connections", "list", "--json")
    program.run("connections", "show", "One", "--json")


def crash(program: Program, canaries: Canaries) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", CRASHING, "--data-dir", str(program.folder)],
        input=canaries.new().encode(),
        cwd=SOURCE,
        env={**program.environment, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        timeout=60,
        check=False,
    )


def kill_while_adding(program: Program, canaries: Canaries) -> None:
    child = subprocess.Popen(
        program.command("connections", "add"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=program.environment,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(fields(canaries, "Killed")).encode())
    child.stdin.close()
    time.sleep(0.15)
    child.send_signal(signal.SIGKILL)
    child.wait()


def damage(program: Program) -> None:
    database = program.folder / "cts.db"
    content = database.read_bytes()
    database.write_bytes(os.urandom(4096) + content[4096:])


def test_no_secret_of_a_session_is_anywhere(tmp_path: Path) -> None:
    canaries = Canaries()
    program = Program(tmp_path / "data", {"TMPDIR": str(tmp_path / "tmp")})
    (tmp_path / "tmp").mkdir()
    shape_a(program.folder / "cts.db", canaries, candles=20)
    write(program.folder / "connections" / "bingx-x01.json", json_record(canaries, "bingx-x01"))
    outside = tmp_path / "outside"
    work(program, canaries, outside)
    crashed = crash(program, canaries)
    kill_while_adding(program, canaries)
    damage(program)
    program.status(code=None)
    (program.folder / "vault.key").rename(tmp_path / "outside" / "vault.key")
    program.status(code=None)
    program.run("connections", "add", stdin=json.dumps(fields(canaries, "Locked")), code=None)

    log = (program.folder / "logs" / "cts.log").read_text("utf-8")
    assert crashed.returncode == 0, crashed.stderr
    for line in (
        "ValueError: refused",
        "OSError: ",
        "RuntimeError: refused task ***",
        "Qt, default: refused by Qt ***",
    ):
        assert line in log
    assert len(program.names()) > 10
    assert canaries_under(tmp_path, canaries.made, without=[outside / "import.json"]) == []
    said = [(ran.out + ran.err).encode() for ran in program.ran] + [crashed.stdout, crashed.stderr]
    assert [canaries_in(each, canaries.made) for each in said if canaries_in(each, canaries.made)] == []
